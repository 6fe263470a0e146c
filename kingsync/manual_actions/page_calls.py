"""Background calls of a work order's page to King: its orders, and actions that need King's answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec

from kingsync.manual_actions import guards, order_actions
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import background_calls
from kingsync.runs.background_calls import Kind, Result

if TYPE_CHECKING:
    from kingsync.models.users import User


def find_order(row: WorkOrder, number: str, *, by: User) -> BackgroundCall:
    """Look an order up in King, to be shown before a work order is linked to it."""

    def work(call: BackgroundCall) -> Result:
        found = order_actions.find_king_order(number, work_order=_row(call))
        return {"found": found and _packed(found)}

    return background_calls.submit(Kind.FIND_ORDER, work, by=by, parameters={"number": number}, work_order=row)


def link_to_order(row: WorkOrder, number: str, *, accepts_other_customer: bool, by: User) -> BackgroundCall:
    """Link a work order to an order of King, after asking King once more."""

    def work(call: BackgroundCall) -> Result:
        order_actions.link_to_order(
            work_order=_row(call),
            king_order_number=number,
            by=call.requested_by,
            accepts_other_customer=accepts_other_customer,
        )
        return {}

    parameters = {"number": number, "accepts_other_customer": accepts_other_customer}
    return background_calls.submit(Kind.LINK, work, by=by, parameters=parameters, work_order=row)


def reset_link(row: WorkOrder, *, reason: str, even_so: bool, by: User) -> BackgroundCall:
    """Reset the link of a work order, unless King still holds something of it."""

    def work(call: BackgroundCall) -> Result:
        order_actions.reset_link(work_order=_row(call), by=call.requested_by, reason=reason, even_so=even_so)
        return {}

    parameters = {"reason": reason, "even_so": even_so}
    return background_calls.submit(Kind.RESET, work, by=by, parameters=parameters, work_order=row)


def new_order(row: WorkOrder, *, by: User) -> BackgroundCall:
    """Let the next export create an order for a work order that names one, unless King has that open."""

    def work(call: BackgroundCall) -> Result:
        order_actions.new_order(work_order=_row(call), by=call.requested_by)
        return {}

    return background_calls.submit(Kind.NEW_ORDER, work, by=by, parameters={}, work_order=row)


def _row(call: BackgroundCall) -> WorkOrder:
    return guards.require_known(call.work_order)


def _packed(found: order_actions.FoundOrder) -> dict[str, Any]:
    """Return King's answer about an order as the call's row stores it; work orders of ours by their keys."""
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    values["shared_with"] = [row.pk for row in found.shared_with]
    return {name: msgspec.to_builtins(value) for name, value in values.items()}


def found_order(call: BackgroundCall) -> order_actions.FoundOrder | None:
    """Return the order that a search found, None when King has none. In the scope of the call's tenant."""
    packed = call.result.get("found")
    if packed is None:
        return None
    hints = get_type_hints(order_actions.FoundOrder)
    return order_actions.FoundOrder(**{name: _unpacked(value, hints[name]) for name, value in packed.items()})


def _unpacked(value: Any, hint: Any) -> Any:
    if WorkOrder in get_args(hint):
        return list(WorkOrder.objects.defer("source").filter(pk__in=value).order_by("pk"))
    return msgspec.convert(value, hint)
