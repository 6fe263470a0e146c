"""How a database notices that it was restored to an earlier state than King and our journal know of."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.runs import SyncRun
from kingsync.models.tenants import TenantOwned
from kingsync.rules import limits


class Installation(models.Model):
    """The identity of this database; it stays the same in its backups."""

    identity = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installations")

    def __str__(self) -> str:
        return str(self.identity)


class RestoreWatch(TenantOwned):
    """How far King's orders were compared with our ledger, and whether that revealed a restored database."""

    administration = models.CharField(_("administration"), max_length=limits.ADMINISTRATION)
    # King's orders that changed before this moment are in the ledger, if they are ours.
    looked_at = models.DateTimeField(_("compared until"), null=True)
    # The last mark in the journal of created orders that this database has seen.
    journal_mark = models.CharField(max_length=32, blank=True)
    noticed_at = models.DateTimeField(_("restore detected at"), null=True)
    noticed_in = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="+", verbose_name=_("in run"))
    found_count = models.PositiveIntegerField(_("orders found again"), default=0)
    closed_count = models.PositiveIntegerField(_("orders that King no longer shows"), default=0)

    class Meta:
        verbose_name = _("comparison with King's orders")
        verbose_name_plural = _("comparisons with King's orders")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "administration"], name="one_watch_per_administration")
        ]

    def __str__(self) -> str:
        return self.administration
