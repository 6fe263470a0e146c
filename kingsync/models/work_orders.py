"""The ledger: every work order ever seen at a trigger, its King order, and how far it got."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from kingsync.database.rows import require_scope
from kingsync.models import searched_text
from kingsync.models.in_hand import InHand
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import AdministrationOwned, TenantOwned
from kingsync.rules import limits

# What the search box searches, as one text.
SEARCHED = Concat(
    "order_number",
    models.Value(" "),
    "customer_name",
    models.Value(" "),
    "outsmart_id",
    models.Value(" "),
    Coalesce("king_order_number", models.Value("")),
    models.Value(" "),
    "debtor_number",
    models.Value(" "),
    "further_numbers",
)


@dataclass(frozen=True)
class Text:
    """What a search looks for: a part of what is searched, or its start; `keys_of_past` are found as well.

    By a view that may use the index `work_orders_by_text`; behind the wall between tenants the table may not.
    """

    part: str
    start: str = ""
    keys_of_past: Sequence[int] = ()

    def keys(self, *, is_rare: bool = False) -> RawSQL:
        """Return the keys of the work orders with it. `is_rare`: they are all looked up, in the index of texts."""
        condition, values = self._condition()
        query = f"SELECT id FROM kingsync_searchedworkorder WHERE {condition}"  # noqa: S608  (constants only)
        if is_rare:
            query = f"WITH found AS MATERIALIZED ({query}) SELECT id FROM found"  # noqa: S608  (as above)
        return RawSQL(query, values)  # noqa: S611  (values are parameters)

    def newest(self, among: models.QuerySet[WorkOrder], size: int) -> list[int]:
        """Return the newest keys with it among rows that are in order, newest first; looks no further than needed."""
        condition, values = self._condition()
        rows, parameters = among.values("pk").query.sql_with_params()
        statement = f"""
            SELECT id FROM ({rows}) AS among (id) JOIN kingsync_searchedworkorder USING (id)
            WHERE {condition} ORDER BY id DESC LIMIT %s
        """  # noqa: S608  (values are parameters)
        require_scope()
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, *values, size])
            return [key for (key,) in cursor.fetchall()]

    def _condition(self) -> tuple[str, list[Any]]:
        escaped = connection.ops.prep_for_like_query
        patterns = [f"%{escaped(self.part)}%"] + ([f"{escaped(self.start)}%"] if self.start else [])
        matches = [f"searched LIKE {searched_text.FOLDED_PARAMETER}"] * len(patterns)
        matches += ["id = ANY (%s)"] if self.keys_of_past else []
        values: list[Any] = [value for pattern in patterns for value in searched_text.parameters(pattern)]
        return f"({' OR '.join(matches)})", [*values, *([list(self.keys_of_past)] if self.keys_of_past else [])]


class LedgerState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    INTERIM = "interim", _("interim")
    DONE = "done", _("done")
    UNCONFIRMED = "unconfirmed", _("not reported yet")
    INCOMPLETE = "incomplete", _("incomplete")
    REJECTED = "rejected", _("rejected")
    UNCERTAIN = "uncertain", _("outcome unknown")
    HELD = "held", _("held")
    EXCLUDED = "excluded", _("excluded")
    CHANGED = "changed", _("changed afterwards")


class Step(models.TextChoices):
    """How far a work order's King order is; each step is stored before the next call goes out."""

    NEW = "new", _("not started")
    PENDING = "pending", _("order about to be created")
    CREATED = "created", _("order created")
    LINES = "lines", _("lines created")
    APPROVED = "approved", _("approved and released")
    LINKED = "linked", _("complete in King")
    CONFIRMED = "confirmed", _("reported to OutSmart")


class AfterRestore(models.TextChoices):
    """What is known of a work order since the database was found to be restored to an earlier state."""

    FOUND = "found", _("order found again")
    UNSURE = "unsure", _("unknown whether King had an order")


