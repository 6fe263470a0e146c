"""Whatever a system answers is read or refused: no other exception leaves the payloads, at either layer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import errors
from integrations.addresses import AddressPolicy
from integrations.calls import Answer, Operation
from integrations.king import answers
from integrations.king import payloads as king
from integrations.king.records import Kind
from integrations.outsmart import payloads as outsmart
from integrations.outsmart.client import Client
from integrations.outsmart.errors import DONE
from integrations.transport import Transport

TEXTS = st.text(max_size=6)  # including lone surrogates
NUMBERS = st.sampled_from(["1e400", "9" * 5000, "-0", "1.50", "0001", "NaN", "1e5", "12345678901234567"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "x"]), inner, max_size=3),
    max_leaves=6,
)
NAMES = [
    "id", "WorkorderNo", "OrderNr", "status", "WorkStatus", "Archived", "WorkDate", "CustomerName",
    "WorkDescription", "FreeFields", "Materials", "Workperiods", "MaterialCode", "MaterialName",
    "MaterialNr", "MaterialPrice", "Id", "TotalTime", "HourType", "OrderNummer", "DebiteurNummer",
    "OrderRegels", "RegelID", "AantalBesteld", "Prijs", "ArtikelNummer", "AantalDecimalen", "TariefNummer",
    "MagazijnCode", "ContactPersonen", "OrderDatum", "Status", "FoutCode", "FoutMelding", "code", "messages",
    "response", "Artikelen",
]  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw an object with the vendors' names and values of any kind, sometimes with damaged bytes."""
    values = draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
    rows = draw(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), max_size=3))
    for name in draw(st.sets(st.sampled_from(["Materials", "Workperiods", "OrderRegels", "response", "Artikelen"]))):
        values[name] = rows
    text = json.dumps(values, ensure_ascii=draw(st.booleans()))
    body = text.replace('"x"', draw(NUMBERS), 1).encode("utf-8", "surrogatepass")
    return _damaged(
        body, draw(st.integers(0, len(body))), draw(st.sampled_from([b"", b"", b"\xff", b"\x00", b'"', b"}"]))
    )


def _damaged(body: bytes, place: int, damage: bytes) -> bytes:
    return body[:place] + damage + body[place + len(damage) :]


READERS: list[Callable[[bytes], object]] = [
    outsmart.work_order,
    outsmart.outsmart_id,
    outsmart.work_status,
    outsmart.posted_row,
    king.order,
    king.debtor,
    king.article,
    king.rate,
    king.warehouse,
    *(lambda raw, kind=kind: king.number(kind, raw) for kind in Kind),
]


@given(bodies() | st.binary(max_size=40))
def test_any_record_is_read_or_refused_with_its_place(raw: bytes) -> None:
    for read in READERS:
        assert _refusal(read, raw)[:1] in ("", "$")


def _refusal(read: Callable[[bytes], object], raw: bytes) -> str:
    """Return the path of the error, "" when the body could be read."""
    try:
        read(raw)
    except errors.PayloadError as failure:
        return failure.path
    return ""


@given(bodies() | st.binary(max_size=40))
def test_marks_are_read_of_anything(raw: bytes) -> None:
    found = outsmart.marks(raw)

    assert isinstance(found.outsmart_id, str)
    assert isinstance(found.is_archived, bool)
    assert all(each is None or isinstance(each, str) for each in (found.status, found.work_status))


@given(bodies() | st.binary(max_size=40))
def test_any_answer_of_king_is_understood_or_malformed(body: bytes) -> None:
    for content in (body, b"[" + body + b"]"):
        try:
            found = answers.elements(content)
            refused = answers.first_refused(found)
            records = answers.records(found, "Artikelen")
        except answers.MalformedError:
            continue
        assert refused is None or refused in found
        assert all(bytes(each).strip() in content for each in records)


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(
        base_url="https://app.example",
        token="t1",
        software_token="s1",
        transport=Transport("outsmart", policy=AddressPolicy()),
    )


@given(body=bodies() | st.binary(max_size=40))
def test_any_answer_of_outsmart_is_understood_or_one_of_our_errors(client: Client, body: bytes) -> None:
    operation = Operation(name="GetWorkorders")
    try:
        rows = client._response(operation, Answer(status=200, body=body), DONE)
        records = list(client._records(operation, rows))
    except errors.IntegrationError as error:
        records, told = [], (error.system, error.operation)
    else:
        told = ("outsmart", operation.name)
    assert told == ("outsmart", operation.name)
    assert all(each.strip() in body for each in records)
