"""The title and the icon of every page say that something is wrong, also where a part refreshes itself."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Tenant
from tests import factories
from tests.web.pages import html

START = "/t/jansen/"


def title(browser: Client, address: str, **headers: str) -> str:
    found = re.search(r"<title>(.*?)</title>", html(browser.get(address, headers=headers)))
    assert found
    return found[1]


def icon(browser: Client, address: str, **headers: str) -> str:
    found = re.search(
        r'<link rel="icon" id="icon"[^>]*href="[^"]*/(mark[^".]*)', html(browser.get(address, headers=headers))
    )
    assert found
    return found[1].partition(".")[0]


def be_in_trouble(tenant: Tenant) -> None:
    for state in ("rejected", "held", "done"):
        factories.work_order(tenant, state=state)
    factories.run(tenant, RunKind.IMPORT, RunStatus.FAILED)


@pytest.mark.parametrize("page", ["", "work-orders/", "runs/", "settings/", "people/"])
def test_every_page_counts_what_is_wrong_in_its_title(editor: Client, tenant: Tenant, page: str) -> None:
    before = (title(editor, START + page), icon(editor, START + page))

    be_in_trouble(tenant)

    assert not before[0].startswith("(")
    assert before[1] == "mark"
    assert title(editor, START + page) == f"(3) {before[0]}"
    assert icon(editor, START + page) == "mark-trouble"


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.PARTLY])
def test_a_run_that_ends_well_ends_the_trouble_of_a_failed_one(
    editor: Client, tenant: Tenant, status: RunStatus
) -> None:
    factories.run(tenant, RunKind.EXPORT, RunStatus.FAILED)
    factories.run(tenant, RunKind.EXPORT, status)

    assert not title(editor, START).startswith("(")


def test_the_end_of_a_run_that_is_watched_renews_title_and_icon(editor: Client, tenant: Tenant) -> None:
    be_in_trouble(tenant)
    run = factories.run(tenant)
    htmx = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{START}"}

    for address in (f"{START}live/export/", f"{START}runs/{run.pk}/"):
        assert title(editor, address, **htmx) == title(editor, START if "live" in address else address)
        assert icon(editor, address, **htmx) == "mark-trouble"
        assert 'id="icon" type="image/svg+xml"' in html(editor.get(address, headers=htmx))
        assert 'hx-swap-oob="true">' in html(editor.get(address, headers=htmx))


def test_trouble_of_another_company_is_not_counted(editor: Client, tenant: Tenant) -> None:
    be_in_trouble(factories.tenant())

    assert not title(editor, START).startswith("(")
