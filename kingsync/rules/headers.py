"""The header of a King order that we created: what King's staff changed in it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from integrations.king.records import Order
from kingsync.rules.line_fields import FieldKept, shown

# What staff can set in a header, by the names of King's record; approval is a step of its own.
_SET_BY_STAFF = (
    "external_number",
    "debtor_number",
    "invoice_debtor_number",
    "contact_person_number",
    "delivery_address_number",
    "reference",
    "order_date",
    "delivery_date",
    "warehouse",
    "remark",
)


def as_read(order: Order) -> dict[str, str]:
    """Return the header of an order in display form, by the names of King's record."""
    return {name: _shown(getattr(order, name)) for name in _SET_BY_STAFF}


def staff_changes(before: Mapping[str, str], order: Order) -> tuple[FieldKept, ...]:
    """Return the fields that differ from those read before; nothing where none were."""
    now = as_read(order)
    return tuple(FieldKept(name, before[name], now[name]) for name in now if before.get(name, now[name]) != now[name])


def _shown(value: str | datetime.date | None) -> str:
    return f"{value:%d-%m-%Y}" if isinstance(value, datetime.date) else shown(value)
