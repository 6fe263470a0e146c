"""Runs in the browser: live, cancelled, as a dry run, held back by the change limit, and started by two at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.runs import SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, programs, scenario
from tests.browser.journeys import Person
from tests.holding import held

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Arrives = Callable[..., Person]
MANY, TOO_MANY = 30, 25


@pytest.fixture
def arrives(windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant) -> Arrives:
    """Log in an editor of the tenant, each in their own browser."""
    factories.settings(tenant)

    def arrive(name: str = "eddy", language: str = "en") -> Person:
        user = factories.member(tenant, Role.EDITOR, name=name.capitalize())
        return Person.arriving(windows(language=language), live_server.url, language, user)

    return arrive


def put_articles(king: KingSandbox, count: int, *, price: float = 1.0) -> None:
    for number in range(count):
        fields = {"OmschrijvingKort": f"Artikel {number}", "VerkoopPrijsExclBtw": price}
        king.store.put_record("article", f"A{number:03}", fields)


def prices(outsmart: OutSmartSandbox) -> set[float]:
    return {float(str(row["price"]).replace(",", ".")) for row in outsmart.store.rows("materials")}


def begin_preview(person: Person) -> None:
    person.page.locator("summary").get_by_text(person.reads("Preview"), exact=True).click()
    person.button("Preview export").click()
    expect(person.live("export").get_by_role("progressbar")).to_be_visible()


def test_two_people_who_save_the_settings_both_get_what_they_wanted(arrives: Arrives, tenant: Tenant) -> None:
    alice, eddy = arrives("alice"), arrives("eddy", "nl")
    for person in (alice, eddy):
        person.goes_to("Settings")
    alice.page.get_by_label("Default warehouse").fill("2")
    alice.button("Save").click()
    alice.sees("Saved.")

    eddy.page.get_by_label(eddy.reads("Hour rounding")).select_option("30")
    eddy.button("Save").click()
    eddy.sees("%(name)s saved these settings while you were working.", name="Alice")
    expect(eddy.page.get_by_label(eddy.reads("Default warehouse"))).to_have_value("2")
    expect(eddy.page.get_by_label(eddy.reads("Hour rounding"))).to_have_value("30")
    eddy.button("Save").click()
    eddy.sees("Saved.")

    stored = SyncSettings.across_tenants.get(tenant=tenant)
    assert (stored.default_warehouse, stored.hour_rounding) == ("2", 30)


def test_two_people_press_the_same_button_and_one_stops_the_run_of_both(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    scenario.stock(king)
    for _ in range(8):
        scenario.work_order(outsmart)
    alice, eddy = arrives("alice", "nl"), arrives("eddy")

    with held(king, "Order_Toevoegen", skip=4):
        eddy.button("Export workorders").click()
        expect(eddy.live("export")).to_contain_text("started by Eddy")
        alice.page.reload()
        alice.button("Export workorders").click()
        alice.sees("A run was already in progress; this is the one.", within=alice.live("export"))
        bar = eddy.live("export").get_by_role("progressbar")
        expect(bar).to_have_attribute("max", "8")
        expect(bar).not_to_have_attribute("value", "0")
        alice.button("Stop", within=alice.live("export")).click()
        programs.wait_for(SyncRun.across_tenants.filter(cancel_requested=True).exists)
    expect(alice.page.get_by_role("status")).to_contain_text(alice.reads("Stopped on request."))

    expect(eddy.live("export")).to_contain_text("Stopped on request.")
    assert 0 < len(scenario.orders(king)) < 8
    eddy.starts("export", eddy.button("Export workorders"))
    assert len(scenario.orders(king)) == 8
    assert scenario.is_clean(king)


def test_one_kind_is_tried_and_then_imported(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    scenario.stock(king)
    eddy = arrives(language="nl")

    def chooses(*, only_try: bool) -> None:
        eddy.page.get_by_text(eddy.reads("Other import…")).click()
        eddy.page.get_by_label(eddy.reads("What"), exact=True).select_option("products")
        eddy.page.get_by_label(eddy.reads("Preview only: show what would change, write nothing")).set_checked(only_try)
        eddy.starts("import", eddy.button("Start import"))

    chooses(only_try=True)
    eddy.link("Expected result", within=eddy.live("import")).click()
    expect(eddy.region("Expected result")).to_contain_text("BUIS")
    expect(eddy.region("Expected result")).to_contain_text(eddy.reads("created").lower())
    assert outsmart.store.rows("materials") == []

    eddy.goes_to("Start")
    chooses(only_try=False)

    expect(eddy.live("import")).to_contain_text(eddy.reads("All went well."))
    assert {row["code"] for row in outsmart.store.rows("materials")} == {"BUIS", "KNIE"}
    assert outsmart.store.rows("relations") == []


def test_export_that_is_pressed_during_a_trial_is_not_lost_silently(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    scenario.stock(king)
    scenario.work_order(outsmart)
    eddy = arrives(language="nl")
    panel = eddy.live("export")

    with held(king, "Artikelen_Opvragen"):
        begin_preview(eddy)
        eddy.button("Export workorders").click()
        eddy.sees("A preview is in progress, which writes nothing.", within=panel)
    told = eddy.reads("The other run has finished. Your request has not started yet: press the button again.")
    expect(panel).to_contain_text(told)
    assert scenario.orders(king) == []
    eddy.starts("export", eddy.button("Export workorders"))

    assert len(scenario.orders(king)) == 1


def test_the_answer_of_a_button_is_shown_though_its_part_wants_to_refresh_itself_meanwhile(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    scenario.stock(king)
    scenario.work_order(outsmart)
    eddy = arrives(language="nl")
    panel, pressed, asked = eddy.live("export"), list[Route](), list[Request]()

    def was_pressed() -> bool:
        eddy.page.wait_for_timeout(10)  # the browser tells us only while we wait for it
        return bool(pressed)

    with held(king, "Artikelen_Opvragen"):
        begin_preview(eddy)
        eddy.page.route("**/start/export/", lambda route, _request: pressed.append(route))
        eddy.page.on("request", lambda request: asked.append(request) if "/live/" in request.url else None)
        eddy.button("Export workorders").click()
        programs.wait_for(was_pressed)
        eddy.page.evaluate("htmx.trigger('#live-export', 'moved')")
        for request in asked:
            request.response()
        pressed[0].continue_()
        eddy.sees("A preview is in progress, which writes nothing.", within=panel)

    assert scenario.orders(king) == []  # what the answer says: no export was begun


def test_import_that_would_change_too_much_is_written_after_a_yes(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    eddy = arrives(language="nl")
    put_articles(king, MANY)
    scenario.load("products")
    put_articles(king, TOO_MANY, price=2.0)
    scenario.load("products")
    assert prices(outsmart) == {1.0}

    eddy.page.reload()
    eddy.link("Review", within=eddy.page.get_by_role("alert")).click()
    expect(eddy.page.get_by_role("row")).to_have_count(TOO_MANY + 1)
    expect(eddy.page.get_by_role("row").filter(has_text="A000")).to_contain_text("2")
    eddy.button("Yes, approve").click()
    eddy.sees("Approved. The import has been started.")

    expect(eddy.live("import")).to_contain_text(eddy.reads("All went well."))
    expect(eddy.page.get_by_role("alert")).to_be_hidden()
    assert prices(outsmart) == {1.0, 2.0}
