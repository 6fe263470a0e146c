"""Signed statements. The database refuses to change them (migration 0010); only a company's deletion removes them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit.entries import ACTOR_LENGTH
from kingsync.models.tenants import InAdministration, TenantOwned
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.rules import limits

DIGEST_LENGTH = 64


class SignedStatement(InAdministration):
    """What someone signed of a month: one version of it. A later version stands beside it."""

    # Known before the row is stored: its work orders are stored first, because the digest covers them.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Its first day.
    month = models.DateField(_("month"))
    version = models.PositiveSmallIntegerField(_("version"))
    # The month was not over.
    is_preliminary = models.BooleanField(_("preliminary"), default=False)
    signed_at = models.DateTimeField(_("signed at"))
    # Without a constraint, as in the audit trail: deleting an account changes nothing here.
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        verbose_name=_("signed by"),
        db_constraint=False,
        db_index=False,
    )
    signed_by_name = models.CharField(_("signed by"), max_length=ACTOR_LENGTH)
    remark = models.CharField(_("remark"), max_length=limits.REMARK, blank=True)
    total = models.PositiveIntegerField(_("work orders"), default=0)
    open_count = models.PositiveIntegerField(_("open"), default=0)
    # Work orders without a date are in no month; the person who signs accepts them as well.
    undated_count = models.PositiveIntegerField(_("without a date"), default=0)
    # [{"state", "count", "amount", "is_least"}], and kingsync.statements.agreement as JSON.
    sums = models.JSONField(_("states"), default=list)
    agreement = models.JSONField(_("agreement with OutSmart and King"), default=dict)
    # SHA-256 of the work orders, and of all of this with the digest of the statement signed before it.
    rows_digest = models.CharField(max_length=DIGEST_LENGTH)
    previous_digest = models.CharField(max_length=DIGEST_LENGTH, blank=True)
    digest = models.CharField(_("digest"), max_length=DIGEST_LENGTH)

    class Meta:
        verbose_name = _("signed statement")
        verbose_name_plural = _("signed statements")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "month", "version"], name="one_statement_per_version"
            )
        ]
        indexes = [
            # The statement signed last, which the next one continues.
            models.Index(fields=["tenant", "-signed_at"], name="statements_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} ({self.version})"


class SignedWorkOrder(TenantOwned):
    """A work order as it was when its month was signed, with the evidence for it."""

    statement = models.ForeignKey(
        SignedStatement, models.CASCADE, related_name="work_orders", verbose_name=_("statement"), db_index=False
    )
    # Leads to what it is now.
    work_order = models.ForeignKey(
        WorkOrder,
        models.DO_NOTHING,
        related_name="+",
        verbose_name=_("work order"),
        db_constraint=False,
        db_index=False,
    )
    outsmart_id = models.CharField(_("OutSmart number"), max_length=50)
    order_number = models.CharField(_("work order"), max_length=255, blank=True)
    customer_name = models.CharField(_("customer"), max_length=255, blank=True)
    work_date = models.DateField(_("date"))
    state = models.CharField(_("state"), max_length=12, choices=LedgerState.choices)
    # Why it is open, as reasons of kingsync.messages.reason_texts.
    reasons = models.JSONField(_("reasons"), default=list)
    # The order itself first, then its supplementary orders.
    king_order_numbers = models.TextField(_("King orders"), blank=True)
    amount = models.DecimalField(_("amount"), max_digits=30, decimal_places=2, null=True)
    is_amount_least = models.BooleanField(_("prices are missing"), default=False)
    # The last decision of a user.
    decision = models.CharField(_("decision"), max_length=10, choices=ManualAction.Kind.choices, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=limits.EMAIL, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    exported_at = models.DateTimeField(_("in King since"), null=True)
    confirmed_at = models.DateTimeField(_("reported at"), null=True)
    # Last compared with OutSmart and with King, and whether King has something else than was sent.
    verified_at = models.DateTimeField(_("compared at"), null=True)
    king_checked_at = models.DateTimeField(_("King order checked at"), null=True)
    is_king_different = models.BooleanField(_("different in King"), default=False)
    settings_version = models.PositiveIntegerField(_("version of the settings"), null=True)
    # Of the work order as OutSmart gave it.
    source_fingerprint = models.CharField(max_length=32, blank=True)
    # SHA-256 of all of this: kingsync.statements.digests.
    digest = models.CharField(_("digest"), max_length=DIGEST_LENGTH)

    class Meta:
        verbose_name = _("work order in a signed statement")
        verbose_name_plural = _("work orders in signed statements")
        constraints = [models.UniqueConstraint(fields=["statement", "outsmart_id"], name="once_per_signed_statement")]

    def __str__(self) -> str:
        return self.order_number or self.outsmart_id
