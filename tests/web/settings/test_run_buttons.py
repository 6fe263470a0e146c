"""The settings page has the buttons of the start page: they start the same runs and show them in place."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kingsync.models.links import WorkStatus
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from tests.web.pages import html, text

SETTINGS = "/t/jansen/settings/"
FROM_SETTINGS = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{SETTINGS}#exports"}


@pytest.mark.parametrize(("kind", "label"), [("import", "Import"), ("export", "Export workorders")])
def test_editor_has_both_buttons_outside_the_form(editor: Client, tenant: Tenant, kind: str, label: str) -> None:
    page = html(editor.get(SETTINGS))

    before_the_form = page.partition('id="settings"')[0]
    assert re.search(rf'action="/t/jansen/start/{kind}/".*?<button[^>]*>{label}</button>', before_the_form)


def test_viewer_has_none(viewer: Client, tenant: Tenant) -> None:
    assert "/t/jansen/start/" not in html(viewer.get(SETTINGS))


@pytest.mark.parametrize("kind", RunKind)
def test_started_run_is_shown_in_place(editor: Client, tenant: Tenant, kind: RunKind) -> None:
    answer = html(editor.post(f"/t/jansen/start/{kind}/", headers=FROM_SETTINGS))

    assert SyncRun.across_tenants.get().kind == kind
    assert f'id="live-{kind.value}" data-state="queued"' in answer


def test_without_scripts_the_start_page_shows_it(editor: Client, tenant: Tenant) -> None:
    assert editor.post("/t/jansen/start/export/").headers["Location"] == "/t/jansen/"


def test_refused_button_is_disabled_with_the_reason(editor: Client, tenant: Tenant) -> None:
    SyncSettings.across_tenants.update(export_orders=False)

    page = html(editor.get(SETTINGS))

    assert 'disabled aria-describedby="refusal-export">Export workorders' in page
    assert 'id="refusal-export">“Orders” is off' in page


@pytest.mark.parametrize(("path", "is_refreshed"), [("settings/", False), ("", True)])
def test_only_the_start_page_is_refreshed_around_an_ended_run(
    editor: Client, tenant: Tenant, path: str, is_refreshed: bool
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/t/jansen/{path}"}

    answer = html(editor.get("/t/jansen/live/export/", headers=headers))

    assert 'id="live-export"' in answer
    assert ("hx-swap-oob" in answer) == is_refreshed


# --- The manual's names -----------------------------------------------------------------------------------------------


def chosen(page: str, name: str) -> str:
    """Return the label of the option that a pick list shows."""
    found = re.search(rf'<select name="{name}".*?<option value="[^"]*" selected>(.*?)</option>', page)
    assert found
    return found[1]


def test_usual_work_order_status_has_its_name_before_the_first_connection_test(editor: Client, tenant: Tenant) -> None:
    usual = chosen(html(editor.get(SETTINGS)), "work_order_status")
    SyncSettings.across_tenants.update(work_order_status="7")
    own = chosen(html(editor.get(SETTINGS)), "work_order_status")
    WorkStatus(tenant=tenant, code="7", name="Klaar").save()
    named = chosen(html(editor.get(SETTINGS)), "work_order_status")

    assert (usual, own, named) == ("1 - Naar King", "7", "7 - Klaar")


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["products, hour types, text lines", "API token (in King: Toegangscode)", "Text lines"]),
        ("nl", ["producten, uurtypes, tekstregels", "API-token (in King: Toegangscode)", "Tekstregels"]),
    ],
)
def test_options_have_the_names_of_the_manual(editor: Client, tenant: Tenant, language: str, names: list[str]) -> None:
    editor.cookies["django_language"] = language

    page = text(editor.get(SETTINGS))

    assert [name for name in names if name not in page] == []
