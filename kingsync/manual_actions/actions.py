"""Manual actions on work orders: try again, release, link to order, reset link, exclude, restore.

All of it in the open tenant scope. Every decision is stored with who, when and why, in one transaction with what it
changes. While a worker is running the tenant's exports no action is allowed: a run keeps what it read of a work order
in memory and would overwrite the decision, or send what was just excluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations import errors, notation
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Order
from kingsync.exports import adopted_lines, causes, ledger, order_links, shared_orders, supplements
from kingsync.exports.master_data import master_data_of
from kingsync.exports.verdict import LIFTED_BY_IS_RELEASED, LIFTED_BY_RELEASE, OF_FORMER_ADMINISTRATION
from kingsync.king_mirror import mirror
from kingsync.manual_actions import conflicts, guards
from kingsync.manual_actions.guards import Person
from kingsync.messages.reason_texts import stored
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import LedgerState, ManualAction, OrderLine, Step, WorkOrder
from kingsync.rules import linking, orders, outcomes, review
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import ArticleData
from kingsync.runs.retry import with_retry

# A ledger row, or its primary key where there are many.
Row: TypeAlias = WorkOrder | int

BATCH = 1000

_REPAIRABLE = frozenset({LedgerState.REJECTED, LedgerState.HELD, LedgerState.INCOMPLETE, LedgerState.UNCERTAIN})
_RELEASABLE = frozenset({LedgerState.HELD, LedgerState.REJECTED})
_LINKABLE = frozenset({LedgerState.UNCERTAIN, LedgerState.HELD, LedgerState.REJECTED})
# With a King order already: to another one, to which the next run takes the lines.
_MOVABLE = _LINKABLE | {LedgerState.INCOMPLETE}
_NOT_EXCLUDABLE = frozenset({LedgerState.DONE, LedgerState.EXCLUDED})
# The state of a restored work order if something of it is in King; else it is being sent.
_BACK_TO = {
    LedgerState.INTERIM: LedgerState.INTERIM,
    LedgerState.UNCONFIRMED: LedgerState.UNCONFIRMED,
    LedgerState.CHANGED: LedgerState.DONE,  # and compared with OutSmart again
}


@dataclass(frozen=True)
class Refused:
    """A work order that stays as it was; `work_order` is None when the ledger has none with that key."""

    key: int
    work_order: WorkOrder | None
    why: Reason


@dataclass(frozen=True)
class Decided:
    """The result of an action on many work orders."""

    done: list[WorkOrder] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class FoundOrder:
    """An open order of King, the other work orders that are on it, and its customer.

    `other_customer` is the reason to ask for approval: the order is of another customer than the work order to link.
    """

    order: Order
    shared_with: list[WorkOrder] = field(default_factory=list)
    customer_name: str = ""
    other_customer: Reason | None = None


def possible(row: WorkOrder) -> frozenset[ManualAction.Kind]:
    """Return which actions a work order's state allows; the action itself may still be refused."""
    state = LedgerState(row.state)
    allowed = {
        ManualAction.Kind.RETRY: state in _REPAIRABLE,
        ManualAction.Kind.RELEASE: state in _RELEASABLE and _is_liftable(row),
        ManualAction.Kind.LINK: state in (_MOVABLE if row.king_order_number else _LINKABLE),
        ManualAction.Kind.RESET: state in _REPAIRABLE or supplements.is_undecided(row),
        ManualAction.Kind.EXCLUDE: state not in _NOT_EXCLUDABLE,
        ManualAction.Kind.RESTORE: state == LedgerState.EXCLUDED,
        ManualAction.Kind.SUPPLEMENT: supplements.is_undecided(row),
        ManualAction.Kind.SETTLE: supplements.is_undecided(row),
        ManualAction.Kind.NEW_ORDER: _may_get_new_order(row),
        ManualAction.Kind.SOLVE: bool(conflicts.open_conflicts(row)),
    }
    return frozenset(kind for kind, is_allowed in allowed.items() if is_allowed)


