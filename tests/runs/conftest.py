"""Pages and sentences in English, and an editor who reads them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from kingsync.models.tenants import Role, Tenant
from tests import factories


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def editor(tenant: Tenant, client: Client) -> Client:
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, Role.EDITOR))
    return client
