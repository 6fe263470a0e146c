"""The OutSmart sandbox's page for people."""

from __future__ import annotations

from sandboxes.messages import Record
from sandboxes.outsmart.notation import text_of
from sandboxes.outsmart.store import OutSmartStore
from sandboxes.pages import Table, index_page

SHOWN = 500
_WORK_ORDERS = ("Id", "Number", "King order", "Customer", "Work", "Status", "Work status", "Changed")
_TABLES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Relations", "relations", ("debtor_number", "name", "street", "house_number", "postal_code", "city", "active")),
    ("Materials", "materials", ("code", "description", "price", "unit", "eancode")),
    ("Hour types", "hourtypes", ("code", "name", "sale_price", "active")),
    ("Warehouses", "warehouses", ("wse_code", "wse_description")),
)


def outsmart_page(store: OutSmartStore) -> str:
    """Return a page with the newest work orders first, then what the import brought."""
    with store.lock:
        names = {text_of(row, "sta_code"): text_of(row, "sta_name") for row in store.rows("workstatusses")}
        newest = sorted(store.all_work_orders(), key=lambda one: -int(text_of(one, "id")))[:SHOWN]
        tables = [Table("Work orders", _WORK_ORDERS, [_row(one, names) for one in newest])]
        tables += [_table(title, columns, store.rows(name)) for title, name, columns in _TABLES]
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in store.counts().items())
    return index_page(
        title="OutSmart sandbox",
        about=f"A stand-in for OutSmart's OpenAPI, with data of its own: {counts}. Nothing here is real.",
        tables=tables,
        links=[f"/_control/{name}" for name in ("state", "work-orders", "duplicates", "calls", "faults", "switches")],
    )


def _row(work_order: Record, names: dict[str, str]) -> tuple[str, ...]:
    code = text_of(work_order, "WorkStatus")
    archived = ", archived" if work_order.get("Archived") == "1" else ""
    return (
        text_of(work_order, "id"),
        text_of(work_order, "OrderNr"),
        text_of(work_order, "WorkorderNo"),
        f"{text_of(work_order, 'CustomerDebtorNr')} {text_of(work_order, 'CustomerName')}",
        text_of(work_order, "ShortWorkDescription"),
        text_of(work_order, "status") + archived,
        " - ".join(part for part in (code, names.get(code, "")) if part),
        text_of(work_order, "MutationDate"),
    )


def _table(title: str, columns: tuple[str, ...], rows: list[Record]) -> Table:
    more = f" (the first {SHOWN} of {len(rows)})" if len(rows) > SHOWN else ""
    cells = [tuple(text_of(row, column) for column in columns) for row in rows[:SHOWN]]
    return Table(title + more, columns, cells)
