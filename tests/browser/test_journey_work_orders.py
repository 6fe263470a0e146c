"""Work orders that need attention: refused and repaired in King, held and released, excluded, linked to an order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser.journeys import Person
from tests.browser.slow_pages import SlowPages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Arrives = Callable[..., Person]


@pytest.fixture
def arrives(windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant, king: KingSandbox) -> Arrives:
    """Log in a user with a role, at a tenant whose King has everything that work orders name."""
    scenario.stock(king)
    factories.settings(tenant)

    def arrive(role: Role = Role.EDITOR, language: str = "en") -> Person:
        user = factories.member(tenant, role, name=f"{role}-{language}")
        return Person.arriving(windows(language=language), live_server.url, language, user)

    return arrive


def exports_all(person: Person, result: str) -> None:
    person.goes_to("Start")
    person.starts("export", person.button("Export workorders"))
    expect(person.live("export")).to_contain_text(person.reads(result))


def opens_work_order(person: Person, tenant: Tenant, number: str) -> None:
    person.opens(tenant, f"work-orders/{WorkOrder.objects.get(outsmart_id=number).pk}/")


def test_refused_work_orders_are_repaired_in_king_and_go_through_by_themselves(
    arrives: Arrives, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    king.store.put_record("debtor", "12", {"Naam1": "Klant 12", "BlokkeerOrderInvoer": 1})
    scenario.work_order(outsmart, CustomerDebtorNrInvoice="12", OrderNr="2025.BLOCKED")
    scenario.work_order(outsmart, Materials=[scenario.material("ONBEKEND")], OrderNr="2025.LACKS")
    eddy = arrives(language="nl")

    exports_all(eddy, "Not everything went well.")
    eddy.link("Work orders that need attention", within=eddy.live("export")).click()
    eddy.link("Work orders by cause").click()
    article = eddy.page.get_by_role("listitem").filter(
        has_text=eddy.reads("King does not know article %(article)s.", article="ONBEKEND (Naam ONBEKEND)")
    )
    blocked = "Customer %(debtor)s is blocked for orders in King. Lift the block in King."
    debtor = eddy.page.get_by_role("listitem").filter(has_text=eddy.reads(blocked, debtor="12 (Klant 12)"))
    for cause, number in ((article, "2025.LACKS"), (debtor, "2025.BLOCKED")):
        expect(cause.get_by_role("link", name=number)).to_be_visible()
        eddy.sees(
            "To be fixed in King, by the person who maintains articles, customers and orders there.", within=cause
        )

    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    king.store.put_record("debtor", "12", {"Naam1": "Klant 12", "BlokkeerOrderInvoer": 0})
    exports_all(eddy, "All went well.")

    expect(eddy.page.get_by_role("link", name=eddy.reads("need attention"))).to_have_text(
        f"0 {eddy.reads('need attention').lower()}", use_inner_text=True, ignore_case=True
    )
    eddy.goes_to("Work orders")
    for number in ("2025.LACKS", "2025.BLOCKED"):
        expect(eddy.page.get_by_role("row").filter(has_text=number)).to_contain_text(eddy.reads("done").lower())
    assert len(scenario.orders(king)) == 2
    assert scenario.is_clean(king)


def test_held_work_order_is_excluded_included_and_released(
    arrives: Arrives,
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lasting_worker: None,
) -> None:
    number = scenario.work_order(outsmart, Materials=[], Workperiods=[])
    scenario.export()
    eddy = arrives(language="nl")
    opens_work_order(eddy, tenant, number)
    eddy.sees("Nothing to invoice: the work order has no materials and no hours.")

    eddy.page.get_by_label(eddy.reads("Reason"), exact=True).fill("dubbel gemeld")
    eddy.button("Exclude", "decision").click()
    eddy.sees("Excluded: kingsync no longer sends this work order.")
    expect(eddy.region("History")).to_contain_text("dubbel gemeld")
    expect(eddy.button("Export this work order now")).to_be_hidden()
    eddy.button("Restore").click()
    eddy.sees("Restored: the next export picks this work order up.")

    exports_all(eddy, "No new problems.")
    opens_work_order(eddy, tenant, number)
    eddy.unfolds_other_actions()
    eddy.button("Release", "decision").click()
    eddy.sees("Released: the next export sends this work order.")
    eddy.button("Export this work order now").click()
    expect(eddy.page.get_by_role("status")).to_contain_text(eddy.reads("All went well."))

    (order,) = scenario.orders(king)
    assert {kind for kind, _code, _quantity in scenario.lines(order)} == {"TEKST"}


def test_work_order_is_attached_to_an_order_that_stands_in_king(
    arrives: Arrives, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, lasting_worker: None
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": "11", "Referentie": "Kade 1"})
    number = scenario.work_order(outsmart, WorkorderNo="404")
    scenario.export()
    eddy = arrives()
    opens_work_order(eddy, tenant, number)

    eddy.unfolds_other_actions()
    eddy.page.get_by_label("Number of the King order").fill("501")
    eddy.button("Look it up in King").click()
    eddy.sees("King has no open order 501 in this administration.")
    eddy.unfolds_other_actions()
    eddy.page.get_by_label("Number of the King order").fill("500")
    eddy.button("Look it up in King").click()
    expect(eddy.page.get_by_role("heading", name="Link to King order 500?")).to_be_visible()
    eddy.sees("Kade 1")
    eddy.button("Link", "button").click()
    eddy.sees("Linked: the next export updates the King order.")
    slow = SlowPages(eddy.page, f"**/work-orders/{scenario.ledger(number).pk}/")
    eddy.button("Export this work order now").click()

    expect(eddy.page.get_by_role("status")).to_contain_text("All went well.")
    assert slow.led_there == 1
    (order,) = scenario.orders(king, ours=False)
    assert len(scenario.lines(order)) == 4
    assert scenario.is_clean(king)


def test_all_that_a_cause_stops_is_decided_at_once_and_a_viewer_only_looks(
    arrives: Arrives, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    held = [scenario.work_order(outsmart, Materials=[], Workperiods=[]) for _ in range(3)]
    scenario.export()
    bob, eddy = arrives(Role.VIEWER), arrives()

    for address in ("", "work-orders/", f"work-orders/{scenario.ledger(held[0]).pk}/", "work-orders/causes/"):
        bob.opens(tenant, address)
        expect(bob.page.get_by_role("heading", level=1)).to_be_visible()
        expect(bob.page.get_by_role("main").locator("form[method=post] button")).to_have_count(0)
    bob.sees("Nothing to invoice: the work order has no materials and no hours.")

    eddy.opens(tenant, "work-orders/causes/")
    eddy.button("Release all").click()
    eddy.sees("3 work orders are ready for the next export.")
    scenario.export()
    bob.page.reload()

    bob.sees("No work orders need attention.")
    assert len(scenario.orders(king)) == 3
