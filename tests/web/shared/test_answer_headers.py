"""What every answer says to the browser, whatever it is an answer to."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.conftest import People

# A page, a redirect, what does not exist, a static file, a download, a program's answer.
ADDRESSES = ["/login/", "/", "/nothing/", "/static/shared/app.css", "/t/jansen/work-orders/list.csv", "/health"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_read_as_what_it_is_and_framed_by_nobody(client: Client, people: People, address: str) -> None:
    client.force_login(people.owner)

    answer = client.get(address)
    b"".join(answer)
    answer.close()

    assert {"frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"} <= set(
        answer["Content-Security-Policy"].split("; ")
    )
    assert (answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == ("nosniff", "same-origin")
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer
    assert not answer["Content-Type"].startswith("text/") or "charset=" in answer["Content-Type"]
