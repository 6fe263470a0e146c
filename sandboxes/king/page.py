"""The King sandbox's page for people."""

from __future__ import annotations

from msgspec import UNSET

from sandboxes.king.records import Order, OrderLine
from sandboxes.king.store import KingStore
from sandboxes.pages import Table, index_page

SHOWN = 500
_COLUMNS = ("Order", "External", "Debtor", "Reference", "Lines", "State", "Locked by", "Changed")


def king_page(store: KingStore, administration: str) -> str:
    """Return a page with the newest orders first."""
    with store.lock:
        orders = sorted(store.orders.by_number.values(), key=lambda order: -order.number)[:SHOWN]
        names = {debtor.number: debtor.name for debtor in store.masters.debtors.all()}
        rows = [_row(order, names.get(order.debtor, "")) for order in orders]
        counts = store.counts()
    return index_page(
        title=f"King sandbox, administration {administration}",
        about=f"A stand-in for King's webservices, with data of its own: {_as_labels(counts)}. Nothing here is real.",
        tables=[Table("Orders", _COLUMNS, rows)],
        links=[f"/_control/{name}" for name in ("state", "orders", "duplicates", "calls", "faults", "switches")],
    )


def _as_labels(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _row(order: Order, name: str) -> tuple[str, ...]:
    return (
        str(order.number),
        order.external,
        f"{order.debtor} {name}",
        order.reference,
        "\n".join(map(_line, order.lines)),
        _state(order),
        order.locked_by,
        order.changed.replace("T", " "),
    )


def _state(order: Order) -> str:
    words = ["closed"] if order.is_closed else ["open"]
    words += ["approved"] if order.is_approved else []
    words += ["released"] if order.is_released else []
    return ", ".join(words)


def _line(line: OrderLine) -> str:
    if line.kind == "TEKST":
        return f"{line.position}. {line.text}"
    warehouse = "" if line.warehouse is UNSET else f", warehouse {line.warehouse}"
    return f"{line.position}. {line.ordered} x {line.article} {line.short_description}{warehouse}"
