"""Passkeys: public keys of devices that a user has, which sign a challenge as the second step of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, TimestampMixin

if TYPE_CHECKING:
    from kingsync.models.users import User

NAME, CREDENTIAL_ID = 64, 1400


class Passkey(TimestampMixin, Device):  # type: ignore[misc]
    """A passkey. Nothing of it is secret: the private key stays in the device."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user")
    )
    # In the notation of browsers: base64 for addresses.
    credential_id: models.CharField[str, str] = models.CharField(max_length=CREDENTIAL_ID, unique=True)
    public_key: models.BinaryField[bytes, bytes] = models.BinaryField()
    # Rises with each use, where the device counts; a number that does not rise shows a copy of the device.
    sign_count: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