def _may_get_new_order(row: WorkOrder) -> bool:
    names_unknown = any(why["code"] == "unknown_order" for why in row.reasons)
    return row.state == LedgerState.REJECTED and names_unknown and not row.king_order_number


def _is_liftable(row: WorkOrder) -> bool:
    return any(why["code"] in LIFTED_BY_RELEASE for why in row.reasons)


# --- Many work orders -------------------------------------------------------------------------------------------------


def retry(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Make rejected, held and incomplete work orders, and those with an unknown outcome, due now for the next run.

    What has nothing in King waits again; the others keep their state until then. Raises `ExportGoingOnError`,
    `NotNamedError`; so do all actions.
    """

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, _REPAIRABLE)
        return _due_again(row)

    return _Many(ManualAction.Kind.RETRY, by).decide(work_orders, choose)


def retry_cause(*, key: str, by: Person) -> Decided:
    """Retry everything that a cause stops. Raises `UnknownCauseError` and as `retry`."""
    return retry(work_orders=causes.stopped_by(key), by=by)


def release(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Lift what stops work orders, as far as a person may; all other rules still apply.

    That is the start date, “nothing to invoice”, the King order of another customer or of a former administration (that
    order only), and reviews (those of these lines only).
    """

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, _RELEASABLE)
        if not _is_liftable(row):
            raise guards.NothingToReleaseError(outcomes.reason("decision.nothing_to_release"))
        return _due_again(row)

    return _Many(ManualAction.Kind.RELEASE, by, own=_released).decide(work_orders, choose)


def _released(row: WorkOrder) -> dict[str, object]:
    """Return the columns that lift the reasons that stop a work order, and no others."""
    reviewed = [review.key_of(msgspec.convert(why, Reason)) for why in row.reasons if why["code"] in review.CODES]
    # A tuple: rows that get the same columns are saved together.
    lifted: dict[str, object] = {"released_reviews": (*row.released_reviews, *reviewed)} if reviewed else {}
    for why in row.reasons:
        if why["code"] in LIFTED_BY_IS_RELEASED:
            lifted["is_released"] = True
        elif why["code"] in OF_FORMER_ADMINISTRATION:
            lifted["accepted_former"] = why["params"]["former"]
        elif why["code"] == "order_of_other_customer":
            lifted["accepted_order"] = linking.mark(why["params"]["number"], why["params"]["debtor"])
    return lifted


def exclude(*, work_orders: Iterable[Row], by: Person, reason: str) -> Decided:
    """Keep work orders out of all later exports; an earlier release is withdrawn. Raises `ReasonNeededError`."""

    def choose(row: WorkOrder) -> LedgerState:
        guards.require_not(row, _NOT_EXCLUDABLE)
        return LedgerState.EXCLUDED

    text = guards.checked_reason(reason, is_required=True)
    reasons = [outcomes.reason("excluded", name=guards.name_of(by), reason=text)]
    withdrawn = {"is_released": False, "accepted_order": "", "accepted_former": "", "released_reviews": ()}
    many = _Many(ManualAction.Kind.EXCLUDE, by, text=text, reasons=reasons, columns=withdrawn)
    return many.decide(work_orders, choose)


