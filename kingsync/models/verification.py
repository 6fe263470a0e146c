"""How many calls verification made today: every worker and command of a tenant counts here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import TenantOwned


class VerificationDay(TenantOwned):
    """The calls of the newest day on which verification called; one row per tenant."""

    day = models.DateField(_("day"))
    calls = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("calls of verification")
        verbose_name_plural = _("calls of verification")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_verification_day_per_tenant")]

    def __str__(self) -> str:
        return f"{self.day}: {self.calls}"
