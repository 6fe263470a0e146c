"""Whether a tenant's King administration is linked to anything, and each switch from one to another."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.links import ImportedLine, RecordLink
from kingsync.models.tenants import Administration, TenantOwned, administration_key
from kingsync.models.work_orders import Step, WorkOrder
from kingsync.rules import limits

# A work order of which a write may have reached King.
BEGUN = Q(king_order_number__isnull=False) | ~Q(step=Step.NEW)


class AdministrationSwitch(TenantOwned):
    """One switch to another administration: who, when, from which. Kept forever."""

    before = models.ForeignKey(Administration, models.CASCADE, related_name="+", verbose_name=_("from"))
    after = models.ForeignKey(Administration, models.CASCADE, related_name="+", verbose_name=_("to"))
    switched_at = models.DateTimeField(_("switched at"), auto_now_add=True)
    switched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("switched by")
    )
    # The name at that time: people leave, decisions stay. Empty for the command line.
    switched_by_name = models.CharField(_("name"), max_length=limits.EMAIL, blank=True)

    class Meta:
        verbose_name = _("switch of the administration")
        verbose_name_plural = _("switches of the administration")

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


def is_linked() -> bool:
    """Return whether the current tenant has anything linked to a record in its King administration."""
    return (
        WorkOrder.objects.filter(BEGUN).exists()
        or RecordLink.objects.filter(state__in=RecordLink.IN_OUTSMART).exists()
        or ImportedLine.objects.exists()
    )


def former() -> models.QuerySet[Administration]:
    """Return the current tenant's administrations other than the present one."""
    mine = Administration.objects.filter(tenant_id=tenants.current_id())
    return mine.exclude(pk=tenants.current_administration_id()).order_by("name")


def is_switch(before: str, wanted: str) -> bool:
    """Return whether this change of name means another administration, not another name for the same one."""
    key = administration_key(wanted)
    if key == administration_key(before):
        return False
    return bool(administration_key(before) and is_linked()) or former().filter(key=key).exclude(key="").exists()


def change_problem(before: str, wanted: str) -> str:
    """Return why the current tenant may not simply make this change of administration, "" if it may."""
    if not is_switch(before, wanted):
        return ""
    return gettext(
        "Work orders or master data are already linked to administration %(before)s, and their "
        "numbers mean something else in another administration. What to do: use “Switch "
        "administration” on the settings page, or apply the file with --switch-administration."
    ) % {"before": before.strip() or "–"}
