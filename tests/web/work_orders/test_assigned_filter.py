"""The list of work orders by whom they are assigned to: the newest of take and leave counts."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test import Client

from kingsync.exports.overview import ledger_counts
from kingsync.manual_actions import care
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"


def numbers(client: Client, **asked: str) -> list[str]:
    return sorted(row.order_number for row in client.get(LEDGER, asked).context["page"].rows)


@pytest.fixture
def rows(tenant: Tenant) -> list[WorkOrder]:
    return [factories.work_order(tenant, order_number=f"W{number}", state="held") for number in range(5)]


def test_list_shows_what_is_assigned_to_the_user_or_to_no_one(
    editor: Client, tenant: Tenant, people: People, rows: list[WorkOrder]
) -> None:
    with tenants.scope(tenant):
        care.take(rows[0], by=people.editor)
        care.take(rows[1], by=people.editor)
        care.take(rows[1], by=people.owner)
        care.take(rows[2], by=people.editor)
        care.leave(rows[2], by=people.owner)
        care.take(rows[3], by=people.owner)
        care.leave(rows[3], by=people.owner)
        care.take(rows[3], by=people.editor)

    assert numbers(editor, mine="me") == ["W0", "W3"]
    assert numbers(editor, mine="nobody") == ["W2", "W4"]
    assert numbers(editor) == ["W0", "W1", "W2", "W3", "W4"]


@pytest.mark.parametrize("seed", range(5))
def test_filter_agrees_with_the_page_of_each_work_order(
    editor: Client, tenant: Tenant, people: People, rows: list[WorkOrder], seed: int
) -> None:
    chance = random.Random(seed)
    with tenants.scope(tenant):
        for _ in range(25):
            act, who = chance.choice([care.take, care.leave]), chance.choice([people.editor, people.owner])
            act(chance.choice(rows), by=who)
        of_editor = sorted(row.order_number for row in rows if care.of(row).is_by(people.editor))
        of_nobody = sorted(row.order_number for row in rows if care.of(row).taken is None)

    assert numbers(editor, mine="me") == of_editor
    assert numbers(editor, mine="nobody") == of_nobody


def test_each_user_has_a_list_and_a_sum_of_their_own(
    editor: Client,
    english: Client,
    tenant: Tenant,
    people: People,
    rows: list[WorkOrder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_counts, "COUNTED_EACH_TIME", 1)  # the sum is cached
    with tenants.scope(tenant):
        care.take(rows[0], by=people.editor)
    own = text(editor.get(LEDGER, {"mine": "me"}))

    editor.force_login(people.owner)

    assert "Amount of this 1 work order" in own
    assert "No work orders found." in text(editor.get(LEDGER, {"mine": "me"}))


def test_one_click_shows_mine_and_one_shows_all_again(editor: Client, tenant: Tenant, rows: list[WorkOrder]) -> None:
    everything = html(editor.get(LEDGER, {"state": "held"}))
    mine = html(editor.get(LEDGER, {"state": "held", "mine": "me"}))

    assert '<a class="toggle" href="?state=held&amp;mine=me">Assigned to me</a>' in everything
    assert '<a class="toggle" href="?state=held" aria-current="true">Assigned to me</a>' in mine


def test_viewer_to_whom_nothing_can_be_assigned_is_offered_no_such_list(viewer: Client, rows: list[WorkOrder]) -> None:
    assert "Assigned to me" not in html(viewer.get(LEDGER))


def test_all_of_the_assigned_list_is_acted_on_and_nothing_else(
    editor: Client, tenant: Tenant, people: People, rows: list[WorkOrder]
) -> None:
    with tenants.scope(tenant):
        for row in rows[:2]:
            care.take(row, by=people.editor)

    editor.post(f"{LEDGER}decide/", {"kind": "retry", "all": "2", "asked": "mine=me"})

    states = WorkOrder.across_tenants.filter(tenant=tenant).order_by("order_number").values_list("state", flat=True)
    assert list(states) == ["waiting", "waiting", "held", "held", "held"]


def test_what_is_assigned_to_a_user_is_found_by_an_index(tenant: Tenant, people: People) -> None:
    with tenants.scope(tenant), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off")
        cursor.execute("SET LOCAL enable_bitmapscan TO off")
        plan = care.taken(by_user=people.editor.pk).explain()

    assert "work_orders_by_assignment" in plan
