"""King's sales orders: locks, refusals, lines, approval (king.md, section 2.3).

Callers hold the store's lock: one call at a time.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET

from sandboxes import clock
from sandboxes.king.fields import RefusalError, decimals_of
from sandboxes.king.masters import Masters
from sandboxes.king.records import Order, OrderLine
from sandboxes.messages import Record

_HEADER_ATTRIBUTES = {one.encode_name: one.name for one in msgspec.structs.fields(Order)}
_LINE_ATTRIBUTES = {one.encode_name: one.name for one in msgspec.structs.fields(OrderLine)}
_QUANTITIES = ("AantalBesteld", "AantalDezeLevering", "AantalDezeFacturering")
_NOT_ON_TEXT = (*_QUANTITIES, "Prijs", "Magazijn")


class Notice(msgspec.Struct, kw_only=True):
    """Something that King allows but a careful caller avoids."""

    order: int
    text: str
    time: str


class Orders:
    """The orders of one administration. `by_number` holds them, closed ones included."""

    def __init__(self, masters: Masters, orders: list[Order]) -> None:
        self.masters = masters
        self.by_number: dict[int, Order] = {}
        self.notices: list[Notice] = []
        self.next_order = 26_000_001
        self.next_line = 500_001
        for order in orders:
            self.put(order)

    # --- the webservices ---------------------------------------------------------------------------------------------

    def add(self, fields: Record, caller: str) -> Order:
        """Add an order and lock it for the caller. Raises RefusalError; then nothing was stored."""
        today = clock.king_stamp()[:10]
        order = Order(number=self.next_order, debtor=0, order_date=today, source=caller)
        self._fill_header(order, fields)
        if order.delivery_date == "":
            order.delivery_date = order.order_date
        if order.invoice_debtor is UNSET:
            order.invoice_debtor = self.masters.payer_of(order.debtor)
        if order.warehouse is UNSET:
            order.warehouse = self.masters.default_warehouse()
        self.next_order += 1
        self.by_number[order.number] = order
        self._lock(order, caller)
        self._changed(order)
        return order

    def change(self, fields: Record, caller: str) -> Order:
        """Change the header of an order. Raises RefusalError; then only the lock was stored."""
        order = self._open_for_entry(fields, caller)
        changed = msgspec.structs.replace(order)
        self._fill_header(changed, fields)
        _check_release(changed)
        if changed.is_approved and not order.is_approved and not order.lines:
            self._notice(order, "Goedgekeurd voordat er regels waren.")
        for attribute in _HEADER_ATTRIBUTES.values():
            setattr(order, attribute, getattr(changed, attribute))
        self._changed(order)
        return order

    def add_line(self, fields: Record, caller: str) -> OrderLine:
        """Add a line at the end. Raises RefusalError; then only the lock was stored."""
        order = self._open_for_entry(fields, caller)
        line = OrderLine(kind=str(fields["RegelSoort"]), source=caller)
        self._fill_line(order, line, fields)
        if order.is_approved:
            self._notice(order, "Regel toegevoegd na goedkeuring.")
        self._append(order, line)
        return line

    def change_line(self, fields: Record, caller: str) -> OrderLine:
        """Change a line. Raises RefusalError; then only the lock was stored."""
        order = self._open_for_entry(fields, caller)
        position = _position_of(order, fields["RegelID"])
        line = msgspec.structs.replace(order.lines[position])
        self._fill_line(order, line, fields)
        if order.is_approved:
            self._notice(order, "Regel gewijzigd na goedkeuring.")
        order.lines[position] = line
        self._changed(order)
        return line

    def remove_line(self, fields: Record, caller: str) -> None:
        """Remove a line; the others keep their RegelNummer. Raises RefusalError."""
        order = self._open(fields, caller)
        order.lines.pop(_position_of(order, fields["RegelID"]))
        if order.is_approved:
            self._notice(order, "Regel verwijderd na goedkeuring.")
        self._changed(order)

    def release_lock(self, fields: Record, caller: str) -> None:
        """Unlock an order; an unlocked one stays so. Raises RefusalError when it is locked by another."""
        order = self._known(fields)
        if order.locked_by not in {"", caller}:
            raise _locked(order)
        order.locked_by = order.locked_at = ""

    # --- King's own screens ------------------------------------------------------------------------------------------

    def put(self, order: Order) -> None:
        """Store an order as it is; lines without an id or a position get one."""
        for line in order.lines:
            line.line_id = line.line_id or self.next_line
            line.position = line.position or max((one.position for one in order.lines), default=0) + 1
            self.next_line = max(self.next_line, line.line_id + 1)
        self.by_number[order.number] = order
        self.next_order = max(self.next_order, order.number + 1)

    def add_staff_line(self, order: Order, fields: Record) -> None:
        """Add a line as King's staff do on their screen. Raises RefusalError."""
        line = OrderLine(kind=str(fields["RegelSoort"]))
        self._fill_line(order, line, fields)
        self._append(order, line)

    def change_staff_line(self, order: Order, fields: Record) -> None:
        """Change a line as King's staff do. Raises RefusalError."""
        position = _position_of(order, fields["RegelID"])
        line = msgspec.structs.replace(order.lines[position])
        self._fill_line(order, line, fields)
        order.lines[position] = line
        self._changed(order)

    def remove_staff_line(self, order: Order, line_id: int) -> None:
        """Remove a line as King's staff do. Raises RefusalError."""
        order.lines.pop(_position_of(order, line_id))
        self._changed(order)

    def change_staff_header(self, order: Order, fields: Record) -> None:
        """Change a header as King's staff do. Raises RefusalError."""
        self._fill_header(order, fields)
        self._changed(order)

    def close(self, order: Order, *, is_closed: bool, is_invoiced: bool) -> None:
        """Close (or reopen) an order; an invoiced one was delivered in full."""
        order.is_closed = int(is_closed)
        for line in order.lines:
            if is_invoiced and line.ordered is not UNSET:
                line.delivered = line.ordered
        self._changed(order)

    # --- internals ---------------------------------------------------------------------------------------------------

    def _known(self, fields: Record) -> Order:
        number = fields["OrderNummer"]
        order = self.by_number.get(number) if isinstance(number, int) else None
        if order is None:
            raise RefusalError("ONBEKEND_ORDER", f"Order {number} bestaat niet.")
        return order

    def _open(self, fields: Record, caller: str) -> Order:
        """Return the order, now locked for the caller: a call that is refused later leaves it locked."""
        order = self._known(fields)
        if order.is_closed:
            raise RefusalError(
                "ORDER_GESLOTEN", f"Order {order.number} is gefactureerd en kan niet meer worden gewijzigd."
            )
        self._lock(order, caller)
        return order

    def _open_for_entry(self, fields: Record, caller: str) -> Order:
        """Return the same if its debtor may order: the orders of a debtor blocked since stay as they are."""
        order = self._open(fields, caller)
        self.masters.orderable_debtor(order.debtor)
        return order

    @staticmethod
    def _lock(order: Order, caller: str) -> None:
        if order.locked_by not in {"", caller}:
            raise _locked(order)
        order.locked_by = caller
        order.locked_at = order.locked_at or clock.king_stamp()

    def _fill_header(self, order: Order, fields: Record) -> None:
        for name, value in fields.items():
            setattr(order, _HEADER_ATTRIBUTES[name], value)
        if "DebiteurNummer" in fields:
            self.masters.orderable_debtor(order.debtor)
        debtor = self.masters.debtor(order.debtor)
        if "DebiteurNummerFactuur" in fields and order.invoice_debtor is not UNSET:
            self.masters.debtor(order.invoice_debtor)
        if "Magazijn" in fields and order.warehouse is not UNSET:
            self.masters.warehouse(order.warehouse)
        if order.contact is not UNSET and order.contact not in {one.number for one in debtor.contacts}:
            raise RefusalError(
                "ONBEKEND_CONTACTPERSOON", f"Contactpersoon {order.contact} bestaat niet bij deze debiteur."
            )
        if order.address is not UNSET and order.address not in {one.number for one in debtor.addresses}:
            raise RefusalError("ONBEKEND_VERZENDADRES", f"Verzendadres {order.address} bestaat niet bij deze debiteur.")

    def _fill_line(self, order: Order, line: OrderLine, fields: Record) -> None:
        for name, value in fields.items():
            if name != "OrderNummer":
                setattr(line, _LINE_ATTRIBUTES[name], value)
        if line.kind == "TEKST":
            _check_text_line(line, fields)
        elif not line.article:
            raise RefusalError("VERPLICHT_VELD", f"Het veld ArtikelNummer is verplicht bij RegelSoort {line.kind}.")
        elif line.kind == "TAR":
            self._check_rate_line(line, fields)
        else:
            self._check_article_line(order, line, fields)

    def _check_article_line(self, order: Order, line: OrderLine, fields: Record) -> None:
        article = self.masters.article(line.article)
        if "ArtikelNummer" in fields:
            self.masters.refuse_blocked(article)
            line.short_description = article.short_description
            line.price = line.price if "Prijs" in fields else article.price
        _check_quantities(line, fields, article.decimals)
        if line.warehouse is UNSET:
            line.warehouse = order.warehouse
        if line.warehouse is not UNSET:
            self.masters.warehouse(line.warehouse)

    def _check_rate_line(self, line: OrderLine, fields: Record) -> None:
        rate = self.masters.rate(line.article)
        if "Magazijn" in fields:
            raise RefusalError("VELD_NIET_TOEGESTAAN", "Het veld Magazijn hoort niet bij RegelSoort TAR.")
        if "ArtikelNummer" in fields:
            self.masters.refuse_blocked(rate)
            line.short_description = rate.short_description
            line.price = line.price if "Prijs" in fields else rate.price
        _check_quantities(line, fields, rate.decimals)

    def _append(self, order: Order, line: OrderLine) -> None:
        line.line_id = self.next_line
        line.position = max((one.position for one in order.lines), default=0) + 1
        self.next_line += 1
        order.lines.append(line)
        self._changed(order)

    def _notice(self, order: Order, text: str) -> None:
        self.notices.append(Notice(order=order.number, text=text, time=clock.king_stamp()))

    @staticmethod
    def _changed(order: Order) -> None:
        order.changed = clock.king_stamp()


