"""The main tasks, done and counted: clicks and pages stay within `tests.browser.clicks`."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser import clicks
from tests.browser.journeys import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Arrives = Callable[[], Person]
UNKNOWN = [{"code": "unknown_article", "params": {"article": "ONBEKEND", "line": "ONBEKEND"}}]


@pytest.fixture
def arrives(windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant) -> Arrives:
    """Log in an editor, in Dutch, on the start page."""
    factories.settings(tenant)

    def arrive() -> Person:
        user = factories.member(tenant, Role.EDITOR, name="eddy")
        return Person.arriving(windows(language="nl"), live_server.url, "nl", user)

    return arrive


def test_no_bound_is_above_what_is_demanded() -> None:
    for each in clicks.BOUNDS.values():
        assert each.demanded is None or each.clicks <= each.demanded


def test_the_document_has_the_table() -> None:
    assert clicks.table() in clicks.DOCUMENT.read_text(), "Copy the table of tests.browser.clicks.table() into it"


def test_from_login_to_the_first_order(
    windows: Callable[..., Page],
    live_server: LiveServer,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lasting_worker: None,
) -> None:
    scenario.stock(king)
    number = scenario.work_order(outsmart)
    factories.member(factories.tenant(slug="nieuw", name="Nieuw B.V."), Role.OWNER, name="nina")
    nina = Person(windows(language="nl"), live_server.url, "nl")

    with clicks.counted(nina.page) as taken:
        nina.logs_in("nina")
        nina.link("Set up the connection").first.click()
        fill(nina, "OutSmart", {"address": outsmart.base_url, "Token": outsmart.token})
        fill(nina, "OutSmart", {"Software token": outsmart.software_token})
        fill(nina, "King", {"address": king.base_url, "administration": king.administration})
        fill(nina, "King", {"API token (in King: Toegangscode)": king.access_code})
        nina.page.get_by_label(nina.reads("Import all master data")).check()
        nina.page.get_by_label(nina.reads("Orders"), exact=True).last.check()
        nina.button("Save").click()
        nina.sees("Saved.")
        nina.goes_to("Start")
        nina.starts("import", nina.button("Import", "button"))
        nina.starts("export", nina.button("Export workorders"))
        expect(nina.live("export")).to_contain_text(nina.reads("All went well."))

    assert [each["ExternOrderNummer"] for each in scenario.orders(king)] == [f"OS-{number}"]
    taken.within("first_order")


def fill(person: Person, system: str, values: dict[str, str]) -> None:
    group = person.page.get_by_role("group", name=system)
    for label, value in values.items():
        group.get_by_label(person.reads(label), exact=True).fill(value)


def test_why_it_was_refused_and_the_repair(
    arrives: Arrives, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    factories.run(tenant, RunKind.EXPORT)
    scenario.stock(king)
    scenario.work_order(outsmart, Materials=[scenario.material("ONBEKEND")], OrderNr="2025.LACKS")
    SyncSettings.across_tenants.filter(tenant=tenant).update(incomplete_orders="hold")
    scenario.export()
    eddy = arrives()

    with clicks.counted(eddy.page) as looked:
        eddy.page.reload()
        expect(eddy.page.locator("#overview")).to_contain_text("ONBEKEND")
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    with clicks.counted(eddy.page) as repaired:
        eddy.starts("export", eddy.button("Export workorders"))
        expect(eddy.live("export")).to_contain_text(eddy.reads("All went well."))

    looked.within("why_refused")
    repaired.within("repair")
    assert len(scenario.orders(king)) == 1


def test_rounding_is_changed(arrives: Arrives, tenant: Tenant) -> None:
    eddy = arrives()

    with clicks.counted(eddy.page) as taken:
        eddy.goes_to("Settings")
        eddy.page.get_by_label(eddy.reads("Hour rounding")).select_option("30")
        eddy.button("Save").click()
        eddy.sees("Saved.")

    taken.within("rounding")
    with tenants.scope(tenant):
        assert SyncSettings.objects.get().hour_rounding == 30


def test_a_work_order_is_found_with_why_it_is_not_in_king(arrives: Arrives, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="WB4711", state="rejected", reasons=UNKNOWN)
    factories.work_order(tenant, order_number="WB4712", state="rejected", reasons=UNKNOWN)
    eddy = arrives()
    eddy.opens(tenant, "runs/")

    with clicks.counted(eddy.page) as taken:
        eddy.page.locator("[data-palette]").click()
        eddy.page.keyboard.type("4711")
        expect(eddy.page.locator("#palette [role=option]")).to_have_count(1)
        eddy.page.keyboard.press("Enter")
        expect(eddy.page.get_by_role("heading", level=1)).to_contain_text("WB4711")
        eddy.sees("King does not know article %(article)s.", article="ONBEKEND")

    taken.within("find")


def test_one_work_order_is_exported_now(
    arrives: Arrives, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    scenario.stock(king)
    scenario.work_order(outsmart, Materials=[scenario.material("ONBEKEND")], OrderNr="2025.LACKS")
    eddy = arrives()
    SyncSettings.across_tenants.filter(tenant=tenant).update(incomplete_orders="hold")
    scenario.export()
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    eddy.opens(tenant, "work-orders/")

    with clicks.counted(eddy.page) as taken:
        eddy.page.get_by_role("link", name="2025.LACKS").click()
        eddy.button("Export this work order now").first.click()
        expect(eddy.page.get_by_role("status").first).to_contain_text(eddy.reads("All went well."))

    taken.within("export_one")
    assert len(scenario.orders(king)) == 1


def test_the_cause_of_a_failed_run_is_near(arrives: Arrives, tenant: Tenant) -> None:
    error = {"code": "system.unreachable", "params": {"system": "King"}}
    factories.run(tenant, status=RunStatus.FAILED, error=error)
    eddy = arrives()

    with clicks.counted(eddy.page) as taken:
        eddy.page.reload()
        expect(eddy.page.locator("#alerts")).to_contain_text("King")

    taken.within("failed_run")


def test_last_month_is_looked_at(arrives: Arrives, tenant: Tenant) -> None:
    last = timezone.localdate().replace(day=1) - datetime.timedelta(days=3)
    factories.work_order(tenant, state="done", work_date=last, exported_at=timezone.now())
    factories.work_order(tenant, state="rejected", work_date=last, reasons=UNKNOWN)
    eddy = arrives()

    with clicks.counted(eddy.page) as taken:
        eddy.page.get_by_role("link", name=eddy.reads("By month"), exact=True).click()
        eddy.page.locator(f"a[href$='/statements/{last:%Y-%m}/']").click()
        expect(eddy.page.get_by_role("heading", level=1)).to_be_visible()

    taken.within("month")
