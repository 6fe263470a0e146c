"""Devices of the second step at login. What makes codes is stored encrypted; backup codes are stored as hashes."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.util import random_hex

from kingsync.models.accounts.passkeys import Passkey
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.encryption import EncryptedJSONField

if TYPE_CHECKING:
    from kingsync.models.users import User

# Half minutes that the clock of a phone may be wrong.
TOLERANCE = 1


def new_key() -> str:
    return str(random_hex(20))


def _new_secret() -> dict[str, str]:
    return {"key": new_key()}


class AuthenticatorManager(DeviceManager):  # type: ignore[misc]
    def get_queryset(self) -> models.QuerySet[Authenticator]:
        """Leave the key out: every page reads the device, and only a check of a code needs its key."""
        rows: models.QuerySet[Authenticator] = super().get_queryset().defer("secret")
        return rows


class Authenticator(TimestampMixin, ThrottlingMixin, Device):  # type: ignore[misc]
    """An authenticator application: django-otp's machinery for a key that it would store as it is."""

    user: models.ForeignKey[User, User] = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    secret = EncryptedJSONField(default=_new_secret)
    # How many half minutes its clock was wrong the last time, and which one its last code was of: none is valid twice.
    drift: models.SmallIntegerField[int, int] = models.SmallIntegerField(default=0)
    last_t: models.BigIntegerField[int, int] = models.BigIntegerField(default=-1)

    objects = AuthenticatorManager()

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    @property
    def key(self) -> str:
        """Return the key in hexadecimal digits."""
        return str(self.secret["key"])

    def verify_token(self, token: str) -> bool:
        """Return True for a code of this application that was not used before; count a wrong one."""
        is_allowed, _why = self.verify_is_allowed()
        if not is_allowed:
            return False
        generator = generator_of(self.key, drift=self.drift)
        if not generator.verify(int(token), TOLERANCE, self.last_t + 1):
            self.throttle_increment()
            return False
        self.drift, self.last_t = generator.drift, generator.t()
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1


def generator_of(key: str, *, drift: int = 0) -> Any:
    """Return what makes and checks the codes of a key, at this moment."""
    generator = TOTP(bytes.fromhex(key), drift=drift)
    generator.time = timezone.now().timestamp()
    return generator


def address_for_apps(account: str, key: str) -> str:
    """Return the address that a QR code takes to an application."""
    issuer = settings.OTP_TOTP_ISSUER
    label = quote(f"{issuer}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': letters_of(key), 'issuer': issuer})}"


def letters_of(key: str) -> str:
    """Return a key in the letters that applications accept."""
    return b32encode(bytes.fromhex(key)).decode()


def exists_for(user_id: str) -> models.ExpressionWrapper[models.Q]:
    """Return whether the account in a column of the outer query has a second step."""
    kinds = [Exists(kind.objects.filter(user=OuterRef(user_id), confirmed=True)) for kind in (Authenticator, Passkey)]
    return models.ExpressionWrapper(models.Q(kinds[0]) | models.Q(kinds[1]), models.BooleanField())


def has_app(user_id: int | None) -> bool:
    """Return True when the account has an authenticator application."""
    return bool(Authenticator.objects.filter(user_id=user_id, confirmed=True).exists())


def has_one(user_id: int | None) -> bool:
    """Return True when the account has a second step."""
    return has_app(user_id) or bool(Passkey.objects.filter(user_id=user_id, confirmed=True).exists())


def remove_all(users: Iterable[User]) -> None:
    """Remove every second step of these accounts, and the backup codes."""
    for user in users:
        with transaction.atomic():
            found = [kind.objects.filter(user=user).delete()[0] for kind in (Authenticator, Passkey, StaticDevice)]
            if any(found[:2]):
                trail.record_of_account(Action.SECOND_STEP_REMOVED, user)
