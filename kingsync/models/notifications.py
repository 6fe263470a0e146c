"""Notification e-mails, and what they reported."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import TenantOwned
from kingsync.models.work_orders import WorkOrder


class SentNotification(TenantOwned):
    """One notification e-mail: it covers what happened before `covered_until`, so that nothing is reported twice."""

    mode = models.CharField(_("e-mail frequency"), max_length=10)
    sent_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    covered_until = models.DateTimeField()
    recipients = models.JSONField(_("e-mail addresses"), default=list)
    work_order_count = models.PositiveIntegerField(_("work orders"), default=0)
    # The mail server's error, or that the outcome is not known yet; "" when it was sent.
    problem = models.CharField(_("problem"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        base_manager_name = "across_tenants"
        indexes = [
            # When the last one was sent.
            models.Index(fields=["tenant", "-id"], name="notices_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.sent_at:%Y-%m-%d}"


class ReportedWorkOrder(TenantOwned):
    """A work order that an e-mail reported, and why it was stopped then: the same problem is not reported twice."""

    work_order = models.OneToOneField(WorkOrder, models.CASCADE, related_name="+", verbose_name=_("work order"))
    fingerprint = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("work order in a notification")
        verbose_name_plural = _("work orders in notifications")
        base_manager_name = "across_tenants"

    def __str__(self) -> str:
        return str(self.work_order_id)
