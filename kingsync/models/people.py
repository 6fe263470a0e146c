"""People who are asked to join a tenant, and what was mailed to a tenant's people."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Role, Tenant, TenantOwned


class Invitation(models.Model):
    """A link in a mail that makes somebody a member; only the hash of its secret is kept."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations", verbose_name=_("tenant"))
    email = models.EmailField(_("mail address"))
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


class SentNotice(TenantOwned):
    """One notification mail: what it told of lies before `covered_until`, so that nothing is told twice."""

    mode = models.CharField(_("mails"), max_length=10)
    sent_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    covered_until = models.DateTimeField()
    recipients = models.JSONField(_("mail addresses"), default=list)
    work_order_count = models.PositiveIntegerField(_("work orders"), default=0)
    # What the mail server said when it would not take the mail; "" when it went well.
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
