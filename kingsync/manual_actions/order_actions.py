"""Manual actions on one work order that need King's answer: link to order, new order, reset link.

King is asked before the decision is stored, outside its transaction; a work order that changed meanwhile is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from integrations import errors, notation
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Order
from kingsync.exports import ledger, order_links, shared_orders, supplements
from kingsync.exports.lines import adopted_lines
from kingsync.exports.master_data import master_data_of
from kingsync.king_mirror import mirror
from kingsync.manual_actions import guards, possible
from kingsync.manual_actions.guards import Person
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import LedgerState, ManualAction, OrderLine, Step, WorkOrder
from kingsync.rules import linking, orders, outcomes
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import ArticleData
from kingsync.runs.retry import with_retry


@dataclass(frozen=True)
class FoundOrder:
    """An open order of King, the other work orders that are on it, and its customer.

    `other_customer` is the reason to ask for approval: the order is of another customer than the work order to link.
    """

    order: Order
    shared_with: list[WorkOrder] = field(default_factory=list)
    customer_name: str = ""
    other_customer: Reason | None = None


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
    guards.require(seen, possible.MOVABLE if seen.king_order_number else possible.LINKABLE)
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
    if not possible.may_get_new_order(seen):
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
        guards.require(seen, possible.REPAIRABLE)
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
    chosen_order = row.chosen_order if row.part > 1 else ""
    ledger.settle(row, LedgerState.WAITING, notices=[], chosen_order=chosen_order, **ledger.unsent())