def restore(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Restore excluded work orders to where they were in King."""

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, frozenset({LedgerState.EXCLUDED}))
        return _state_before_exclusion(row)

    columns = {"verified_at": None}
    return _Many(ManualAction.Kind.RESTORE, by, columns=columns).decide(work_orders, choose)


def supplement(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Let the next export create a King order of what differs from a closed one."""

    def apply(row: WorkOrder) -> None:
        supplements.begin(row)

    return _each_undecided(work_orders, ManualAction.Kind.SUPPLEMENT, by, apply)


def settle(*, work_orders: Iterable[Row], by: Person, reason: str) -> Decided:
    """Save that users settled in King what differs from a closed order. Raises `ReasonNeededError`."""
    text = guards.checked_reason(reason, is_required=True)

    def apply(row: WorkOrder) -> None:
        supplements.settle(row, name=guards.name_of(by), text=text)

    return _each_undecided(work_orders, ManualAction.Kind.SETTLE, by, apply, text=text)


def _each_undecided(
    work_orders: Iterable[Row],
    kind: ManualAction.Kind,
    by: Person,
    apply: Callable[[WorkOrder], None],
    *,
    text: str = "",
) -> Decided:
    """Apply a decision to work orders whose order is closed and that differ from it."""
    guards.name_of(by)
    result = Decided()
    keys = [row if isinstance(row, int) else row.pk for row in work_orders]
    with guards.alone():
        for key in dict.fromkeys(keys):
            row = guards.locked_whole(key)
            if row is None or not supplements.is_undecided(row):
                why = outcomes.reason("decision.nothing_to_settle" if row else "decision.unknown_work_order")
                result.refused.append(Refused(key, row, why))
                continue
            guards.save_actions([row], kind, by, text=text, number=row.king_order_number or "")
            apply(row)
            result.done.append(row)
    return result


def _due_again(row: WorkOrder) -> LedgerState:
    return LedgerState.WAITING if row.step == Step.NEW else LedgerState(row.state)


def _state_before_exclusion(row: WorkOrder) -> LedgerState:
    if row.step == Step.NEW:
        return LedgerState.WAITING
    last = ManualAction.objects.filter(work_order=row, kind=ManualAction.Kind.EXCLUDE).order_by("-id").first()
    return _BACK_TO.get(LedgerState(last.state_before), LedgerState.SENDING) if last else LedgerState.SENDING


class _Many:
    """One action on many work orders: those it cannot be applied to are reported, the others are done."""

    def __init__(
        self,
        kind: ManualAction.Kind,
        by: Person,
        *,
        columns: Mapping[str, object] = MappingProxyType({}),
        own: Callable[[WorkOrder], Mapping[str, object]] = lambda _row: {},
        text: str = "",
        reasons: Iterable[Reason] = (),
    ) -> None:
        self._kind, self._by, self._text = kind, by, text
        self._columns, self._own = columns, own
        self._reasons = [stored(why) for why in reasons]
        self._result = Decided()
        guards.name_of(by)

    def decide(self, work_orders: Iterable[Row], choose: Callable[[WorkOrder], LedgerState]) -> Decided:
        """Put each work order in the state that `choose` returns, unless it raises a refusal."""
        keys = iter(dict.fromkeys(row if isinstance(row, int) else row.pk for row in work_orders))
        with guards.alone():
            while batch := list(islice(keys, BATCH)):
                self._batch(batch, choose)
        return self._result

    def _batch(self, keys: list[int], choose: Callable[[WorkOrder], LedgerState]) -> None:
        rows = guards.locked(keys)
        chosen: dict[LedgerState, list[WorkOrder]] = defaultdict(list)
        for key in keys:
            row = rows.get(key)
            try:
                chosen[choose(guards.require_known(row))].append(guards.require_known(row))
            except guards.ActionRefusedError as error:
                self._result.refused.append(Refused(key, row, error.why))
        for state, group in chosen.items():
            guards.save_actions(group, self._kind, self._by, text=self._text)
            self._store([row for row in group if row.state == state], {})
            moved = {"state": state, "reasons": self._reasons, "changed_at": timezone.now()}
            self._store([row for row in group if row.state != state], moved)
            self._result.done.extend(group)

    def _store(self, rows: list[WorkOrder], changes: Mapping[str, object]) -> None:
        alike: dict[tuple[tuple[str, object], ...], list[WorkOrder]] = defaultdict(list)
        for row in rows:
            alike[tuple(self._own(row).items())].append(row)
        for own, group in alike.items():
            every = {**self._columns, **dict(own), **changes}
            WorkOrder.objects.filter(pk__in=[row.pk for row in group]).update(**every)
            for row in group:
                for name, value in every.items():
                    setattr(row, name, value)


# --- One work order ---------------------------------------------------------------------------------------------------


def find_king_order(number: str, *, work_order: WorkOrder) -> FoundOrder | None:
    """Return an open order of King, for review before linking; None when King has none.

    Raises the errors of `guards.king_client`.
    """
    with guards.king_client() as king:
        order = _order(king, number)
        if order is None:
            return None
        debtor = _debtor(king, order.debtor_number)
    strange = _other_customer(work_order, order, debtor)
    shared_with = list(_work_orders_on(order).exclude(pk=work_order.pk))
    return FoundOrder(order, shared_with, debtor.name, _require_confirmation(strange) if strange else None)


def _debtor(king: KingClient, number: str) -> ArticleData:
    """Return the customer of an order: from the mirror, else from King; the name helps people recognise it."""
    known = mirror.find(Kind.DEBTOR, {number}).get(number)
    try:
        raw = None if known or not number else king.find_record(Kind.DEBTOR, number)
        return known or (master_data_of(Kind.DEBTOR, raw) if raw else ArticleData(number=number))
    except (errors.RejectedError, errors.PayloadError):
        return ArticleData(number=number)


def _other_customer(row: WorkOrder, order: Order, debtor: ArticleData) -> Reason | None:
    """Return why an order needs approval; None if the customer is the same, or unknown to us."""
    settings = SyncSettings.objects.first()
    choices = settings.as_mapping().exports if settings else Exports()
    source = ledger.source_of(row)
    if source is None:
        return None  # the export checks again, when the work order can be read
    return linking.hold(source, choices, number=order.number, debtor=debtor)


def _order(king: KingClient, number: str) -> Order | None:
    wanted = notation.canonical_number(number.strip())
    return with_retry(lambda: king.get_order(number=wanted))


def _orders_of(king: KingClient, row: WorkOrder) -> list[str]:
    """Return the numbers of King's open orders with the reference of this work order."""
    reference = orders.external_number(row.outsmart_id, row.part)
    return [order.number for order in with_retry(lambda: king.find_orders(reference=reference))]


def _require_confirmation(strange: Reason) -> Reason:
    return Reason(code="decision.other_customer", params=strange.params)


def link_to_order(
    *, work_order: WorkOrder, king_order_number: str, by: Person, accepts_other_customer: bool = False
) -> ManualAction:
    """Link a work order to an open order of King; the next run brings that order up to date.

    A work order that is on another order already goes over with its lines, as far as that order allows it.
    `accepts_other_customer`: the person saw that the order is of another customer, and wants that. Raises the errors of
    `guards.king_client`, `WrongStateError`, `AlreadyLinkedError`, `StillAtWorkError`, `NoSuchOrderError`,
    `StillInKingError`, `OtherCustomerError`, `ChangedMeanwhileError`.
    """
    guards.name_of(by)
    seen = guards.reread(work_order)
    guards.require(seen, _MOVABLE if seen.king_order_number else _LINKABLE)
    if seen.king_order_number and seen.king_order_number == notation.canonical_number(king_order_number.strip()):
        raise guards.AlreadyLinkedError(outcomes.reason("decision.already_linked", number=seen.king_order_number))
    guards.require_settled(seen)
    order = _free_order(seen, king_order_number, accepts_other_customer=accepts_other_customer)
    with guards.alone():
        row = guards.locked_as_seen(seen)
        (decision,) = guards.save_actions([row], ManualAction.Kind.LINK, by, number=order.number)
        store = _store_choice if row.king_order_number else _store_link
        store(row, order, accepts_other_customer=accepts_other_customer)
    return decision


def _free_order(row: WorkOrder, number: str, *, accepts_other_customer: bool) -> Order:
    """Return King's order of this number, if the work order may have it."""
    with guards.king_client() as king:
        order, ours = _order(king, number), _orders_of(king, row)
        debtor = _debtor(king, order.debtor_number) if order else None
    if order is None or debtor is None:
        raise guards.NoSuchOrderError(outcomes.reason("decision.no_such_order", number=number.strip()))
    left_behind = [each for each in ours if each != row.king_order_number]
    if left_behind and order.number not in ours:
        raise guards.StillInKingError(outcomes.reason("decision.still_in_king", number=", ".join(left_behind)))
    strange = None if accepts_other_customer else _other_customer(row, order, debtor)
    if strange:
        raise guards.OtherCustomerError(_require_confirmation(strange))
    return order


def _work_orders_on(order: Order) -> QuerySet[WorkOrder]:
    """Return the work orders on a King order: by our ledger, or by our reference on it where an answer was lost."""
    is_ours = order.external_number.startswith(orders.external_number(""))
    outsmart_id, part = orders.named_by(order.external_number)
    is_lost = Q(outsmart_id=outsmart_id, part=part, king_order_number=None) if is_ours else Q(pk=None)
    on_it = shared_orders.on(order.number).values("pk")
    return WorkOrder.objects.filter(Q(pk__in=on_it) | is_lost).defer("source").order_by("pk")


def _store_link(row: WorkOrder, order: Order, *, accepts_other_customer: bool) -> None:
    seen = linking.mark(order.number, order.debtor_number)
    is_ours = order.external_number == orders.external_number(row.outsmart_id, row.part)
    with transaction.atomic():
        ledger.save(row, step=Step.NEW)
        adopted_lines.take_over(row, order.number, is_dry=False)
        order_links.tie(row, order.number, is_created_by_us=is_ours)
        ledger.settle(
            row,
            LedgerState.SENDING,
            step=Step.CREATED,
            is_locked=is_ours,  # from its creation on; unlocked at the start of the next run
            seen_order=seen,
            accepted_order=seen if accepts_other_customer else row.accepted_order,
            plan_fingerprint="",
            outcome_unknown_until=None,
            **_chosen(row, order),
        )


def _store_choice(row: WorkOrder, order: Order, *, accepts_other_customer: bool) -> None:
    """Save to which order the next run takes the work order."""
    accepted = linking.mark(order.number, order.debtor_number) if accepts_other_customer else row.accepted_order
    ledger.settle(row, LedgerState.SENDING, accepted_order=accepted, **_chosen(row, order))


def _chosen(row: WorkOrder, order: Order) -> dict[str, Any]:
    """Return the columns for a user's choice of an order: it counts until OutSmart names another one."""
    source = ledger.source_of(row)
    choice = linking.choice(order.number, source.king_order_number if source else "")
    return {"chosen_order": choice[: linking.CHOICE_LENGTH], "wanted_order_number": order.number}


def new_order(*, work_order: WorkOrder, by: Person) -> ManualAction:
    """Let the next export create an order although OutSmart names one; that number then counts no longer.

    King is asked once more: an order that is open is not passed over. Raises the errors of `guards.king_client`,
    `WrongStateError`, `StillAtWorkError`, `StillInKingError`, `ChangedMeanwhileError`.
    """
    guards.name_of(by)
    seen = guards.reread(work_order)
    if not _may_get_new_order(seen):
        raise guards.WrongStateError(outcomes.reason("decision.nothing_to_settle"))
    guards.require_settled(seen)
    number = seen.wanted_order_number
    with guards.king_client() as king:
        is_open = bool(number) and _order(king, number) is not None
    if is_open:
        raise guards.StillInKingError(outcomes.reason("decision.order_is_open", number=number))
    with guards.alone():
        row = guards.locked_as_seen(seen)
        (decision,) = guards.save_actions([row], ManualAction.Kind.NEW_ORDER, by, number=number)
        choice = supplements.new_order_choice(row)
        ledger.settle(row, LedgerState.WAITING, chosen_order=choice, wanted_order_number="")
    return decision


def reset_link(*, work_order: WorkOrder, by: Person, reason: str = "", even_so: bool = False) -> ManualAction:
    """Reset the link, so that the next run begins from the start.

    Refused as long as King holds an open order or lines of this work order: that would make a duplicate. `even_so`: the
    person knows that an order that is no longer open was removed, not delivered or invoiced. Raises the errors of
    `guards.king_client`, `WrongStateError`, `StillAtWorkError`, `StillInKingError`, `OrderNotOpenError`,
    `ChangedMeanwhileError`, `ReasonNeededError`.
    """
    guards.name_of(by)
    text = guards.checked_reason(reason)
    seen = guards.reread(work_order)
    if not supplements.is_undecided(seen):
        guards.require(seen, _REPAIRABLE)
    guards.require_settled(seen)
    _require_deleted_in_king(seen, even_so=even_so)
    with guards.alone():
        row = guards.locked_as_seen(seen)
        (decision,) = guards.save_actions(
            [row], ManualAction.Kind.RESET, by, text=text, number=row.king_order_number or ""
        )
        _clear_link(row)
    return decision


def _require_deleted_in_king(row: WorkOrder, *, even_so: bool) -> None:
    number = row.king_order_number or ""
    with guards.king_client() as king:
        ours = _orders_of(king, row)
        order = _order(king, number) if number else None
    if ours or (order and row.is_created_by_us):
        numbers = ours or [number]
        raise guards.StillInKingError(outcomes.reason("decision.still_in_king", number=", ".join(numbers)))
    if order and _lines_of(row, order):
        raise guards.StillInKingError(outcomes.reason("decision.lines_in_king", number=number))
    was_sent = (
        row.is_created_by_us or row.lines.filter(is_imported=False, part=row.part).exclude(king_line_id="").exists()
    )
    if order and row.is_locked:  # once forgotten it would never be unlocked
        with guards.king_client() as king:
            with_retry(lambda: king.release_lock(number))
    if number and not order and was_sent and not even_so:
        raise guards.OrderNotOpenError(outcomes.reason("decision.order_not_open", number=number))


def _lines_of(row: WorkOrder, order: Order) -> list[str]:
    sent = row.lines.filter(is_imported=False).exclude(king_line_id="")
    booked = set(sent.values_list("king_line_id", flat=True))
    ours = f"{row.outsmart_id}-"
    return [line.line_id for line in order.lines if line.reference.startswith(ours) or line.line_id in booked]


def _clear_link(row: WorkOrder) -> None:
    order_links.leave(row)
    row.lines.filter(part__gt=row.part).delete()  # what was settled by hand
    # Lines that came from King's order are adopted again by the next export.
    lines = row.lines.filter(part=row.part)
    lines.filter(Q(state=OrderLine.State.REMOVED) | Q(is_imported=True)).delete()
    lines.filter(state=OrderLine.State.SENT).update(state=OrderLine.State.PLANNED)
    lines.update(king_line_id="", sent={}, attempted={}, as_read={}, choices={})
    ledger.settle(
        row,
        LedgerState.WAITING,
        step=Step.NEW,
        notices=[],
        king_order_number=None,
        is_created_by_us=False,
        is_approved=False,
        is_locked=False,
        lock_failed_at=None,
        is_approval_left=False,
        approval_waits_for="",
        chosen_order=row.chosen_order if row.part > 1 else "",
        accepted_order="",
        seen_order="",
        plan_fingerprint="",
        outcome_unknown_until=None,
        exported_at=None,
        confirmed_at=None,
        verified_at=None,
        king_checked_at=None,
        king_closed_at=None,
        is_seen_approved=False,
        header_as_read={},
        difference=[],
    )
