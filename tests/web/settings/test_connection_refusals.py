"""A refusal that may mean a missing licence says so on the connection test."""

from __future__ import annotations

import pytest
from django.utils import translation

from kingsync.king_mirror import connection_check
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Tenant
from sandboxes.outsmart.sandbox import OutSmartSandbox


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("token", "does not allow the token (1004)"), ("software_token", "does not allow the software token")],
)
def test_outsmart_that_refuses_a_token_is_asked_for_its_licence(
    tenant: Tenant, outsmart: OutSmartSandbox, wrong: str, told: str
) -> None:
    credentials = {"token": outsmart.token, "software_token": outsmart.software_token, wrong: "another"}
    connection = Connection(tenant=tenant, system=System.OUTSMART, base_url=outsmart.base_url, credentials=credentials)

    why = connection_check.check(connection)

    assert why is not None
    with translation.override("en"):
        assert told in sentence(stored(why))
        assert "License Manager" in sentence(stored(why))
