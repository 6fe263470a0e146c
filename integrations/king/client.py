"""Client for King's webservices (king.md, chapters 1 and 2): POST, one record per call, a list back.

Every method raises the classes of `integrations.errors`; a write never raises a TransientError once it was sent.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from integrations import deadlines, notation
from integrations.calls import OPERATION_SECONDS, PAGE_ANSWER_BYTES, SMALL_ANSWER_BYTES, Answer, Operation
from integrations.errors import PayloadError
from integrations.failures import no_answer
from integrations.king import answers, errors, names, payloads
from integrations.king.answers import Element
from integrations.king.reader import Coverage
from integrations.king.records import Kind, LineChange, NewLine, NewOrder, Order, Page
from integrations.transport import Transport

T = TypeVar("T")

_LARGEST_PAGE = 1000
_LOOK_UP_PAGES = 50  # of the largest size: a look-up that gets this far proves nothing
_READ_SECONDS = 60.0
_TEST = Operation(name=names.TEST, method="POST", read_timeout=30.0, max_bytes=SMALL_ANSWER_BYTES)


class Client:
    """One administration of one King. `access_codes` overrides the access code per operation.

    `busy_codes` are the refusals that mean that another user has the order open. `write_timeout`, in seconds, is
    how long a write may take, from the first byte sent to the last byte read.
    """

    def __init__(
        self,
        *,
        base_url: str,
        administration: str,
        access_code: str,
        transport: Transport,
        access_codes: Mapping[str, str] | None = None,
        busy_codes: Sequence[str] = ("LOCK",),
        sql_timeout: int | None = None,
        write_timeout: float = 25.0,
    ) -> None:
        self.administration, self.write_timeout = administration, write_timeout
        self._address = f"{base_url.rstrip('/')}/{quote(administration, safe='')}"
        self._access_code = access_code
        self._access_codes = dict(access_codes or {})
        self._busy_codes = frozenset(busy_codes)
        self._sql_timeout = sql_timeout
        self._transport = transport
        transport.hide(access_code, *self._access_codes.values())

    def test_connection(self) -> None:
        """Make King's own test call; raise when anything is wrong."""
        self._send(_TEST, {names.RETURN_AN_ERROR: 0}, lambda _: None)

    def alone(self) -> AbstractContextManager[object]:
        """Keep other callers out of the administration inside the block, across several calls."""
        return self._transport.alone()

    # Reading

    can_look_up = True

    def covers(self, kind: Kind) -> Coverage:  # noqa: ARG002  (every kind alike)
        """Return ALL: a full scan of any kind leaves nothing out."""
        return Coverage.ALL

    def read_page(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Page:
        """Return the page after the record number `after`, as raw records in text order; `size` is 1 to 1000."""
        return self._page(kind, _selection(changed_since, size), after)

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """Yield all pages from there on, each fetched when it is asked for."""
        return self._pages(kind, _selection(changed_since, size), after)

    def find_orders(self, *, reference: str) -> tuple[Order, ...]:
        """Return the open orders with this external order number; King may have several."""
        with deadlines.within():
            found = self._orders({names.EXTERNAL_NUMBER: reference})
            return tuple(order for order in found if order.external_number == reference)

    def get_order(self, *, number: str) -> Order | None:
        """Return one open order. None where King has none, or cannot have one: its numbers are whole."""
        if not payloads.is_order_number(number):
            return None
        with deadlines.within():
            found = self._orders({names.ORDER_NUMBER: payloads.number_value(number)})
            return next((order for order in found if order.number == number), None)

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        """Return one record as it is now, or None where King has none of that number.

        There is no call for one record, so reading starts just before it. Raises ServerError where that
        leads nowhere, and PayloadError where an unreadable record may be the one.
        """
        if not number:
            return None
        with deadlines.within():
            return self._looked_up(kind, number)

    def _looked_up(self, kind: Kind, number: str) -> bytes | None:
        prefix = "" if kind is Kind.WAREHOUSE else number[:-1]  # warehouses are few, and written 1 or 001
        unreadable: PayloadError | None = None
        for raw in self._records_from(kind, prefix):
            try:
                found = payloads.number(kind, raw)
            except PayloadError as failure:
                unreadable = failure
                continue
            if found == number:
                return bytes(raw)
            if _is_beyond(found, number, prefix):
                break
        if unreadable:
            raise unreadable
        return None

    def _records_from(self, kind: Kind, prefix: str) -> Iterator[msgspec.Raw]:
        """Yield the records after a number, page by page. Raises ServerError after more pages than make sense."""
        pages = self.iter_pages(kind, after=prefix, size=_LARGEST_PAGE)
        for page in itertools.islice(pages, _LOOK_UP_PAGES):
            yield from page.records
            if page.next_after is None:
                return
        raise no_answer(errors.SYSTEM, _reading(names.READ[kind]), reason="unexpected")

    # Writing orders

    def create_order(self, order: NewOrder) -> str:
        """Add an order and return its number. King locks it for us: call `release_lock` afterwards."""
        return self._write_and_read_key(names.CREATE_ORDER, payloads.new_order(order), key=names.ORDER_NUMBER)

    def update_order(self, number: str, *, approved: bool | None = None, released: bool | None = None) -> None:
        """Set the given flags and leave the others alone."""
        flags = {names.APPROVED: approved, names.RELEASED: released}
        given = {name: int(flag) for name, flag in flags.items() if flag is not None}
        self._write(names.UPDATE_ORDER, _of_order(number) | given)

    def add_line(self, number: str, line: NewLine) -> str:
        """Add a line at the end of an order and return King's id for it."""
        return self._write_and_read_key(names.ADD_LINE, _of_order(number) | payloads.new_line(line), key=names.LINE_ID)

    def change_line(self, number: str, line_id: str, change: LineChange) -> None:
        """Change the fields of a line that are not None."""
        self._write(names.CHANGE_LINE, _of_line(number, line_id) | payloads.line_change(change))

    def remove_line(self, number: str, line_id: str) -> None:
        """Remove a line from an order."""
        self._write(names.REMOVE_LINE, _of_line(number, line_id))

    def release_lock(self, number: str) -> None:
        """Unlock an order for King's own staff and for other callers."""
        self._write(names.RELEASE_LOCK, _of_order(number))

    # Transport

    def _orders(self, condition: payloads.Body) -> Iterator[Order]:
        for page in self._pages(Kind.ORDER, condition, ""):
            for raw in page.records:
                yield payloads.order(raw)

    def _pages(self, kind: Kind, condition: payloads.Body, after: str) -> Iterator[Page]:
        seen = {after}
        while True:
            page = self._page(kind, condition, after)
            yield page
            if page.next_after is None:
                return
            after = page.next_after
            if after in seen:  # a gateway that does not move on would loop for ever
                raise no_answer(errors.SYSTEM, _reading(names.READ[kind]), reason="unexpected")
            seen.add(after)

    def _page(self, kind: Kind, condition: payloads.Body, after: str) -> Page:
        def read(answer: Sequence[Element]) -> Page:
            records = answers.records(answer, names.ENTITY[kind])
            marks = [answers.text_of(element, names.NEXT_AFTER) for element in answer]
            return Page(records=records, next_after=next(filter(None, reversed(marks)), None))

        start: payloads.Body = {names.AFTER: after} if after else {}
        return self._send(_reading(names.READ[kind]), condition | start, read)

    def _write_and_read_key(self, name: str, body: payloads.Body, *, key: str) -> str:
        """Write and return the key that King assigned; without one, what King did is unknown."""

        def read(answer: Sequence[Element]) -> str:
            made = next(filter(None, (answers.text_of(element, key) for element in answer)), "")
            if not made:
                raise answers.MalformedError("unexpected")
            return made

        return self._send(self._writing(name), body, read)

    def _write(self, name: str, body: payloads.Body) -> None:
        self._send(self._writing(name), body, lambda _: None)

    def _writing(self, name: str) -> Operation:
        return Operation(
            name=name,
            method="POST",
            is_write=True,
            read_timeout=self.write_timeout,
            total_seconds=min(self.write_timeout, OPERATION_SECONDS),
            max_bytes=SMALL_ANSWER_BYTES,
        )

    def _send(self, operation: Operation, body: payloads.Body, read: Callable[[Sequence[Element]], T]) -> T:
        """Call King and return what `read`, which may raise MalformedError, makes of the elements."""
        return self._transport.send(
            operation,
            f"{self._address}/{operation.name}",
            headers=self._headers(operation),
            body=payloads.encoded(body),
            read=lambda answer: self._understood(operation, answer, read),
            describe=errors.describe,
        )

    def _headers(self, operation: Operation) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            names.ACCESS_CODE_HEADER: self._access_codes.get(operation.name) or self._access_code,
        }
        if self._sql_timeout is not None:
            headers[names.SQL_TIMEOUT_HEADER] = str(self._sql_timeout)
        return headers

    def _understood(self, operation: Operation, answer: Answer, read: Callable[[Sequence[Element]], T]) -> T:
        try:
            elements = answers.elements(answer.body)
            refused = answers.first_refused(elements)
            if refused is None:
                return read(elements)
            code, words = (answers.words_of(refused, name) for name in (names.REFUSAL_CODE, names.REFUSAL_WORDS))
        except answers.MalformedError as failure:
            raise no_answer(errors.SYSTEM, operation, reason=failure.reason, status=answer.status) from None
        hidden = self._transport.masked
        raise errors.refusal(operation, hidden(code), hidden(words), is_busy=code in self._busy_codes)


def _reading(name: str) -> Operation:
    return Operation(name=name, method="POST", read_timeout=_READ_SECONDS, max_bytes=PAGE_ANSWER_BYTES)


def _selection(changed_since: datetime.datetime | None, size: int) -> payloads.Body:
    since = {} if changed_since is None else {names.CHANGED_SINCE: notation.write_changed_since(changed_since)}
    return {names.SIZE: size, **since}


def _of_order(number: str) -> payloads.Body:
    return {names.ORDER_NUMBER: payloads.number_value(number)}


def _of_line(number: str, line_id: str) -> payloads.Body:
    return {**_of_order(number), names.LINE_ID: payloads.number_value(line_id)}


def _is_beyond(found: str, number: str, prefix: str) -> bool:
    """Return True only when `number` cannot come after `found`, however King's database compares letters and signs."""
    if prefix and not found.casefold().startswith(prefix.casefold()):
        return True
    return bool(prefix) and found.isdigit() and number.isdigit() and found > number
