"""The change limit of imports, and the staged records of a scan that has not been written yet."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.runs import SyncRun
from kingsync.models.tenants import AdministrationOwned, TenantOwned
from kingsync.rules import limits


class ChangeLimitTrip(AdministrationOwned):
    """A scan that would change or deactivate more records of a kind than the settings allow: it needs approval.

    `kind` is an import kind (`customers`, `products`, ...). `records` shows what would happen to the first of them:
    [{"king_id", "name", "action": "updated|deactivated", "changes": {field: [old, new]}}].
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for approval")
        ALLOWED = "allowed", _("approved")
        REFUSED = "refused", _("refused")
        OVER = "over", _("no longer needed")

    OPEN: ClassVar = [State.WAITING, State.ALLOWED, State.REFUSED]

    kind = models.CharField(_("kind"), max_length=20)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="+", verbose_name=_("run"))
    known_count = models.PositiveIntegerField(_("records in OutSmart"))
    changed_count = models.PositiveIntegerField(_("would change"))
    deactivated_count = models.PositiveIntegerField(_("would be deactivated"))
    records = models.JSONField(_("records"), default=list)
    tripped_at = models.DateTimeField(_("stopped at"), auto_now_add=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by")
    )
    # The name at that time: people leave, decisions stay.
    decided_by_name = models.CharField(_("name"), max_length=limits.EMAIL, blank=True)

    class Meta:
        verbose_name = _("stopped import")
        verbose_name_plural = _("stopped imports")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "kind"],
                condition=models.Q(state__in=["waiting", "allowed", "refused"]),
                name="one_open_trip_per_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_state_display()})"


class StagedRecord(TenantOwned):
    """A King record that a scan has read and staged: writing begins when the whole scan is complete."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="+", verbose_name=_("run"))
    kind = models.CharField(_("kind"), max_length=20)
    raw = models.BinaryField(_("as read"))

    class Meta:
        verbose_name = _("record to be written")
        verbose_name_plural = _("records to be written")
        indexes = [
            # What a scan has left to write, in the order in which it was read.
            models.Index(fields=["run", "kind", "id"], name="staged_records_of_a_scan"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
