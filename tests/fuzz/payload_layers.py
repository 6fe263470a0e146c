"""Both payload layers: an answer with anything wrong in it is read, or refused by an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from integrations import errors
from integrations.addresses import AddressPolicy
from integrations.calls import Answer, Operation
from integrations.king import names
from integrations.king import payloads as king_payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind
from integrations.outsmart import payloads as outsmart_payloads
from integrations.outsmart.client import Client as OutSmartClient
from integrations.outsmart.errors import DONE
from integrations.transport import Transport
from kingsync.rules.storable import is_storable
from sandboxes.king.sandbox import KingSandbox
from sandboxes.messages import Request
from tests.fuzz.mutations import mutated

SAMPLES = Path(__file__).parents[1] / "samples"
CONTRACT = Path(__file__).parents[1] / "contract" / "samples"
_DECODE: dict[Kind, Callable[[Any], object]] = {
    Kind.DEBTOR: king_payloads.debtor,
    Kind.ARTICLE: king_payloads.article,
    Kind.RATE: king_payloads.rate,
    Kind.WAREHOUSE: king_payloads.warehouse,
    Kind.ORDER: king_payloads.order,
}


def failures(chance: Random, count: int) -> Iterator[str]:
    """Read `count` answers of each system; yield what was neither read nor refused."""
    yield from _of_outsmart(chance, count)
    yield from _of_king(chance, count)


def _tried(body: bytes, read: Callable[[bytes], Iterator[object]]) -> Iterator[str]:
    try:
        for record in read(body):
            if not _is_fit(record):
                yield f"not fit to be stored: {record!r} of {body[:300]!r}"
    except errors.IntegrationError:
        pass
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        yield f"{error!r} of {body[:300]!r}"


def _is_fit(record: object) -> bool:
    """Return whether a record can be stored: as JSON, without NUL or half a surrogate."""
    try:
        written = msgspec.json.encode(record)
    except (UnicodeEncodeError, msgspec.MsgspecError, ValueError):
        return False
    return is_storable(json.dumps(json.loads(written), ensure_ascii=False))


# --- OutSmart ---------------------------------------------------------------------------------------------------------


def _of_outsmart(chance: Random, count: int) -> Iterator[str]:
    sample = json.loads((SAMPLES / "outsmart-getworkorders.json").read_text())
    with Transport("outsmart", policy=AddressPolicy()) as transport:
        client = OutSmartClient(base_url="https://o.example", token="t1", software_token="s1", transport=transport)

        def read(body: bytes) -> Iterator[object]:
            operation = Operation(name="GetWorkorders")
            answer = client._response(operation, Answer(status=200, body=body), DONE)
            for raw in client._records(operation, answer):
                yield outsmart_payloads.marks(raw)
                yield from _read_or_refused(outsmart_payloads.work_order, raw)

        for _ in range(count):
            yield from _tried(mutated(chance, sample), read)


def _read_or_refused(decode: Callable[[Any], object], raw: Any) -> Iterator[object]:
    try:
        yield decode(raw)
    except errors.PayloadError as refused:
        if not refused.path.startswith("$"):
            raise ValueError("refused without its place") from None


# --- King -------------------------------------------------------------------------------------------------------------


def _of_king(chance: Random, count: int) -> Iterator[str]:
    samples = _king_samples()
    with Transport("king", policy=AddressPolicy()) as transport:
        client = KingClient(base_url="https://k.example", administration="A", access_code="code", transport=transport)
        for _ in range(count):
            kind = chance.choice(list(samples))
            yield from _tried(mutated(chance, samples[kind]), _reader(client, kind))


def _reader(client: KingClient, kind: Kind) -> Callable[[bytes], Iterator[object]]:
    def read(body: bytes) -> Iterator[object]:
        operation = Operation(name=names.READ[kind], method="POST")
        records = client._understood(
            operation,
            Answer(status=200, body=body),
            lambda elements: [each[names.ENTITY[kind]] for each in elements if names.ENTITY[kind] in each],
        )
        for entity in records:
            for raw in _listed(entity):
                yield from _read_or_refused(_DECODE[kind], raw)
                yield from _read_or_refused(lambda each: king_payloads.number(kind, each), raw)

    return read


def _listed(entity: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(entity, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []


def _king_samples() -> dict[Kind, Any]:
    """Return a page of each kind, as King answers it; orders and debtors from real answers."""
    sandbox = KingSandbox(records=2, debtors=2)
    samples = {kind: _page(sandbox, names.READ[kind]) for kind in Kind}
    samples[Kind.ORDER] = json.loads((CONTRACT / "king_orders.json").read_text())
    samples[Kind.DEBTOR] = json.loads((CONTRACT / "king_debtors.json").read_text())
    return samples


def _page(sandbox: KingSandbox, operation: str) -> Any:
    headers = {"access-token": sandbox.access_code, "content-type": "application/json"}
    path = f"/{sandbox.administration}/{operation}"
    return json.loads(sandbox.handle(Request(method="POST", path=path, headers=headers, body=b"{}")).body)