def _locked(order: Order) -> RefusalError:
    return RefusalError("LOCK", f"Order {order.number} is in gebruik door {order.locked_by}.")


def _position_of(order: Order, line_id: object) -> int:
    for position, line in enumerate(order.lines):
        if line.line_id == line_id:
            return position
    raise RefusalError("ONBEKEND_REGEL", f"Regel {line_id} bestaat niet in order {order.number}.")


def _check_release(order: Order) -> None:
    if not order.is_released:
        return
    if not order.is_approved:
        raise RefusalError(
            "NIET_GOEDGEKEURD", f"Order {order.number} is niet goedgekeurd en kan niet worden vrijgegeven."
        )
    if order.pick_list == "WEL":
        raise RefusalError("VERZAMELLIJST", f"De verzamellijst van order {order.number} is nog niet verwerkt.")


def _check_text_line(line: OrderLine, fields: Record) -> None:
    if not line.text:
        raise RefusalError("VERPLICHT_VELD", "Het veld TekstOpFactuur is verplicht bij RegelSoort TEKST.")
    if line.article:
        raise RefusalError("ONBEKEND_TEKSTBLOK", f"Tekstblok {line.article} bestaat niet.")
    for name in _NOT_ON_TEXT:
        if name in fields:
            raise RefusalError("VELD_NIET_TOEGESTAAN", f"Het veld {name} hoort niet bij RegelSoort TEKST.")


def _check_quantities(line: OrderLine, fields: Record, decimals: int) -> None:
    for name in _QUANTITIES:
        value = fields.get(name)
        if isinstance(value, Decimal) and decimals_of(value) > decimals:
            raise RefusalError("DECIMALEN", f"{name} van {line.article} mag hoogstens {decimals} decimalen hebben.")
    if line.ordered is UNSET:
        line.ordered = Decimal(0)
    if line.delivered is UNSET:
        line.delivered = Decimal(0)