class WorkOrder(AdministrationOwned):
    """A work order, and how far it got in the King order in hand, that of `part` (`order_links` has all of them)."""

    # Later runs pick it up again by row id, whatever OutSmart's list says.
    RETRIED: ClassVar = [
        LedgerState.WAITING,
        LedgerState.SENDING,
        LedgerState.UNCONFIRMED,
        LedgerState.INCOMPLETE,
        LedgerState.REJECTED,
        LedgerState.UNCERTAIN,
        LedgerState.HELD,
    ]
    NEEDS_A_PERSON: ClassVar = [
        LedgerState.INCOMPLETE,
        LedgerState.REJECTED,
        LedgerState.UNCERTAIN,
        LedgerState.HELD,
        LedgerState.CHANGED,
    ]

    # A sum of the amounts of these is less than what it should be.
    AMOUNT_IS_LEAST: ClassVar = models.Q(amount__isnull=True) | models.Q(is_amount_least=True)

    # All of it came into King, also if the work order was changed since. What is neither that nor excluded is open.
    COMPLETE: ClassVar = [LedgerState.DONE, LedgerState.UNCONFIRMED, LedgerState.CHANGED]

    outsmart_id = models.CharField(_("OutSmart number"), max_length=50)
    order_number = models.CharField(_("work order"), max_length=255, blank=True)
    customer_name = models.CharField(_("customer"), max_length=255, blank=True)
    # OutSmart's debtors, references and project numbers, for the search.
    further_numbers = models.CharField(max_length=1600, blank=True, default="", db_default="", editable=False)
    work_date = models.DateField(_("date"), null=True)
    king_order_number = models.CharField(_("King order"), max_length=50, null=True)
    is_created_by_us = models.BooleanField(_("order created by us"), default=False)
    # The part that is being exported: 1 = the order itself, 2 and further its supplementary orders.
    part = models.PositiveSmallIntegerField(_("part"), default=1, db_default=1)
    # The order that it should be in, as last read at a trigger: OutSmart's WorkorderNo, or a user's choice instead.
    wanted_order_number = models.CharField(_("wanted King order"), max_length=50, blank=True, default="", db_default="")
    # The order that a user linked, and the WorkorderNo that this overrules: `order number:WorkorderNo`.
    chosen_order = models.CharField(
        _("King order chosen by a user"), max_length=101, blank=True, default="", db_default=""
    )

    state = models.CharField(_("state"), max_length=12, choices=LedgerState.choices, default=LedgerState.WAITING)
    step = models.CharField(_("step"), max_length=10, choices=Step.choices, default=Step.NEW)
    # Reasons of kingsync.messages.reason_texts, most important first: [{"code": ..., "params": {...}}].
    reasons = models.JSONField(_("reasons"), default=list)
    # What users should know although nothing is wrong, as reasons.
    notices = models.JSONField(_("notices"), default=list, db_default=[])
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # The causes why it needs attention (kingsync.exports.overview.causes), kept while it is being retried; null = none.
    problem_causes = models.JSONField(null=True, editable=False)
    problem_since = models.DateTimeField(_("needs attention since"), null=True)
    problem_count = models.PositiveIntegerField(_("runs with this finding"), default=0, db_default=0)
    is_approved = models.BooleanField(_("approved by us"), default=False)
    is_interim = models.BooleanField(_("at the interim status"), default=False)
    # Released by a user: send it although a rule would hold it back.
    is_released = models.BooleanField(_("released by a user"), default=False)
    # The reviews that a user released, by kingsync.rules.review.key_of: the others still hold it.
    released_reviews = models.JSONField(_("released reviews"), default=list, db_default=[])
    # The debtor of the King order that we sent it to, as King writes it.
    debtor_number = models.CharField(_("debtor"), max_length=255, blank=True, default="", db_default="")
    # The King order of another customer that a user approved: `order number:debtor number`.
    accepted_order = models.CharField(
        _("other customer accepted"), max_length=101, blank=True, default="", db_default=""
    )
    # What of a former administration a user released: `kingsync.rules.linking.former_mark`.
    accepted_former = models.CharField(
        _("former administration accepted"), max_length=100, blank=True, default="", db_default=""
    )
    # King's order as last read, in the same form as `accepted_order`.
    seen_order = models.CharField(_("King order as read"), max_length=101, blank=True, default="", db_default="")
    # King holds our lock on the order until this is False again.
    is_locked = models.BooleanField(_("locked by us"), default=False)
    # Since when King refuses to unlock it, or could not be asked to.
    lock_failed_at = models.DateTimeField(_("could not be unlocked since"), null=True)
    # Since when someone else has the order open in King.
    busy_since = models.DateTimeField(_("open in King since"), null=True)
    # Complete, but with a credit line: we do not approve it.
    is_approval_left = models.BooleanField(_("to be approved by hand"), default=False, db_default=False)
    # Complete itself: these other work orders on the order must be complete before we approve it.
    approval_waits_for = models.CharField(
        _("approval waits for"), max_length=255, blank=True, default="", db_default=""
    )
    # A write to King may still be running until then: look up, but do not send again before.
    outcome_unknown_until = models.DateTimeField(_("outcome unknown until"), null=True)
    # With a database default: during an update, processes of the previous version insert rows without it.
    after_restore = models.CharField(
        _("after a restore"), max_length=10, choices=AfterRestore.choices, blank=True, default="", db_default=""
    )

    # Excluding VAT, of the lines as last planned; null if no price is known. `is_amount_least`: of some it is not.
    amount = models.DecimalField(_("amount"), max_digits=30, decimal_places=2, null=True)
    is_amount_least = models.BooleanField(_("prices are missing"), default=False, db_default=False)

    # The rounding OutSmart applied for the customer's signature, as it wrote it; shown beside our own rounding.
    minimum_hours = models.CharField(_("minimum hours"), max_length=20, blank=True)
    rounding_amount = models.CharField(_("rounding in OutSmart"), max_length=20, blank=True)
    source = models.TextField(_("work order as read"), blank=True)
    source_fingerprint = models.CharField(max_length=32, blank=True)
    plan_fingerprint = models.CharField(max_length=32, blank=True)
    settings_version = models.PositiveIntegerField(_("version of the settings"), null=True)
    last_run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="+", verbose_name=_("last run"))
    first_seen_at = models.DateTimeField(_("first seen at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("state since"), null=True)
    exported_at = models.DateTimeField(_("in King since"), null=True)
    confirmed_at = models.DateTimeField(_("reported at"), null=True)
    # When it was last compared with OutSmart after the export.
    verified_at = models.DateTimeField(_("compared at"), null=True)
    # When all of its King order was last compared with what we wrote.
    king_checked_at = models.DateTimeField(_("King order checked at"), null=True)
    # King no longer shows the order as open.
    king_closed_at = models.DateTimeField(_("King order closed at"), null=True)
    # By whomever: tells an order that was probably invoiced from one that was removed.
    is_seen_approved = models.BooleanField(_("seen approved in King"), default=False, db_default=False)
    # What King misses, as lines of a supplementary order: kingsync.exports.supplements.Missing as JSON.
    difference = models.JSONField(_("difference"), default=list, db_default=[])
    # kingsync.rules.headers.as_read of an order that we created, as King first showed it.
    header_as_read = models.JSONField(_("header as read back from King"), default=dict, db_default={})

    class Meta:
        verbose_name = _("work order")
        verbose_name_plural = _("work orders")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "administration", "outsmart_id"], name="one_link_per_work_order"),
        ]
        indexes = [
            # What was exported recently and is due for a comparison with OutSmart, or with King.
            models.Index(
                fields=["tenant", "verified_at"],
                name="work_orders_to_verify",
                condition=models.Q(state__in=["done", "changed", "interim"]),
            ),
            models.Index(
                fields=["tenant", "king_checked_at"],
                name="work_orders_to_check_in_king",
                condition=models.Q(king_order_number__isnull=False, king_closed_at=None),
            ),
            # The work orders that should be in an order, and those whose order waits for others.
            models.Index(
                fields=["tenant", "administration", "wanted_order_number"],
                name="work_orders_by_wanted_order",
                condition=~models.Q(wanted_order_number=""),
            ),
            models.Index(fields=["tenant"], name="work_orders_that_wait", condition=~models.Q(approval_waits_for="")),
            # The ledger page by state, newest first.
            models.Index(fields=["tenant", "state", "-id"], name="work_orders_by_state"),
            # What is open at each of thousands of companies: the operators' list.
            models.Index(
                fields=["tenant", "administration", "state"],
                name="work_orders_open",
                condition=~models.Q(state__in=["done", "excluded"]),
            ),
            # The ledger page without a state.
            models.Index(fields=["tenant", "-id"], name="work_orders_newest_first"),
            # What came into King by day, and what it amounts to: added up without reading the rows.
            models.Index(
                fields=["tenant", "exported_at"],
                name="work_orders_by_export",
                include=["administration", "amount", "is_amount_least"],
            ),
            # Whether a debtor has an order of ours.
            models.Index(
                fields=["tenant", "debtor_number"], name="work_orders_by_debtor", condition=~models.Q(debtor_number="")
            ),
            # The ledger page filtered by date, in date order; and the page of figures, without reading the rows.
            models.Index(
                fields=["tenant", "-work_date", "-id"],
                name="work_orders_by_date",
                include=["administration", "state", "amount", "is_amount_least"],
            ),
            models.Index(fields=["tenant", "-changed_at", "-id"], name="work_orders_by_change"),
            # The ledger page in the order of another column.
            models.Index(fields=["tenant", "order_number", "id"], name="work_orders_by_number"),
            models.Index(fields=["tenant", "customer_name", "id"], name="work_orders_by_customer"),
            models.Index(fields=["tenant", "king_order_number", "id"], name="work_orders_by_king_order"),
            models.Index(fields=["tenant", "amount", "id"], name="work_orders_by_amount"),
            # The search box: any part of a number or a name.
            GinIndex(OpClass(searched_text.folded(SEARCHED), name="gin_trgm_ops"), name="work_orders_by_text"),
        ]

    def __str__(self) -> str:
        return self.order_number or self.outsmart_id

    def get_state_display(self) -> str:  # type: ignore[no-redef]  # the plugin makes one too
        """Return the state in words; Django's own sorts all choices anew for each row of a list."""
        return str(LedgerState(self.state).label)

    @property
    def has_old_reasons(self) -> bool:
        """True when it waits for a new attempt, and its reasons are of the last one."""
        return self.state == LedgerState.WAITING and bool(self.reasons)

    @functools.cached_property
    def in_hand(self) -> InHand:
        """Return what the run that is processing this row knows of it."""
        return InHand()


