"""An action on all of the filtered list, not only on the page that is shown."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.shared import paging
from kingsync.web.work_orders import bulk_pages
from tests import factories
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"
DECIDE = f"{LEDGER}decide/"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)


def rejected(tenant: Tenant, count: int = 3, **fields: str) -> None:
    for _ in range(count):
        factories.work_order(tenant, state=LedgerState.REJECTED, **fields)


def states(tenant: Tenant) -> dict[str, int]:
    found = list(WorkOrder.across_tenants.filter(tenant=tenant).values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


def test_all_of_the_list_is_acted_on_and_nothing_else(editor: Client, tenant: Tenant, small_pages: None) -> None:
    rejected(tenant)
    rejected(tenant, 1, customer_name="Visser")
    assert 'name="all" value="3"' in html(editor.get(LEDGER, {"q": "boer"}))

    answer = editor.post(DECIDE, {"kind": "retry", "all": "3", "asked": "q=boer&sort=number"})

    assert answer["Location"] == f"{LEDGER}?q=boer&sort=number"
    assert states(tenant) == {"waiting": 3, "rejected": 1}


def test_work_orders_that_came_meanwhile_are_not_acted_on(editor: Client, tenant: Tenant) -> None:
    rejected(tenant, 3)

    answer = editor.post(DECIDE, {"kind": "retry", "all": "2", "asked": "state=rejected"}, follow=True)

    assert "The list has changed meanwhile: check it and select again." in text(answer)
    assert states(tenant) == {"rejected": 3}


@pytest.mark.parametrize("seen", ["", "x", "-1", "²", "9" * 30])
def test_count_that_is_none_does_nothing(editor: Client, tenant: Tenant, seen: str) -> None:
    rejected(tenant, 1)

    editor.post(DECIDE, {"kind": "retry", "all": seen, "asked": ""})

    assert states(tenant) == {"rejected": 1}


def test_a_list_that_is_too_long_is_not_offered_as_a_whole(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    monkeypatch.setattr(bulk_pages, "ALL_AT_MOST", 2)
    rejected(tenant, 3)

    assert 'name="all"' not in html(editor.get(LEDGER))
    editor.post(DECIDE, {"kind": "retry", "all": "3", "asked": ""})
    assert states(tenant) == {"rejected": 3}


def test_one_page_needs_no_whole_list(editor: Client, tenant: Tenant) -> None:
    rejected(tenant)

    assert 'name="all"' not in html(editor.get(LEDGER))


def test_viewer_may_not_act_on_the_list(viewer: Client, tenant: Tenant, small_pages: None) -> None:
    rejected(tenant)

    assert 'name="all"' not in html(viewer.get(LEDGER))
    assert viewer.post(DECIDE, {"kind": "retry", "all": "3"}).status_code == 403
    assert states(tenant) == {"rejected": 3}
