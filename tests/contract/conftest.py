"""Clients of invented systems, whose answers a test gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from integrations.addresses import AddressPolicy
from integrations.calls import Call
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport

OUTSMART_URL = "https://outsmart.example/openapi/8"
KING_URL = "https://king.example:8082"
TOKEN = "secret-token"
SOFTWARE_TOKEN = "secret-software-token"
BEARER_TOKEN = "secret-bearer"
ACCESS_CODE = "secret-access-code"
OTHER_ACCESS_CODE = "secret-other-code"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """The only web there is in these tests; every answer that was prepared must be asked for."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def calls() -> list[Call]:
    """What the transport told of its calls."""
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
