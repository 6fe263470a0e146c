"""Client for OutSmart (OpenAPI version 8, chapters 2 and 3 of the contract).

Every method raises the classes of `integrations.errors`; a write never raises a TransientError once it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from integrations import rough
from integrations.calls import (
    LIST_ANSWER_BYTES,
    OPERATION_SECONDS,
    SMALL_ANSWER_BYTES,
    STREAMING_SECONDS,
    Answer,
    Operation,
)
from integrations.errors import PayloadError
from integrations.failures import no_answer
from integrations.outsmart import errors, payloads, records
from integrations.shapes import UNREADABLE, php_list
from integrations.transport import Transport

_NO_ROWS = (b"[]", b"null", b"{}", b'""')
_VISIBLE = frozenset({"status", "workstatus", "update_status", "row_id", "workorder_no", "skip_duplicate_workorder_no"})
_LIST_SECONDS = OPERATION_SECONDS  # of silence while OutSmart prepares a list
_WRITE_SECONDS = OPERATION_SECONDS  # a batch of some hundred rows
_MESSAGES_READ = 20
_CODE = re.compile("[0-9]{1,9}")


def _list_of(endpoint: str, visible_query: frozenset[str] = frozenset()) -> Operation:
    """Return the operation of a list; nothing is paged, so one answer holds everything."""
    return Operation(
        name=endpoint,
        read_timeout=_LIST_SECONDS,
        streaming_seconds=STREAMING_SECONDS,
        max_bytes=LIST_ANSWER_BYTES,
        visible_query=visible_query,
    )


_FIND_WORK_ORDERS = _list_of("GetWorkorders", _VISIBLE)
_LIST_RELATIONS = _list_of("relations")
_LIST_WORK_STATUSES = Operation(name="workstatusses", read_timeout=_LIST_SECONDS)
_GET_WORK_ORDER = Operation(name="GetWorkorder", visible_query=_VISIBLE)
_ACKNOWLEDGE = Operation(name="GetWorkorder", is_write=True, visible_query=_VISIBLE)
_SET_WORK_STATUS = Operation(name="UpdateWorkorder", is_write=True, visible_query=_VISIBLE)
_POST_WORK_ORDERS = Operation(
    name="PostWorkorders", method="POST", is_write=True, read_timeout=_WRITE_SECONDS, visible_query=_VISIBLE
)
_TEST = Operation(name="hourtypes", read_timeout=30.0, max_bytes=SMALL_ANSWER_BYTES)
_LIST_EMPLOYEES = Operation(name="employees", read_timeout=_LIST_SECONDS)


class _Envelope(msgspec.Struct, frozen=True):
    """The form of every answer. `code` and `messages` are as lenient as PHP is with them."""

    code: int | str
    messages: list[object] | str | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")


class Client:
    """One OutSmart account. Credentials go into the query of every call; the transport keeps them out of sight."""

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        software_token: str,
        transport: Transport,
        bearer_token: str = "",
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = (("token", token), ("software_token", software_token))
        self._headers = {"Authorization": f"Bearer {bearer_token}"} if bearer_token else {}
        self._transport = transport
        transport.hide(token, software_token, bearer_token)

    def test_connection(self) -> None:
        """Make a cheap call without side effects; raise when anything is wrong."""
        self._call(_TEST)

    # Work orders

    def iter_work_orders(self, *, status: str, work_status: str = "") -> Iterator[bytes]:
        """Yield the raw work orders of a status (OutSmart's word, or `Alle`) and work status code, if one is given."""
        query = [("status", status), ("update_status", "false")]
        if work_status:
            query.append(("workstatus", work_status))
        answer = self._call(_FIND_WORK_ORDERS, query, also_fine=errors.NOT_FOUND)
        yield from self._records(_FIND_WORK_ORDERS, answer)

    def get_work_order(self, *, outsmart_id: str) -> bytes:
        """Return one work order as a raw record, leaving it unchanged in OutSmart. Raises NotFoundError."""
        answer = self._call(_GET_WORK_ORDER, [("row_id", outsmart_id), ("update_status", "false")])
        if answer in _NO_ROWS:
            raise errors.from_code(_GET_WORK_ORDER, errors.NOT_FOUND, ())
        return answer

    def find_work_order(self, *, king_order_number: str) -> bytes | None:
        """Return the newest work order with this `WorkorderNo` as a raw record, or None."""
        query = [("workorder_no", king_order_number), ("update_status", "false")]
        answer = self._call(_GET_WORK_ORDER, query, also_fine=errors.NOT_FOUND)
        return None if answer in _NO_ROWS else answer

    def acknowledge_work_order(self, *, outsmart_id: str) -> bytes:
        """Set a work order to `Afgehandeld`, so that it drops out of the next list.

        The only call with `update_status=true`: a write, although a GET. Returns the raw record that OutSmart
        answers; whether it shows the old status or the new one is not documented.
        """
        return self._call(_ACKNOWLEDGE, [("row_id", outsmart_id), ("update_status", "true")])

    def set_work_status(self, *, outsmart_id: str, work_status: str) -> None:
        """Set a work status code; the code it already has is fine. A write, although a GET."""
        query = [("row_id", outsmart_id), ("workstatus", work_status)]
        self._call(_SET_WORK_STATUS, query, also_fine=errors.NOTHING_CHANGED)

    def post_work_orders(self, rows: Sequence[records.NewWorkOrder]) -> dict[str, str]:
        """Add work orders; return their row ids by `WorkorderNo`, perhaps without those that OutSmart had already."""
        if not rows:
            return {}
        answer = self._call(
            _POST_WORK_ORDERS, [("skip_duplicate_workorder_no", "true")], body=msgspec.json.encode(rows)
        )
        try:
            return dict(payloads.posted_row(row) for row in self._records(_POST_WORK_ORDERS, answer))
        except PayloadError:
            raise no_answer(errors.SYSTEM, _POST_WORK_ORDERS, reason="unexpected") from None

    # Master data: a POST inserts or updates whole rows and returns how many OutSmart says it accepted

    def post_relations(self, rows: Sequence[records.Relation]) -> int:
        """Insert or update relations by `debtor_number`."""
        return self._post_rows("relations", rows)

    def post_contact_persons(self, rows: Sequence[records.ContactPerson]) -> int:
        """Insert or update contact persons by `cpn_code`, which is global."""
        return self._post_rows("contactpersons", rows)

    def post_addresses(self, rows: Sequence[records.Address]) -> int:
        """Insert or update addresses by `adr_code`, which is global."""
        return self._post_rows("addresses", rows)

    def post_products(self, rows: Sequence[records.Product]) -> int:
        """Insert or update materials by `code`."""
        return self._post_rows("materials", rows)

    def post_hour_types(self, rows: Sequence[records.HourType]) -> int:
        """Insert or update hour types by `code`."""
        return self._post_rows("hourtypes", rows)

    def post_warehouses(self, rows: Sequence[records.Warehouse]) -> int:
        """Insert or update warehouses by `wse_code`."""
        return self._post_rows("warehouses", rows)

    def list_work_statuses(self) -> tuple[records.WorkStatus, ...]:
        """Return the work status codes of this account."""
        return tuple(payloads.work_status(row) for row in self._iter(_LIST_WORK_STATUSES))

    def list_employees(self) -> tuple[records.Employee, ...]:
        """Return the employees of this account."""
        return tuple(payloads.employee(row) for row in self._iter(_LIST_EMPLOYEES))

    def iter_relations(self) -> Iterator[bytes]:
        """Yield all relations as raw records."""
        return self._iter(_LIST_RELATIONS)

    # Transport

    def _iter(self, operation: Operation) -> Iterator[bytes]:
        yield from self._records(operation, self._call(operation))

    def _post_rows(self, endpoint: str, rows: Sequence[msgspec.Struct]) -> int:
        if not rows:
            return 0
        operation = Operation(name=endpoint, method="POST", is_write=True, read_timeout=_WRITE_SECONDS)
        answer = self._call(operation, body=msgspec.json.encode(rows), also_fine=errors.NOTHING_CHANGED)
        try:
            return msgspec.json.decode(answer, type=int | None, strict=False) or 0
        except UNREADABLE:
            raise no_answer(errors.SYSTEM, operation, reason="unexpected") from None

    def _records(self, operation: Operation, answer: bytes) -> Iterator[bytes]:
        if answer in _NO_ROWS:
            return
        try:
            rows = _rows(answer)
        except UNREADABLE:
            raise no_answer(errors.SYSTEM, operation, reason="unexpected") from None
        for row in rows:
            yield bytes(row)

    def _call(
        self,
        operation: Operation,
        query: Sequence[tuple[str, str]] = (),
        *,
        body: bytes | None = None,
        also_fine: int = errors.DONE,
    ) -> bytes:
        """Return the `response` of a call as JSON, also for the code `also_fine`."""
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        return self._transport.send(
            operation,
            f"{self._base_url}/{operation.name}/",
            query=(*self._credentials, *query),
            headers=headers,
            body=body,
            read=lambda answer: self._response(operation, answer, also_fine),
        )

    def _response(self, operation: Operation, answer: Answer, also_fine: int) -> bytes:
        envelope = self._envelope(operation, answer)
        code = int(envelope.code)
        if code in (errors.DONE, also_fine):
            return bytes(envelope.response)
        raise errors.from_code(operation, code, self._messages(envelope))

    def _envelope(self, operation: Operation, answer: Answer) -> _Envelope:
        content = answer.body.removeprefix(b"\xef\xbb\xbf").strip()
        if not content:
            raise no_answer(errors.SYSTEM, operation, reason="empty", status=answer.status)
        try:
            envelope = msgspec.json.decode(content, type=_Envelope)
        except msgspec.ValidationError:
            raise no_answer(errors.SYSTEM, operation, reason="unexpected", status=answer.status) from None
        except UNREADABLE:
            damaged = _damaged_envelope(content)
            if damaged is None:
                raise no_answer(errors.SYSTEM, operation, reason="not_json", status=answer.status) from None
            envelope = damaged
        if not _CODE.fullmatch(str(envelope.code)):
            raise no_answer(errors.SYSTEM, operation, reason="unexpected", status=answer.status)
        return envelope

    def _messages(self, envelope: _Envelope) -> tuple[str, ...]:
        if isinstance(envelope.messages, str):
            return (self._transport.masked(envelope.messages),)
        return tuple(self._transport.masked(str(message)) for message in (envelope.messages or ())[:_MESSAGES_READ])


def _rows(answer: bytes) -> list[msgspec.Raw]:
    """Return the rows of a list, also of one with gaps, which PHP writes as an object. Raises the UNREADABLE errors."""
    try:
        return msgspec.json.decode(answer, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        return php_list(msgspec.json.decode(answer, type=dict[str, msgspec.Raw]))
    except UNREADABLE:
        return [msgspec.Raw(row) for row in rough.elements(answer)]


def _damaged_envelope(content: bytes) -> _Envelope | None:
    """Return the envelope of an answer with a damaged record in it; None if it is not an answer of OutSmart's."""
    try:
        members = rough.members(content)
        code = msgspec.json.decode(members["code"], type=int | str)
    except (KeyError, *UNREADABLE):
        return None
    try:
        messages = msgspec.json.decode(members.get("messages", b"null"), type=list[object] | str | None)
    except UNREADABLE:
        messages = None
    return _Envelope(code=code, messages=messages, response=msgspec.Raw(members.get("response", b"null")))
