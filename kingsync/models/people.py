"""Invitations to join a tenant, notification e-mails, and login attempts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Role, Tenant, TenantOwned
from kingsync.models.work_orders import WorkOrder


class Invitation(models.Model):
    """An invitation link sent by e-mail; only the hash of its secret is stored."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations", verbose_name=_("company"))
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("valid until"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at__isnull=True),
                name="one_open_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_role_display()})"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


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


class LoginTry(models.Model):
    """A password attempt that was wrong or is being checked. Kept for minutes; `key` is a hash of the name."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("failed login")
        verbose_name_plural = _("failed logins")
        indexes = [
            # How many recent attempts there were.
            models.Index(fields=["key", "at"], name="login_tries_of_a_name"),
            # For purging old ones.
            models.Index(fields=["at"], name="login_tries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
