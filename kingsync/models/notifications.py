"""Notification e-mails: who wants them, what they reported, addresses that get none, the mail server, and silences."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.runs import RunKind
from kingsync.models.sync_settings import MailMode
from kingsync.models.tenants import Tenant, TenantOwned
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
    # Since when every try of this e-mail has failed; and to whom it went meanwhile, who do not get it again.
    failing_since = models.DateTimeField(_("failing since"), null=True)
    accepted = models.JSONField(default=list, db_default=[])

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
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

    def __str__(self) -> str:
        return str(self.work_order_id)


class NotificationChoice(TenantOwned):
    """What a user wants of a company's notifications; it applies instead of the company's setting."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_choices", verbose_name=_("user")
    )
    mode = models.CharField(_("e-mail frequency"), max_length=10, choices=MailMode.choices)
    language = models.CharField(_("language"), max_length=2, choices=Tenant.Language.choices)

    class Meta:
        verbose_name = _("notification choice")
        verbose_name_plural = _("notification choices")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_choice_per_user")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.mode}"


class StoppedAddress(TenantOwned):
    """An address that gets no notifications of a company any more, until someone resumes it."""

    class Kind(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        REFUSED = "refused", _("refused by the mail server")

    address = models.CharField(_("e-mail address"), max_length=254)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    since = models.DateTimeField(_("since"))
    # The mail server's own words.
    detail = models.CharField(_("answer of the mail server"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("stopped address")
        verbose_name_plural = _("stopped addresses")
        constraints = [models.UniqueConstraint(fields=["tenant", "address"], name="one_row_per_stopped_address")]

    def __str__(self) -> str:
        return f"{self.kind} {self.since:%Y-%m-%d}"


class ReportedFailure(TenantOwned):
    """Failing runs that an e-mail reported: who got it hears when they succeed again."""

    mode = models.CharField(_("e-mail frequency"), max_length=10)
    kind = models.CharField(_("kind"), max_length=10, choices=RunKind.choices)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("reported failure")
        verbose_name_plural = _("reported failures")
        constraints = [models.UniqueConstraint(fields=["tenant", "mode", "kind"], name="one_reported_failure")]

    def __str__(self) -> str:
        return f"{self.kind} {self.since:%Y-%m-%d}"


class MailServer(models.Model):
    """Whether the mail server accepts e-mails, as the last one found out: one row for the installation."""

    failing_since = models.DateTimeField(_("failing since"), null=True)
    failed_at = models.DateTimeField(_("last failure"), null=True)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    worked_at = models.DateTimeField(_("last accepted"), null=True)
    # It works again after failing since then, and operators were not told yet.
    recovered_from = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("mail server")
        verbose_name_plural = _("mail server")

    def __str__(self) -> str:
        return self.problem or "-"


class Silence(TenantOwned):
    """A time in which nothing came into King that should have. Owners and operators get one e-mail, and an all-clear.

    One at a time per tenant: its `kind` may change meanwhile, without another e-mail.
    """

    class Kind(models.TextChoices):
        NOTHING_RAN = "nothing_ran", _("nothing has run")
        NO_EXPORT = "no_export", _("no export succeeded")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    since = models.DateTimeField(_("since"))
    noticed_at = models.DateTimeField(_("noticed at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    # False when it ended because nothing is expected any more: exports or the licence were switched off.
    is_recovered = models.BooleanField(_("works again"), default=False)
    owners_mailed_at = models.DateTimeField(_("owners informed at"), null=True)
    operators_mailed_at = models.DateTimeField(_("operators informed at"), null=True)
    # The same of the all-clear.
    owners_cleared_at = models.DateTimeField(_("owners got the all-clear at"), null=True)
    operators_cleared_at = models.DateTimeField(_("operators got the all-clear at"), null=True)

    class Meta:
        verbose_name = _("silence")
        verbose_name_plural = _("silences")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(ended_at__isnull=True), name="one_silence_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.since:%Y-%m-%d %H:%M}"
