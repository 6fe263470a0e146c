"""The button *Test connection*, with both systems running."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.usefixtures("calls_at_once")


@pytest.fixture
def editor(tenant: Tenant) -> Client:
    factories.settings(tenant)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(factories.member(tenant, Role.EDITOR))
    return browser


def pressed(editor: Client, system: System) -> str:
    """Press the button with the form as it was shown; return what the page says."""
    page = editor.get("/t/jansen/settings/")
    forms = page.context["forms"].connections
    fields = {bound.html_name: bound.value() or "" for form in forms for bound in form}
    return editor.post(f"/t/jansen/settings/test/{system}/", fields, follow=True).content.decode()


@pytest.mark.parametrize(("system", "name"), [(System.KING, "King"), (System.OUTSMART, "OutSmart")])
def test_a_system_that_answers_works(editor: Client, system: System, name: str) -> None:
    assert f"{name} answered. The connection works." in pressed(editor, system)
    assert Connection.objects.get(system=system).last_success_at is not None


def test_a_run_whose_calls_failed_does_not_say_that_a_connection_works(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    scenario.work_order(outsmart)
    king.faults.add(Fault(kind="http_503", times="forever", retry_after=0))

    run = scenario.export()

    assert run.failed_count == 1
    assert list(Connection.objects.values_list("last_success_at", flat=True)) == [None, None]


def test_a_wrong_access_code_is_told_and_pauses_the_connection(editor: Client, king: KingSandbox) -> None:
    king.access_code = "another"

    assert "King refused our credentials" in pressed(editor, System.KING)
    assert Connection.objects.get(system=System.KING).state == Connection.State.PAUSED


def test_a_web_page_instead_of_king_is_told(editor: Client, king: KingSandbox) -> None:
    king.faults.add(Fault(kind="html", times="forever"))

    assert "something other than data, such as a web page" in pressed(editor, System.KING)


def test_work_statuses_are_chosen_from_outsmarts_own_list(editor: Client, outsmart: OutSmartSandbox) -> None:
    pressed(editor, System.OUTSMART)

    form = editor.get("/t/jansen/settings/").context["forms"].choices
    shown = dict(form.fields["work_order_status"].widget.choices)

    assert shown["1"] == "1 - Naar King"
    assert shown == {
        row["sta_code"]: f"{row['sta_code']} - {row['sta_name']}" for row in outsmart.store.rows("workstatusses")
    }
    assert form["work_order_status"].value() == "1"


def test_an_import_refreshes_the_list_and_a_chosen_code_stays_choosable(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    SyncSettings.objects.update(success_status="oud")

    scenario.load()

    form = editor.get("/t/jansen/settings/").context["forms"].choices
    shown = dict(form.fields["success_status"].widget.choices)
    assert (shown[""], shown["oud"], shown["1"]) == ("-", "oud", "1 - Naar King")
