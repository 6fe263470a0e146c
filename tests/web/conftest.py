"""Alice owns, Eddy edits, Bob looks, Charlie is a stranger, Olga operates; everybody meets the same tenant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.test import Client

from kingsync.models.connections import System
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from tests import factories


@dataclass(frozen=True)
class People:
    owner: User
    editor: User
    viewer: User
    stranger: User
    operator: User


@pytest.fixture(autouse=True)
def _calls_at_once(calls_at_once: None) -> None:
    """No page of these tests waits for a thread."""


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant with settings and both connections."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made)
    factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
    factories.connection(made, System.KING, base_url="https://king.example:8082")
    return made


@pytest.fixture
def people(tenant: Tenant) -> People:
    return People(
        owner=factories.member(tenant, Role.OWNER, name="alice"),
        editor=factories.member(tenant, Role.EDITOR, name="eddy"),
        viewer=factories.member(tenant, Role.VIEWER, name="bob"),
        stranger=factories.member(factories.tenant(slug="elsewhere"), Role.OWNER, name="charlie"),
        operator=factories.operator(name="olga"),
    )


@pytest.fixture
def english(client: Client) -> Client:
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def editor(english: Client, people: People) -> Client:
    """An editor's browser, in English."""
    english.force_login(people.editor)
    return english


@pytest.fixture
def viewer(english: Client, people: People) -> Client:
    english.force_login(people.viewer)
    return english
