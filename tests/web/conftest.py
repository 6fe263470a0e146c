"""Alice owns, Eddy edits, Bob looks, Charlie is a stranger, Olga operates; all at the same tenant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.test import Client

from integrations.transport import Transport
from kingsync.models.connections import System
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from tests import factories
from tests.conftest import AtOnce


@dataclass(frozen=True)
class People:
    owner: User
    editor: User
    viewer: User
    stranger: User
    operator: User


@pytest.fixture(autouse=True)
def _calls_at_once(calls_at_once: None) -> None:
    """Make background calls at once, so that no page of these tests waits for a thread."""


@pytest.fixture(autouse=True)
def _no_page_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail when a page itself calls OutSmart or King: such calls belong in a background call."""
    open_pages: list[object] = []
    honest = Transport.send

    def send(self: Transport, *args: Any, **options: Any) -> Any:
        assert AtOnce.is_working or not open_pages, "a page waits for another system"
        return honest(self, *args, **options)

    def begin(**_: object) -> None:
        open_pages.append(None)

    def end(**_: object) -> None:
        open_pages.clear()

    monkeypatch.setattr(Transport, "send", send)
    request_started.connect(begin)
    request_finished.connect(end)
    yield
    request_started.disconnect(begin)
    request_finished.disconnect(end)


def make_tenant() -> Tenant:
    """Create a tenant with settings and both connections."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made)
    factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
    factories.connection(made, System.KING, base_url="https://king.example:8082")
    return made


def make_people(tenant: Tenant) -> People:
    return People(
        owner=factories.member(tenant, Role.OWNER, name="alice"),
        editor=factories.member(tenant, Role.EDITOR, name="eddy"),
        viewer=factories.member(tenant, Role.VIEWER, name="bob"),
        stranger=factories.member(factories.tenant(slug="elsewhere"), Role.OWNER, name="charlie"),
        operator=factories.operator(name="olga"),
    )


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant()


@pytest.fixture
def people(tenant: Tenant) -> People:
    return make_people(tenant)


@pytest.fixture
def english(client: Client) -> Client:
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def editor(english: Client, people: People) -> Client:
    """Log in an editor's browser, in English."""
    english.force_login(people.editor)
    return english


@pytest.fixture
def viewer(english: Client, people: People) -> Client:
    english.force_login(people.viewer)
    return english
