"""The list of tenants shows where attention is needed."""

from __future__ import annotations

from django.test import Client

from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.web.conftest import People
from tests.web.pages import text


def test_tenants_say_what_is_wrong_there(editor: Client, tenant: Tenant, people: People) -> None:
    second = factories.tenant(slug="bakker", name="Bakker Klimaat")
    second.memberships.create(user=people.editor, role=Role.VIEWER)
    for state in ("rejected", "held", "done"):
        factories.work_order(tenant, state=state)
    factories.connection(second, System.KING, state=Connection.State.PAUSED)

    page = text(editor.get("/"))

    assert "Bakker Klimaat bakker connection paused Jansen Installatie B.V. jansen 2 need attention" in page


def test_trouble_of_tenants_that_one_may_not_see_is_not_told(editor: Client, tenant: Tenant, people: People) -> None:
    factories.tenant(slug="bakker").memberships.create(user=people.editor, role=Role.VIEWER)
    factories.work_order(Tenant.objects.get(slug="elsewhere"), state="rejected")

    assert "need" not in text(editor.get("/"))