class OrderLine(TenantOwned):
    """One line that came from a work order: the planned line, what we sent last, and its id in King."""

    class Kind(models.TextChoices):
        MATERIAL = "material", _("material")
        HOURS = "hours", _("hours")
        TRAVEL = "travel", _("travel distance")
        TEXT = "text", _("text")

    class State(models.TextChoices):
        PLANNED = "planned", _("to be sent")
        SENT = "sent", _("in King")
        REFUSED = "refused", _("refused")
        LEFT_OUT = "left_out", _("left out")
        REMOVED = "removed", _("removed")

    class PriceOf(models.TextChoices):
        """Whose price the amount of a line is calculated with."""

        SENT = "sent", _("price as sent")
        KING = "king", _("price list King")
        OUTSMART = "outsmart", _("price in OutSmart")

    work_order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="lines", verbose_name=_("work order"))
    # Together with the work order: the King order that the line is for.
    part = models.PositiveSmallIntegerField(_("part"), default=1, db_default=1)
    reference = models.CharField(_("our reference"), max_length=20)
    # What stays the same in the work order when quantities change: identifies the line on the next read.
    key = models.CharField(max_length=400)
    # kingsync.rules.matching.fingerprint_of the row when last looked at: an unchanged row keeps its line.
    row = models.CharField(max_length=16, blank=True, default="", db_default="")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    source = models.CharField(_("comes from"), max_length=400)
    position = models.PositiveIntegerField(_("position"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PLANNED)
    reasons = models.JSONField(_("reasons"), default=list)
    king_line_id = models.CharField(_("King line"), max_length=50, blank=True)
    # It was King's before it was ours (order import): changed, but never removed.
    is_imported = models.BooleanField(_("came from King's order"), default=False)
    # kingsync.rules.plans.Content as JSON: what we sent last; empty if nothing was sent.
    sent = models.JSONField(_("as sent"), default=dict)
    # The same: what a call whose answer is missing may have written.
    attempted = models.JSONField(_("as last attempted"), default=dict, db_default={})
    # integrations.king.records.OrderLine as JSON: King's line right after our last write; empty if not read back.
    as_read = models.JSONField(_("as read back from King"), default=dict, db_default={})
    # What users chose where both sides changed the line: mark of kingsync.rules.conflicts → choice.
    choices = models.JSONField(_("choices"), default=dict, db_default={})
    registered_minutes = models.PositiveIntegerField(_("registered minutes"), null=True)
    rounded_minutes = models.PositiveIntegerField(_("rounded minutes"), null=True)
    quantity = models.DecimalField(_("quantity"), max_digits=15, decimal_places=3, null=True)
    # Excluding VAT, as known when the line was planned; null = unknown.
    price = models.DecimalField(_("price"), max_digits=20, decimal_places=6, null=True)
    price_of = models.CharField(
        _("price from"), max_length=10, choices=PriceOf.choices, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["work_order", "reference"], name="one_line_per_reference"),
            models.UniqueConstraint(fields=["work_order", "part", "key"], name="one_line_per_source"),
        ]

    def __str__(self) -> str:
        return self.reference


