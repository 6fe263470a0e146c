"""Alice owns, Eddy edits, Bob looks, Charlie is a stranger, Olga operates; all at the same tenant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.test import Client
from pytest_django import DjangoDbBlocker

from integrations.transport import Transport
from kingsync.accounts.session_store import SessionStore
from kingsync.models.connections import System
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from tests import factories, standing
from tests.conftest import AtOnce, empty_tables
from tests.standing import Standing


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


@dataclass(frozen=True)
class Company:
    """A tenant, its people, and the cookies of those who are logged in already."""

    tenant: Tenant
    people: People
    sessions: dict[str, str]


def make_company() -> Company:
    tenant = make_tenant()
    people = make_people(tenant)
    return Company(tenant, people, {name: _session_of(getattr(people, name)) for name in ("editor", "viewer")})


def _session_of(person: User) -> str:
    """Return the key of a session that nobody noticed beginning: of it no test finds a trace but the session."""
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(person.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@pytest.fixture(scope="module")
def _standing_company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Standing[Company]]:
    """Make a company for all tests of a file that name `tenant` or `people`."""
    with django_db_blocker.unblock():
        with standing.standing(make_company) as company:
            yield company
        empty_tables()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Forget what was kept for the company of a former test, which has the same number."""
    cache.clear()


@pytest.fixture
def _company(db: None, _standing_company: Standing[Company]) -> Company:
    return _standing_company.rows()


@pytest.fixture
def tenant(_company: Company) -> Tenant:
    return _company.tenant


@pytest.fixture
def people(_company: Company) -> People:
    return _company.people


@pytest.fixture
def english(client: Client) -> Client:
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def editor(english: Client, _company: Company) -> Client:
    """Return an editor's browser, logged in, in English."""
    english.cookies[settings.SESSION_COOKIE_NAME] = _company.sessions["editor"]
    return english


@pytest.fixture
def viewer(english: Client, _company: Company) -> Client:
    english.cookies[settings.SESSION_COOKIE_NAME] = _company.sessions["viewer"]
    return english
