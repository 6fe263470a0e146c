"""The state of King, OutSmart and the ledger after a run, in the terms of the rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kingsync.models.work_orders import OrderLine, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests.oracle.values import Header, Line

# The product's reason codes in the terms of the rules; the others are the same.
KINDS = {
    "unreadable_work_order": "unreadable",
    "not_linked_interim": "not_linked",
    "no_article_code": "no_article",
    "no_hour_type": "no_rate",
    "too_many_decimals": "decimals_quantity",
    "quantity_too_large": "large_quantity",
    "price_decimals": "decimals_price",
    "price_too_large": "large_price",
    "line_text_too_long": "long_text",
    "order_of_other_customer": "order_of_other_customer",
}
# King's own refusal of what the rules foresee.
KINGS_OWN = "refused_by_king"


@dataclass(frozen=True)
class Found:
    """One work order in all three places. `orders` are King's, whole; empty when there are none."""

    state: str | None
    work_status: str
    is_confirmed: bool
    orders: tuple[dict[str, Any], ...]
    reasons: frozenset[str]
    refused: dict[str, list[frozenset[str]]]


def everything(king: KingSandbox, outsmart: OutSmartSandbox) -> dict[str, Found]:
    """Return what there is by OutSmart's row id; within the open scope of the tenant."""
    orders: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in king.store.all_orders():
        orders[str(order["ExternOrderNummer"])].append(order)
    ledger = {row.outsmart_id: row for row in WorkOrder.objects.all()}
    lines = _refused_lines()
    found = {}
    for work_order in outsmart.store.all_work_orders():
        number = str(work_order["id"])
        row = ledger.get(number)
        found[number] = Found(
            state=str(row.state) if row else None,
            work_status=str(work_order.get("WorkStatus") or ""),
            is_confirmed=work_order["status"] == "Afgehandeld",
            orders=tuple(orders.get(f"OS-{number}", [])),
            reasons=_kinds(row.reasons) if row else frozenset(),
            refused=lines[row.pk] if row else {},
        )
    return found


def _refused_lines() -> dict[int, dict[str, list[frozenset[str]]]]:
    """Return the reasons of refused lines by work order and kind, in the sequence of the work order."""
    found: dict[int, dict[str, list[frozenset[str]]]] = defaultdict(lambda: defaultdict(list))
    for line in OrderLine.objects.filter(state=OrderLine.State.REFUSED).order_by("position", "id"):
        found[line.work_order_id][str(line.kind)].append(_kinds(line.reasons))
    return found


def _kinds(reasons: list[dict[str, Any]]) -> frozenset[str]:
    codes = (each["code"] for each in reasons)
    return frozenset(KINDS.get(code, code) for code in codes if code != "line_refused")


def header(order: dict[str, Any]) -> Header:
    return Header(
        debtor=str(order["DebiteurNummer"]),
        external=str(order["ExternOrderNummer"]),
        reference=str(order["Referentie"]),
        order_date=str(order["OrderDatum"]),
        delivery_date=str(order["LeverDatum"]),
    )


def lines(order: dict[str, Any], *, ours: bool) -> tuple[Line, ...]:
    """Return the lines in King's sequence: those with a reference of ours, or those without."""
    rows = sorted(order["OrderRegels"], key=lambda row: int(row["RegelNummer"]))
    return tuple(_line(row) for row in rows if bool(row["ExternOrderRegelNummer"]) == ours)


def _line(row: dict[str, Any]) -> Line:
    def number(name: str) -> Decimal | None:
        return None if row.get(name) is None else Decimal(str(row[name]))

    warehouse = row.get("Magazijn")
    return Line(
        kind=str(row["RegelSoort"]),
        article=str(row["ArtikelNummer"]),
        text=str(row["TekstOpFactuur"]),
        quantity=number("AantalBesteld"),
        price=number("Prijs"),
        warehouse=None if warehouse is None else int(warehouse),
    )
