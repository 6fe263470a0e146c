"""The page that switches the company to another King administration, and the pages of work orders afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kingsync.administrations import switch
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories
from tests.conftest import connect
from tests.web.pages import html

ADDRESS = "/t/jansen/settings/administration/"
NEW = "NIEUW"


@pytest.fixture
def tenant(db: None, king: KingSandbox, outsmart: OutSmartSandbox) -> Iterator[Tenant]:
    king.add_administration(NEW)
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    connect(made, king, outsmart)
    factories.settings(made)
    with tenants.scope(made):
        yield made


@pytest.fixture
def row(tenant: Tenant) -> WorkOrder:
    return factories.work_order(
        tenant, order_number="WB-OUD", king_order_number="500", state=LedgerState.CHANGED, is_locked=True
    )


@pytest.fixture
def person(tenant: Tenant) -> User:
    return factories.member(tenant, Role.OWNER)


@pytest.fixture
def alice(client: Client, person: User) -> Client:
    client.cookies["django_language"] = "en"
    client.force_login(person)
    return client


def entries(king: KingSandbox, **fields: str) -> dict[str, Any]:
    typed = {
        "king-base_url": king.base_url,
        "king-administration": NEW,
        "king-access_code": king.access_code,
        "king-verify_tls": "on",
        "king-busy_codes": "LOCK",
        "king-from_date": "2026-01-01",
        "king-confirmation": NEW,
    }
    return typed | {f"king-{name}": value for name, value in fields.items()}


def administration(tenant: Tenant) -> str:
    with tenants.scope(tenant.pk):
        return Connection.objects.get(system=System.KING).administration


def test_the_page_lists_what_is_open_and_suggests_today(alice: Client, row: WorkOrder) -> None:
    page = alice.get(ADDRESS, {"name": NEW})

    assert "WB-OUD" in html(page)
    assert "Changed afterwards: 1" in html(page)
    assert "may still be locked" in html(page)
    assert page.context["form"]["from_date"].value() == timezone.localdate()
    assert page.context["form"]["administration"].value() == NEW


def test_the_name_typed_twice_switches_after_king_has_answered(
    alice: Client, tenant: Tenant, king: KingSandbox, row: WorkOrder
) -> None:
    done = alice.post(ADDRESS, entries(king), follow=True)

    assert administration(tenant) == NEW
    with tenants.scope(tenant.pk):
        assert str(SyncSettings.objects.get().export_from_date) == "2026-01-01"
        assert [str(each.after) for each in switch.switches()] == [NEW]
    assert "The next import is a first import" in html(done)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"confirmation": "NIEW"}, "This is not the name of the new administration."),
        ({"administration": "DEMO01", "confirmation": "DEMO01"}, "another administration than the present one"),
        ({"access_code": ""}, "enter this again"),
    ],
)
def test_what_is_typed_wrongly_switches_nothing(
    alice: Client, tenant: Tenant, king: KingSandbox, row: WorkOrder, fields: dict[str, str], problem: str
) -> None:
    answer = alice.post(ADDRESS, entries(king, **fields))

    assert answer.status_code == 422
    assert problem in html(answer)
    assert administration(tenant) == king.administration


def test_a_name_that_king_does_not_know_switches_nothing(
    alice: Client, tenant: Tenant, king: KingSandbox, row: WorkOrder
) -> None:
    alice.post(ADDRESS, entries(king, administration="NIEW", confirmation="NIEW"), follow=True)

    assert administration(tenant) == king.administration
    assert switch.switches() == []


def fault_at(page: str, field: str) -> str:
    [found] = re.findall(rf'<p class="fault" id="id_king-{field}_fault"[^>]*>([^<]*)</p>', page)
    return str(found)


def test_why_a_switch_failed_stands_at_the_field_that_it_is_about(
    alice: Client, king: KingSandbox, row: WorkOrder
) -> None:
    page = html(alice.post(ADDRESS, entries(king, administration="NIEW", confirmation="NIEW"), follow=True))

    assert "NIEW is niet bekend" in fault_at(page, "administration")
    assert fault_at(page, "base_url") == ""
    [described] = re.findall(r'<input[^>]*name="king-administration"[^>]*>', page)
    assert "id_king-administration_fault" in described


def test_why_a_test_failed_stands_at_the_field_that_it_is_about(
    alice: Client, king: KingSandbox, row: WorkOrder
) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{ADDRESS}"}
    started = html(alice.post(f"{ADDRESS}test/", entries(king, access_code="wrong"), headers=asked))
    followed = re.findall(r'hx-get="([^"]+)"', started)
    page = html(alice.get(followed[0], headers=asked)) if followed else started

    assert "King refused our credentials" in fault_at(page, "access_code")
    assert fault_at(page, "administration") == ""
    assert 'name="default_warehouse"' not in page


@pytest.mark.parametrize("failed", ["", "x", "0", "9" * 30])
def test_a_failed_switch_that_is_none_of_the_users_is_not_shown(alice: Client, row: WorkOrder, failed: str) -> None:
    assert fault_at(html(alice.get(ADDRESS, {"failed": failed})), "administration") == ""


def test_the_connection_is_tested_with_the_new_name(alice: Client, king: KingSandbox, row: WorkOrder) -> None:
    good = alice.post(f"{ADDRESS}test/", entries(king), follow=True)
    bad = alice.post(f"{ADDRESS}test/", entries(king, administration="NIEW"), follow=True)

    assert "The connection works" in html(good)
    assert "The connection works" not in html(bad)


def test_an_editor_may_not_switch(client: Client, tenant: Tenant, king: KingSandbox, row: WorkOrder) -> None:
    client.force_login(factories.member(tenant, Role.EDITOR))

    assert client.post(ADDRESS, entries(king)).status_code == 403


# --- Afterwards -------------------------------------------------------------------------------------------------------


@pytest.fixture
def switched(tenant: Tenant, person: User, row: WorkOrder) -> Iterator[WorkOrder]:
    """Switch, and provide a work order of the new administration."""
    connection = Connection.objects.get(system=System.KING)
    connection.administration = NEW
    switch.to_connection(connection, from_date=None, by=person)
    with tenants.scope(tenant.pk):
        yield factories.work_order(tenant, order_number="WB-NIEUW", state=LedgerState.HELD)


def listed(client: Client, **asked: str | int) -> list[str]:
    page = client.get(reverse("work_orders", args=["jansen"]), asked)
    return [each.order_number for each in page.context["page"].rows]


def test_the_list_shows_the_present_administration_and_a_filter_the_others(
    alice: Client, row: WorkOrder, switched: WorkOrder
) -> None:
    assert listed(alice) == ["WB-NIEUW"]
    assert listed(alice, administration=row.administration_id) == ["WB-OUD"]
    assert listed(alice, administration="all") == ["WB-NIEUW", "WB-OUD"]
    assert listed(alice, q="WB-") == ["WB-NIEUW", "WB-OUD"]
    assert listed(alice, administration="999999") == ["WB-NIEUW"]


def test_a_search_says_in_which_administration_each_is(
    alice: Client, king: KingSandbox, row: WorkOrder, switched: WorkOrder
) -> None:
    page = html(alice.get(reverse("work_orders", args=["jansen"]), {"q": "WB-"}))
    file = alice.get(reverse("work_orders_file", args=["jansen", "csv"]), {"q": "WB-"})

    assert king.administration in page
    assert page.count('name="row"') == 1
    assert king.administration in b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]


def test_a_work_order_of_a_former_administration_is_only_shown(
    alice: Client, king: KingSandbox, row: WorkOrder, switched: WorkOrder
) -> None:
    page = html(alice.get(reverse("work_order", args=["jansen", row.pk])))
    refused = alice.post(reverse("decide", args=["jansen", row.pk]), {"kind": "exclude", "reason": "x"})

    assert f"former administration {king.administration}" in page
    assert f"{ADDRESS}?name={king.administration}" in page
    assert reverse("decide", args=["jansen", row.pk]) not in page
    assert refused.status_code == 404


def test_a_held_work_order_leads_to_its_former_one(
    alice: Client, tenant: Tenant, row: WorkOrder, switched: WorkOrder
) -> None:
    again = factories.work_order(tenant, outsmart_id=row.outsmart_id, state=LedgerState.HELD)

    page = html(alice.get(reverse("work_order", args=["jansen", again.pk])))

    assert reverse("work_order", args=["jansen", row.pk]) in page


def test_the_way_back_keeps_the_start_date(alice: Client, king: KingSandbox, switched: WorkOrder) -> None:
    page = alice.get(ADDRESS, {"name": king.administration})

    assert f"?name={king.administration}" in html(page)
    assert page.context["form"]["from_date"].value() is None


def test_the_list_of_companies_counts_the_present_administration(
    client: Client, row: WorkOrder, switched: WorkOrder
) -> None:
    factories.tenant()
    client.force_login(factories.operator())

    rows = client.get("/operators/").context["rows"]

    assert [row.status.attention for row in rows if row.tenant.slug == "jansen"] == [1]