class ManualAction(TenantOwned):
    """A manual action on a work order, kept forever."""

    class Kind(models.TextChoices):
        RETRY = "retry", _("try again")
        RELEASE = "release", _("release")
        LINK = "link", _("link to a King order")
        RESET = "reset", _("reset link to King")
        EXCLUDE = "exclude", _("exclude")
        RESTORE = "restore", _("restore")
        SUPPLEMENT = "supplement", _("supplementary order")
        SETTLE = "settle", _("settle by hand")
        NEW_ORDER = "new_order", _("new order after all")
        SOLVE = "solve", _("solve differences")
        # About the work order, not what becomes of it.
        NOTE = "note", _("note")
        TAKE = "take", _("assign")
        LEAVE = "leave", _("remove assignment")

    work_order = models.ForeignKey(
        WorkOrder, models.CASCADE, related_name="manual_actions", verbose_name=_("work order")
    )
    kind = models.CharField(_("decision"), max_length=10, choices=Kind.choices)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    king_order_number = models.CharField(_("King order"), max_length=50, blank=True)
    state_before = models.CharField(_("state before"), max_length=12, choices=LedgerState.choices)
    decided_at = models.DateTimeField(_("decided at"), auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by")
    )
    # The name at that time: people leave, decisions stay.
    decided_by_name = models.CharField(_("name"), max_length=limits.EMAIL, blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            # The history of one work order, newest first.
            models.Index(fields=["work_order", "-id"], name="actions_on_a_work_order"),
            # What a user was assigned, for the filter of the ledger page.
            models.Index(
                fields=["tenant", "decided_by", "work_order"],
                name="work_orders_by_assignment",
                condition=models.Q(kind="take"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.decided_by_name})"
