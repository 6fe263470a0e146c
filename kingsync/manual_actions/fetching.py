"""Find a work order in OutSmart that no export ever read, whatever its status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.messages.reason_texts import StoredReason, stored
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import System
from kingsync.models.sync_settings import SyncSettings
from kingsync.rules import triggers
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import reason
from kingsync.runs import background_calls, clients
from kingsync.runs.background_calls import Kind, Result

if TYPE_CHECKING:
    from kingsync.models.users import User

NUMBER_LENGTH = 50
_NUMBER = re.compile(rf"(?=\S*\d)\S{{1,{NUMBER_LENGTH}}}")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A work order of OutSmart with the number. `objections` are why no export would take it by itself."""

    outsmart_id: str
    order_number: str = ""
    king_order_number: str = ""
    customer_name: str = ""
    status: str = ""
    work_status: str = ""
    objections: list[StoredReason] = []


def is_like_a_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None


def fetch(number: str, *, by: User) -> BackgroundCall:
    """Search OutSmart in the background. Raises `CallRefusedError`."""
    number = number.strip()

    def work(_call: BackgroundCall) -> Result:
        return {"matches": msgspec.to_builtins(_matches(number))}

    return background_calls.submit(Kind.FETCH, work, by=by, parameters={"number": number})


def matches_of(call: BackgroundCall) -> list[Match]:
    """Return what an ended call found."""
    return msgspec.convert(call.result.get("matches", []), list[Match])


def _matches(number: str) -> list[Match]:
    settings = SyncSettings.objects.first()
    choices = settings.as_mapping().exports if settings else Exports()
    with _outsmart_client() as outsmart:
        found = {match.outsmart_id: match for raw in _found(outsmart, number) for match in [_match(raw, choices)]}
    return list(found.values())


@contextmanager
def _outsmart_client() -> Iterator[OutSmartClient]:
    connection = clients.connection_of(System.OUTSMART)
    with clients.transport_of(connection) as transport:
        yield clients.outsmart(connection, transport)


def _found(outsmart: OutSmartClient, number: str) -> Iterator[bytes]:
    """Yield the work orders with this row id, `WorkorderNo` or `OrderNr`; none of it changes OutSmart.

    OutSmart has no call for an `OrderNr`, and whether it honours a filter is not proven: of its lists only that of
    completed work orders is short enough to search.
    """
    for raw in (_by_row_id(outsmart, number), outsmart.find_work_order(king_order_number=number)):
        if raw is not None:
            yield raw
    for raw in outsmart.iter_work_orders(status=triggers.COMPLETE):
        if payloads.marks(raw).order_number == number:
            yield raw


def _by_row_id(outsmart: OutSmartClient, number: str) -> bytes | None:
    if not (number.isascii() and number.isdecimal()):
        return None
    try:
        return outsmart.get_work_order(outsmart_id=number)
    except errors.NotFoundError:
        return None


def _match(raw: bytes, choices: Exports) -> Match:
    try:
        source = payloads.work_order(raw)
    except errors.PayloadError as error:
        return _unreadable(raw, error)
    return Match(
        outsmart_id=source.outsmart_id,
        order_number=source.order_number,
        king_order_number=source.king_order_number,
        customer_name=source.customer_name,
        status=source.status,
        work_status=source.work_status,
        objections=[stored(why) for why in triggers.objections(choices, source)],
    )


def _unreadable(raw: bytes, error: errors.PayloadError) -> Match:
    marks = payloads.marks(raw)
    why = reason("unreadable_work_order", detail=error.detail)
    known: dict[str, Any] = {"order_number": marks.order_number, "customer_name": marks.customer_name}
    return Match(outsmart_id=marks.outsmart_id, objections=[stored(why)], **known)
