"""What every answer says to the browser, whatever it is an answer to."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from tests.web.conftest import People

# A page, a redirect, what does not exist, a static file, a download, a program's answer.
ADDRESSES = ["/login/", "/", "/nothing/", "/static/shared/app.css", "/t/jansen/work-orders/file/csv/", "/health"]


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


def test_https_is_asked_of_the_browser_for_as_long_as_the_settings_say(db: None, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000

    assert Client().get("/login/", secure=True)["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_download_is_an_attachment_with_a_name_of_ours(client: Client, people: People, form: str) -> None:
    client.force_login(people.owner)

    answer = client.get(f"/t/jansen/work-orders/file/{form}/?name=../../other.html")
    answer.close()

    assert re.fullmatch(
        rf'attachment; filename="[a-z-]+-jansen-\d{{4}}-\d\d-\d\d\.{form}"', answer["Content-Disposition"]
    )


@pytest.mark.parametrize("address", ["/static/", "/static/shared/", "/.git/config", "/static/../manage.py"])
def test_no_folder_is_listed_and_no_other_file_is_served(client: Client, db: None, address: str) -> None:
    assert client.get(address).status_code == 404
