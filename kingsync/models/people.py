"""People who are asked to join a tenant, and what was mailed to a tenant's people."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Role, Tenant, TenantOwned
from kingsync.models.work_orders import WorkOrder


class Invitation(models.Model):
    """A link in a mail that makes somebody a member; only the hash of its secret is kept."""

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


class SentNotice(TenantOwned):
    """One notification mail: what it told of lies before `covered_until`, so that nothing is told twice."""

    mode = models.CharField(_("e-mail frequency"), max_length=10)
    sent_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    covered_until = models.DateTimeField()
    recipients = models.JSONField(_("e-mail addresses"), default=list)
    work_order_count = models.PositiveIntegerField(_("work orders"), default=0)
    # What the mail server said when it would not take the mail, or that it is not known yet; "" when it went well.
    problem = models.CharField(_("problem"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        base_manager_name = "across_tenants"
        indexes = [
            # When was the last one sent.
            models.Index(fields=["tenant", "-id"], name="notices_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.sent_at:%Y-%m-%d}"


class ToldWorkOrder(TenantOwned):
    """A work order that a mail told of, and why it stood still then: the same is not told twice."""

    work_order = models.OneToOneField(WorkOrder, models.CASCADE, related_name="+", verbose_name=_("work order"))
    fingerprint = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("work order in a notification")
        verbose_name_plural = _("work orders in notifications")
        base_manager_name = "across_tenants"

    def __str__(self) -> str:
        return str(self.work_order_id)


class LoginTry(models.Model):
    """A password that was tried and was wrong, or is being checked. Kept for minutes; `key` is a hash of the name."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("failed login")
        verbose_name_plural = _("failed logins")
        indexes = [
            # How often was this tried lately.
            models.Index(fields=["key", "at"], name="login_tries_of_a_name"),
            # Throwing the old ones away.
            models.Index(fields=["at"], name="login_tries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
