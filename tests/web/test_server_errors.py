"""Pages while the database is away: they say so without asking it for anything."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client
from psycopg import errors as states

from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.web.pages import text

NOT_NOW = "kingsync is not available for a moment"


@pytest.fixture
def editor(client: Client, tenant: Tenant) -> Client:
    client.cookies["django_language"] = "en"
    client.raise_request_exception = False
    client.force_login(factories.member(tenant, Role.EDITOR))
    return client


@pytest.mark.parametrize("cause", [states.DiskFull(), states.AdminShutdown(), states.TooManyConnections()])
def test_page_asks_to_try_again_while_the_database_cannot(
    editor: Client, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    def fails() -> None:
        raise OperationalError("INSERT of tok-7f3a-outsmart") from cause

    monkeypatch.setattr("kingsync.web.start.dashboard.dashboard", fails)

    answer = editor.get("/t/jansen/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert NOT_NOW in text(answer)
    assert "tok-7f3a" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["/", "/login/", "/t/jansen/", "/admin/"])
def test_page_without_any_database_says_so_and_is_back_with_it(
    editor: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "PORT", 1)
        connection.close()
        without = editor.get(page)

    assert (without.status_code, NOT_NOW in text(without)) == (503, True)
    assert editor.get(page).status_code in (200, 302)
