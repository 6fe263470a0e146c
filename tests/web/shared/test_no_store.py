"""What a logged-in user was shown is kept by no browser or proxy."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.models.tenants import Tenant
from tests.web.conftest import People


@pytest.mark.parametrize("address", ["/", "/t/jansen/", "/t/jansen/work-orders/", "/account/", "/t/elsewhere/"])
def test_pages_of_a_user_are_not_kept(client: Client, tenant: Tenant, people: People, address: str) -> None:
    client.force_login(people.owner)

    assert "no-store" in client.get(address, follow=True).headers["Cache-Control"]


def test_downloads_are_not_kept(client: Client, tenant: Tenant, people: People) -> None:
    client.force_login(people.owner)

    answer = client.get("/t/jansen/work-orders/file/csv/")
    answer.close()

    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
