"""Clients of invented systems, whose answers a test supplies, and clients of the sandboxes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from integrations.addresses import AddressPolicy
from integrations.calls import Call
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox

OUTSMART_URL = "https://outsmart.example/openapi/8"
KING_URL = "https://king.example:8082"
TOKEN = "secret-token"
SOFTWARE_TOKEN = "secret-software-token"
BEARER_TOKEN = "secret-bearer"
ACCESS_CODE = "secret-access-code"
OTHER_ACCESS_CODE = "secret-other-code"

LOOPBACK = AddressPolicy(("127.0.0.1",))


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """Mock all HTTP in these tests; every prepared answer must be requested."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def calls() -> list[Call]:
    """Provide the list of calls that the transport reports."""
    return []


@pytest.fixture
def outsmart_client(calls: list[Call]) -> Iterator[OutSmartClient]:
    with Transport("outsmart", policy=AddressPolicy(), on_call=calls.append, attempts=1) as transport:
        yield OutSmartClient(
            base_url=OUTSMART_URL,
            token=TOKEN,
            software_token=SOFTWARE_TOKEN,
            bearer_token=BEARER_TOKEN,
            transport=transport,
        )


@pytest.fixture
def king_client(calls: list[Call]) -> Iterator[KingClient]:
    with Transport("king", policy=AddressPolicy(), on_call=calls.append, attempts=1) as transport:
        yield KingClient(
            base_url=KING_URL,
            administration="JANSEN 01",
            access_code=ACCESS_CODE,
            access_codes={"Order_Toevoegen": OTHER_ACCESS_CODE},
            busy_codes=("LOCK", "BEZET"),
            sql_timeout=20,
            transport=transport,
        )


def client_of(sandbox: KingSandbox, transport: Transport, **codes: str) -> KingClient:
    return KingClient(
        base_url=sandbox.base_url,
        administration=sandbox.administration,
        access_code=codes.pop("access_code", sandbox.access_code),
        access_codes=codes,
        transport=transport,
    )


@pytest.fixture
def king_stub() -> Iterator[Transport]:
    with Transport("king", policy=LOOPBACK, attempts=1) as transport:
        yield transport


@pytest.fixture
def outsmart_stub() -> Iterator[Transport]:
    with Transport("outsmart", policy=LOOPBACK, attempts=1) as transport:
        yield transport


@pytest.fixture
def demo_king() -> Iterator[KingSandbox]:
    """Provide the demo company, for tests that write."""
    with KingSandbox(records=40) as sandbox:
        yield sandbox


@pytest.fixture
def demo_outsmart() -> Iterator[OutSmartSandbox]:
    with OutSmartSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def to_king(demo_king: KingSandbox, king_stub: Transport) -> KingClient:
    return client_of(demo_king, king_stub)


@pytest.fixture
def to_outsmart(demo_outsmart: OutSmartSandbox, outsmart_stub: Transport) -> OutSmartClient:
    return OutSmartClient(
        base_url=demo_outsmart.base_url,
        token=demo_outsmart.token,
        software_token=demo_outsmart.software_token,
        transport=outsmart_stub,
    )
