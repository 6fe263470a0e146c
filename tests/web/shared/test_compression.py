"""What goes over the wire smaller: text, for browsers that accept it."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

from tests.web.conftest import People

PACKED = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("address", ["/t/jansen/", "/t/jansen/work-orders/file/csv/"])
def test_text_is_packed_for_whoever_accepts_it(client: Client, people: People, address: str) -> None:
    client.force_login(people.owner)

    packed, plain = client.get(address, headers=PACKED), client.get(address)
    packed_body, plain_body = b"".join(packed), b"".join(plain)

    assert (packed["Content-Encoding"], "Content-Encoding" in plain) == ("gzip", False)
    assert "Accept-Encoding" in packed["Vary"]
    assert gzip.decompress(packed_body)[:15] == plain_body[:15] != b""


def test_a_page_takes_a_third_of_its_length(client: Client, people: People) -> None:
    client.force_login(people.owner)

    packed, plain = client.get("/t/jansen/settings/", headers=PACKED), client.get("/t/jansen/settings/")

    assert len(packed.content) * 3 < len(plain.content)


def test_a_file_that_is_packed_already_is_sent_as_it_is(client: Client, people: People) -> None:
    client.force_login(people.owner)

    answer = client.get("/t/jansen/work-orders/file/xlsx/", headers=PACKED)
    start = b"".join(answer)[:2]

    assert ("Content-Encoding" in answer, start) == (False, b"PK")
