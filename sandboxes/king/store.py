"""The data of one sandboxed King, and what its own staff can do to it.

The methods are those of the control API, for tests in the same process. They raise ControlError
when they make no sense. One lock guards everything: King does one thing at a time.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from sandboxes import clock
from sandboxes.king.company import Company, company
from sandboxes.king.fields import RefusalError, clean
from sandboxes.king.masters import Masters
from sandboxes.king.orders import Notice, Orders
from sandboxes.king.records import (
    AnyRecord,
    Article,
    Debtor,
    Order,
    Rate,
    Warehouse,
    published,
    readable,
)
from sandboxes.king.shelf import Overlay, Page, Shelf, paged
from sandboxes.messages import ControlError, Record, encode

KINDS: dict[str, type[AnyRecord]] = {
    "debtor": Debtor,
    "article": Article,
    "rate": Rate,
    "warehouse": Warehouse,
    "order": Order,
}
DEFAULT_PAGE = 500
AnyShelf: TypeAlias = Shelf[Debtor] | Shelf[Article] | Shelf[Rate] | Shelf[Warehouse]


class Size(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a sandbox is seeded."""

    seed: int = 1
    records: int = 300
    debtors: int = 40
    empty: bool = False


class Edit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What King's staff do to one order on their screen.

    `header` and the rows of `add` and `change` hold King's field names, `remove` line ids. `close`
    closes (or reopens), `invoice` delivers everything and closes. `force`: also when a webservice
    has the order locked.
    """

    header: Record = {}
    add: list[Record] = []
    change: list[Record] = []
    remove: list[int] = []
    close: bool | None = None
    invoice: bool = False
    force: bool = False


class Kept(msgspec.Struct, kw_only=True):
    """A state file: the seed, and what differs from it."""

    size: Size
    debtors: Overlay[Debtor]
    articles: Overlay[Article]
    rates: Overlay[Rate]
    warehouses: Overlay[Warehouse]
    orders: list[Order]
    next_order: int
    next_line: int
    notices: list[Notice]


class KingStore:
    """The data of one administration."""

    def __init__(self, size: Size) -> None:
        self.lock = threading.RLock()
        self.masters: Masters
        self.orders: Orders
        self.reset(size)

    def reset(self, size: Size) -> None:
        """Discard all data and seed again."""
        with self.lock:
            made = Company() if size.empty else company(seed=size.seed, records=size.records, debtors=size.debtors)
            self.size = size
            self.masters = Masters(made)
            self.orders = Orders(self.masters, made.orders)

    # --- reading -----------------------------------------------------------------------------------------------------

    def page(self, kind: str, fields: Record) -> Page:
        """Return one page for an `.._Opvragen` call with clean fields."""
        after = str(fields.get("VanafNummer", ""))
        limit = fields.get("MaxAantal", DEFAULT_PAGE)
        since = str(fields.get("GewijzigdVanaf", ""))
        count = limit if isinstance(limit, int) else DEFAULT_PAGE
        with self.lock:
            if kind == "order":
                return self._order_page(fields, after=after, limit=count, since=since)
            return self._shelf(kind).page(after=after, limit=count, changed_since=since)

    def _order_page(self, fields: Record, *, after: str, limit: int, since: str) -> Page:
        chosen = {str(order.number): order for order in self._open_orders() if _is_asked(order, fields, since)}
        numbers = sorted(number for number in chosen if number > after)
        return paged(numbers, 0, limit, None, lambda number: encode(readable(chosen[number])))

    def _open_orders(self) -> Iterator[Order]:
        return (order for order in self.orders.by_number.values() if not order.is_closed)

    # --- what King has -----------------------------------------------------------------------------------------------

    def all_orders(self) -> list[Record]:
        """Return every order, closed ones included, with its lines, its lock and who made what."""
        with self.lock:
            return [published(order) for _, order in sorted(self.orders.by_number.items())]

    def order(self, number: int) -> Order:
        """Return one order. Raises ControlError when there is none."""
        found = self.orders.by_number.get(number)
        if found is None:
            raise ControlError(404, f"There is no order {number}.")
        return found

    def find_orders(self, external: str) -> list[Order]:
        """Return the orders with an external number, oldest first."""
        with self.lock:
            return [order for order in self.orders.by_number.values() if order.external == external]

    def duplicates(self) -> Record:
        """Return the counts of what came twice, and the locks that were left behind."""
        with self.lock:
            orders = list(self.orders.by_number.values())
        externals = collections.Counter(order.external for order in orders if order.external)
        lines = collections.Counter(
            f"{order.number}/{line.external}" for order in orders for line in order.lines if line.external
        )
        return {"orders": _repeated(externals), "lines": _repeated(lines), "locks": self.locks()}

    def locks(self) -> list[Record]:
        """Return the orders that are locked now, by whom and since when."""
        with self.lock:
            return [
                {"OrderNummer": order.number, "LockEigenaar": order.locked_by, "LockSinds": order.locked_at}
                for order in self.orders.by_number.values()
                if order.locked_by
            ]

    def counts(self) -> dict[str, int]:
        """Return the number of records of every kind."""
        masters = {f"{kind}s": len(self._shelf(kind)) for kind in KINDS if kind != "order"}
        return {**masters, "orders": len(self.orders.by_number)}

    def state(self) -> Record:
        """Return how much there is of everything, and all orders."""
        with self.lock:
            return {
                "counts": self.counts(),
                "duplicates": self.duplicates(),
                "notices": self.orders.notices,
                "orders": self.all_orders(),
            }

    # --- King's own staff --------------------------------------------------------------------------------------------

    def records(self, kind: str) -> list[AnyRecord]:
        """Return all records of a kind."""
        with self.lock:
            return [*self.orders.by_number.values()] if kind == "order" else [*self._shelf(kind).all()]

    def put_record(self, kind: str, number: str, fields: Record) -> AnyRecord:
        """Add a record, or change the given fields. MutatieDatum becomes now unless given."""
        with self.lock:
            old = self._found(kind, number)
            known: Record = msgspec.convert(msgspec.to_builtins(old), Record) if old else {}
            stamp: Record = {} if kind == "warehouse" else {"MutatieDatum": clock.king_stamp()}
            key = msgspec.structs.fields(KINDS[kind])[0].encode_name
            value = {**known, **stamp, **fields, key: number}
            record = msgspec.convert(value, KINDS[kind], strict=False)
            self._put(record)
            return record

    def remove_record(self, kind: str, number: str) -> None:
        """Remove a record as if it had never existed."""
        with self.lock:
            if self._found(kind, number) is None:
                raise ControlError(404, f"There is no {kind} {number}.")
            if kind == "order":
                del self.orders.by_number[int(number)]
            else:
                self._shelf(kind).remove(number)

    def load_company(self, made: Company) -> None:
        """Add (or replace) all records of a company."""
        records: list[AnyRecord] = [*made.debtors, *made.articles, *made.rates, *made.warehouses, *made.orders]
        with self.lock:
            for record in records:
                self._put(record)

    def lock_order(self, number: int, user: str) -> None:
        """Let a King user open an order, unless another has it open."""
        with self.lock:
            order = self.order(number)
            if order.locked_by not in {"", user}:
                raise ControlError(409, f"Order {number} is locked by {order.locked_by}.")
            order.locked_by = user
            order.locked_at = clock.king_stamp()

    def unlock_order(self, number: int) -> None:
        """Unlock an order, no matter who holds the lock."""
        with self.lock:
            order = self.order(number)
            order.locked_by = order.locked_at = ""

    def edit_order(self, number: int, edit: Edit) -> Order:
        """Change an order on King's own screen; King's refusals become ControlError with the same text."""
        with self.lock:
            order = self.order(number)
            if order.locked_by and not edit.force:
                raise ControlError(409, f"Order {number} is locked by {order.locked_by}.")
            try:
                self._edit(order, edit)
            except RefusalError as refusal:
                raise ControlError(400, f"{refusal.code}: {refusal.message}") from None
            return order

    def _edit(self, order: Order, edit: Edit) -> None:
        orders, number = self.orders, order.number
        if edit.header:
            orders.change_staff_header(order, clean("Order_Wijzigen", {**edit.header, "OrderNummer": number}))
        for row in edit.add:
            orders.add_staff_line(order, clean("Order_OrderRegel_Toevoegen", {**row, "OrderNummer": number}))
        for row in edit.change:
            orders.change_staff_line(order, clean("Order_OrderRegel_Wijzigen", {**row, "OrderNummer": number}))
        for line_id in edit.remove:
            orders.remove_staff_line(order, line_id)
        if edit.close is not None or edit.invoice:
            orders.close(order, is_closed=edit.invoice or bool(edit.close), is_invoiced=edit.invoice)

    # --- state file --------------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Return the data as a state file holds it."""
        with self.lock:
            masters, orders = self.masters, self.orders
            return encode(
                Kept(
                    size=self.size,
                    debtors=masters.debtors.overlay,
                    articles=masters.articles.overlay,
                    rates=masters.rates.overlay,
                    warehouses=masters.warehouses.overlay,
                    orders=list(orders.by_number.values()),
                    next_order=orders.next_order,
                    next_line=orders.next_line,
                    notices=orders.notices,
                )
            )

    def load(self, content: bytes) -> None:
        """Replace the data with that of a state file, including its seed. Raises msgspec.DecodeError."""
        kept = msgspec.json.decode(content, type=Kept)
        with self.lock:
            self.reset(kept.size)
            self.masters.debtors.lay(kept.debtors)
            self.masters.articles.lay(kept.articles)
            self.masters.rates.lay(kept.rates)
            self.masters.warehouses.lay(kept.warehouses)
            self.orders = Orders(self.masters, kept.orders)
            self.orders.next_order, self.orders.next_line = kept.next_order, kept.next_line
            self.orders.notices = kept.notices

    # --- internals ---------------------------------------------------------------------------------------------------

    def _shelf(self, kind: str) -> AnyShelf:
        shelves: dict[str, AnyShelf] = {
            "debtor": self.masters.debtors,
            "article": self.masters.articles,
            "rate": self.masters.rates,
            "warehouse": self.masters.warehouses,
        }
        return shelves[kind]

    def _found(self, kind: str, number: str) -> AnyRecord | None:
        if kind not in KINDS:
            raise ControlError(404, f"There is no kind {kind}; there are {', '.join(KINDS)}.")
        if kind == "order":
            return self.orders.by_number.get(int(number)) if number.isdigit() else None
        return self._shelf(kind).get(number)

    def _put(self, record: AnyRecord) -> None:
        match record:
            case Debtor():
                self.masters.debtors.put(record)
            case Article():
                self.masters.articles.put(record)
            case Rate():
                self.masters.rates.put(record)
            case Warehouse():
                self.masters.warehouses.put(record)
            case Order():
                self.orders.put(record)


def _is_asked(order: Order, fields: Record, since: str) -> bool:
    number = fields.get("OrderNummer", order.number)
    external = fields.get("ExternOrderNummer", order.external)
    return order.number == number and order.external == external and order.changed >= since


def _repeated(counts: collections.Counter[str]) -> dict[str, int]:
    return {key: count for key, count in counts.items() if count > 1}
