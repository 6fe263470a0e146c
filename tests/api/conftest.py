"""A tenant with rows to read, and a caller with a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from kingsync import tasks
from kingsync.models.connections import System
from kingsync.models.tenants import Tenant
from tests import factories

ROOT = "/api/v1/"


@dataclass
class Caller:
    """A program that calls the API with a token; "" for none. It keeps no cookies."""

    token: str
    language: str = "en"

    def get(self, path: str, **headers: str) -> Any:
        return Client().get(f"{ROOT}{path}", headers=self._headers | headers)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        sent = self._headers | headers
        return Client().post(f"{ROOT}{path}", {} if body is None else body, "application/json", headers=sent)

    @property
    def _headers(self) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return authorization | ({"Accept-Language": self.language} if self.language else {})


@pytest.fixture
def tenant(db: None) -> Tenant:
    """Create a tenant that may export and import."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made, export_orders=True)
    factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
    factories.connection(made, System.KING, base_url="https://king.example:8082")
    return made


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(factories.api_token(tenant))


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the messages that would go to workers."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.run_sync, "apply_async", lambda **message: sent.append(message))
    return sent
