"""A month in the life of an office: from the first import to the first work order of the new year."""

from __future__ import annotations

import collections
import datetime
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models import tenants
from kingsync.models.tenants import Role
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.licence import Licence
from sandboxes import clock
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser.journeys import Person
from tests.browser.month.world import CUSTOMERS, Month, MovingClock, amount, euros, filled, stock
from tests.conftest import connect
from tests.scenario import material

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

NEW_YEAR = "2027"
IMPORTED = "500"
NO_DUPLICATES: dict[str, object] = {"orders": {}, "lines": {}, "locks": []}


@pytest.fixture
def month(
    windows: Callable[..., Page],
    live_server: LiveServer,
    transactional_db: None,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Month:
    moving = MovingClock(monkeypatch, datetime.datetime(2026, 12, 1, 8, 0, tzinfo=clock.AMSTERDAM))
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    with tenants.scope(tenant):
        connect(tenant, king, outsmart)
        factories.settings(
            tenant,
            schedule_enabled=True,
            orders_enabled=True,
            orders_materials=True,
            approve_order=True,
            interim_updates=True,
            order_update_status="5",
            create_interim_order=True,
            travel_article="KM",
            review=["credit", "warranty", "first_order_of_customer"],
            notification_emails=["kantoor@jansen.example"],
        )
    stock(king.store)
    next_year = king.add_administration(NEW_YEAR)
    stock(next_year)
    alice = factories.member(tenant, Role.OWNER, name="Alice")
    person = Person.arriving(windows(language="nl"), live_server.url, "nl", alice)
    return Month(tenant, king, outsmart, moving, person, alice, pictures(), king.store, next_year)


def pictures() -> Path | None:
    """Return the folder for pictures of the story, if SCREENSHOTS_FOLDER names one."""
    return Path(os.environ["SCREENSHOTS_FOLDER"]) if "SCREENSHOTS_FOLDER" in os.environ else None


def test_life_of_a_month(month: Month) -> None:
    the_first_import(month)
    first = the_first_orders_of_each_customer(month)
    second_visits(month, first)
    a_follow_up_on_an_order_of_kings(month)
    credit = credits_and_warranty(month)
    one_goes_to_another_order(month, first[1])
    one_is_reopened(month, first[4])
    a_changed_customer(month, first[5])
    a_night_with_king_off(month)
    staff_and_office_change_the_same_line(month, first[6])
    corrected_after_invoicing(month, first[7], first[8])
    an_order_disappears(month, credit)
    a_deleted_work_order_with_an_interim_order(month)
    one_that_was_never_read(month)
    a_day_without_a_licence(month)
    ordinary_days(month)
    the_change_of_the_year(month, first[10])

    month.person.opens(month.tenant)
    month.picture("18-the-end")
    assert len(work_orders(month)) >= 60
    assert unexplained(month) == []
    assert [store.duplicates() for store in (month.store, month.next_year)] == [NO_DUPLICATES] * 2
    assert amount(in_king(month)) == amount(in_outsmart(month)) > 0


# --- The days ---------------------------------------------------------------------------------------------------------


def the_first_import(month: Month) -> None:
    month.imports()
    expect(month.person.live("import")).to_contain_text(month.person.reads("All went well."))
    assert len(month.outsmart.store.rows("relations")) >= len(CUSTOMERS)
    month.picture("01-first-import")


def the_first_orders_of_each_customer(month: Month) -> list[str]:
    """Review the first order of each customer, and release all in one go."""
    month.comes("12-01", "16:00")
    visits = [month.visit(customer) for customer in CUSTOMERS]
    month.exports()
    assert {month.state(number) for number in visits} == {LedgerState.HELD}

    person = month.person
    person.opens(month.tenant, "work-orders/?state=held")
    person.page.get_by_label(person.reads("All on this page")).check()
    expect(person.page.locator("[data-sum]")).to_contain_text(euros(12 * amount(month.of_outsmart(visits[0]))))
    month.picture("02-first-orders-in-review")
    person.page.get_by_label(person.reads("With the selected work orders")).select_option("release")
    person.button("Apply to selection").click()
    expect(person.page.get_by_role("main").get_by_role("status")).to_contain_text("12")
    month.exports()
    assert {month.state(number) for number in visits} == {LedgerState.DONE}
    return visits


def second_visits(month: Month, first: list[str]) -> None:
    """Other engineers come back to two orders; one visit lacks an article, so its order waits for approval."""
    month.comes("12-03", "17:00")
    for number in first[:3]:
        order = str(month.row(number).king_order_number)
        month.visit(first_customer(month, number), material("KNIE", "2"), WorkorderNo=order)
    order = str(month.row(first[3]).king_order_number)
    lacking = month.visit(first_customer(month, first[3]), material(), material("POMP"), WorkorderNo=order)
    month.exports()
    assert month.state(lacking) == LedgerState.INCOMPLETE
    month.opens(first[0])
    expect(month.person.page.locator("[aria-labelledby=head-shared]")).to_be_visible()
    month.picture("03-second-visit")

    month.comes("12-04", "08:30")
    month.store.put_record("article", "POMP", {"OmschrijvingKort": "Pomp", "VerkoopPrijsExclBtw": 389})
    month.by_itself()
    assert month.state(lacking) == LedgerState.DONE


def a_follow_up_on_an_order_of_kings(month: Month) -> None:
    """King's office makes an order, an import plans it, an engineer carries it out."""
    month.comes("12-04", "10:00")
    line = {"RegelSoort": "ART", "ArtikelNummer": "KETEL", "AantalBesteld": 1}
    month.store.put_record("order", IMPORTED, {"DebiteurNummer": CUSTOMERS[0], "Referentie": "Nieuwe ketel"})
    month.store.edit_order(int(IMPORTED), Edit(add=[line]))
    month.imports()
    (planned,) = [each for each in month.outsmart.store.all_work_orders() if each["WorkorderNo"] == IMPORTED]
    rows = [*scenario.work_order_in_outsmart(month.outsmart, str(planned["id"]))["Materials"], material("BUIS", "4")]
    month.comes("12-04", "16:30")
    month.correct(str(planned["id"]), Materials=rows, Workperiods=[month.period("03:30", travel="42")])
    month.visit(CUSTOMERS[0], material("KNIE"), WorkorderNo=IMPORTED)
    month.exports()
    month.opens(str(planned["id"]))
    month.picture("04-order-of-king")
    assert month.state(str(planned["id"])) == LedgerState.DONE
    month.by_staff[str(planned["id"])] = collections.Counter({"KETEL": -1})  # their own line, which stays theirs


def credits_and_warranty(month: Month) -> str:
    """Two credits and two warranty repairs wait for a look: three are released, one is not invoiced at all."""
    month.comes("12-07", "15:00")
    returned = [month.visit(customer, material("KNIE", "-1")) for customer in CUSTOMERS[:2]]
    repairs = [month.visit(customer, material("BUIS", MaterialWarrantyCode="GAR12")) for customer in CUSTOMERS[2:4]]
    month.exports()
    for number in (*returned, repairs[0]):
        person = month.opens(number)
        month.tries("Show preview")
        expect(person.page.locator("#trial table")).to_be_visible()
        person.button("Release", "decision").click()
        person.sees("Released: the next export sends this work order.")
    person = month.opens(repairs[1])
    month.picture("05-warranty-in-review")
    person.unfolds_other_actions()
    person.page.get_by_label(person.reads("Reason"), exact=True).fill("garantie van de fabrikant")
    person.button("Exclude", "decision").click()
    person.sees("Excluded: kingsync no longer sends this work order.")
    month.exports()
    assert [month.state(number) for number in (*returned, *repairs)] == [*["done"] * 3, "excluded"]
    return returned[0]


def one_goes_to_another_order(month: Month, first: str) -> None:
    """Correct the number of a second visit that was written on the wrong order of its customer."""
    month.comes("12-08", "09:00")
    customer = first_customer(month, first)
    right = month.visit(customer)
    month.by_itself()
    (wrong,) = [
        str(each["id"])
        for each in month.outsmart.store.all_work_orders()
        if str(each["WorkorderNo"]) == month.row(first).king_order_number and str(each["id"]) != first
    ]
    month.correct(wrong, WorkorderNo=str(month.row(right).king_order_number))
    month.comes("12-08", "10:00")
    month.by_itself()
    person = month.opens(wrong)
    expect(person.page.locator("[aria-labelledby=head-shared]")).to_contain_text(str(month.row(right)))
    assert month.row(wrong).king_order_number == month.row(right).king_order_number
    assert month.of_king(wrong) == month.of_outsmart(wrong)


def one_is_reopened(month: Month, number: str) -> None:
    month.comes("12-08", "11:00")
    rows = [material(), material("KNIE", "3")]
    month.correct(number, Materials=rows)
    month.by_itself()
    assert month.state(number) == LedgerState.DONE
    assert month.of_king(number)["KNIE"] == 3


def a_changed_customer(month: Month, number: str) -> None:
    """Move a finished work order to another customer: its order is of the old one, so a person looks."""
    month.comes("12-09", "10:00")
    other = CUSTOMERS[11]
    month.correct(number, CustomerDebtorNr=other, CustomerDebtorNrInvoice=other, CustomerName=f"Klant {other}")
    month.exports()
    assert "order_of_other_customer" in month.codes(number)
    person = month.opens(number)
    month.picture("06-other-customer")
    person.button("Release", "decision").click()
    person.sees("Released: the next export sends this work order.")
    month.exports()
    assert month.state(number) == LedgerState.DONE


def a_night_with_king_off(month: Month) -> None:
    month.comes("12-10", "22:00")
    visits = [month.visit(customer, hours="02:15") for customer in CUSTOMERS[:10]]
    month.king.faults.add(Fault(kind="http_503", times="forever"))
    for hour in ("23:00", "23:30"):
        month.comes("12-10", hour)
        month.by_itself()
    month.comes("12-11", "07:30")
    month.by_itself()
    month.person.opens(month.tenant)
    card = month.person.page.locator(".connection", has_text="King")
    expect(card).to_contain_text("laatste poging vandaag 07:30")
    expect(card).to_contain_text("laatste antwoord")
    month.picture("07-night-with-king-off")
    month.king.faults.clear()
    month.comes("12-11", "09:30")
    month.by_itself()
    assert {month.state(number) for number in visits} == {LedgerState.DONE}


def staff_and_office_change_the_same_line(month: Month, number: str) -> None:
    month.comes("12-14", "10:00")
    month.staff(number, change=[{"RegelID": month.king_line(number, "BUIS"), "AantalBesteld": 4}])
    month.correct(number, Materials=[material("BUIS", "2")])
    month.exports()
    assert month.state(number) == LedgerState.HELD
    person = month.opens(number)
    person.page.locator("select[name]", has=person.page.locator("option[value=sum]")).select_option("sum")
    month.picture("08-conflict")
    person.button("Keep these choices").click()
    month.exports()
    assert month.state(number) == LedgerState.DONE
    month.by_staff[number] = collections.Counter({"BUIS": 3})  # they added three


def corrected_after_invoicing(month: Month, more: str, less: str) -> None:
    """King's office invoices two orders; one gets a supplementary order, the other is settled by hand."""
    month.comes("12-15", "09:00")
    for number in (more, less):
        month.staff(number, invoice=True)
    month.comes("12-16", "09:00")
    month.correct(more, Materials=[material("BUIS", "3"), material("KNIE", "2")])
    month.correct(less, Materials=[material("BUIS", "0,5")])
    month.exports()
    assert [month.state(number) for number in (more, less)] == ["changed", "changed"]
    person = month.opens(more)
    month.picture("09-corrected-after-invoicing")
    person.button("Create supplementary order…").click()
    person.button("Create supplementary order").click()
    expect(person.region("History")).to_contain_text("Alice")
    person = month.opens(less)
    person.unfolds_other_actions()
    person.page.locator("#settle-reason").fill("creditnota 2026-17")
    person.button("Settle by hand").click()
    expect(person.region("History")).to_contain_text("creditnota 2026-17")
    month.exports()
    assert [month.state(number) for number in (more, less)] == ["done", "done"]
    month.by_staff[less] = collections.Counter({"BUIS": Decimal("0.5")})  # King keeps one; the credit note is theirs
    month.opens(more)
    month.picture("10-supplementary-order")


def an_order_disappears(month: Month, number: str) -> None:
    """Somebody removes an order that nobody approved; the verification of the next day says so."""
    month.comes("12-17", "09:00")
    removed = int(str(month.row(number).king_order_number))
    month.store.orders.by_number.pop(removed)
    month.comes("12-18", "10:00")
    month.by_itself()
    month.opens(number)
    month.picture("11-order-gone")
    assert month.row(number).notices
    month.by_staff[number] = collections.Counter(
        {code: -quantity for code, quantity in month.of_outsmart(number).items()}
    )


def a_deleted_work_order_with_an_interim_order(month: Month) -> None:
    month.comes("12-18", "14:00")
    number = month.visit(CUSTOMERS[5], material("BUIS", "2"), status="Opgehaald", WorkStatus="5")
    month.exports()
    assert month.state(number) == LedgerState.INTERIM
    month.outsmart.store.delete_work_order(number)
    month.comes("12-19", "14:00")
    month.by_itself()
    person = month.opens(number)
    month.picture("12-deleted-with-order")
    assert "deleted_with_order" in month.codes(number)
    person.page.get_by_label(person.reads("Reason"), exact=True).fill("order in King verwijderd")
    person.button("Exclude", "decision").click()
    person.sees("Excluded: kingsync no longer sends this work order.")


def one_that_was_never_read(month: Month) -> None:
    """Nobody put it at the trigger: it is searched by its number, and exported as it is."""
    month.comes("12-21", "09:00")
    number = month.visit(CUSTOMERS[6], WorkStatus="2")
    month.exports()
    person = month.person
    person.opens(month.tenant, f"work-orders/?q=WB-{number}")
    person.button("Fetch from OutSmart").click()
    expect(person.page.locator(f"#head-{number}")).to_be_visible()
    month.picture("13-never-read")
    month.tries("Export it whatever its status")
    assert month.state(number) == LedgerState.DONE


def a_day_without_a_licence(month: Month) -> None:
    """Let the operator end the licence by mistake: nothing runs, the page says so, and a day later all goes on."""
    month.comes("12-21", "12:00")
    number = month.visit(CUSTOMERS[7])
    month.takes_licence(Licence(active=False))
    assert month.by_itself() == []
    month.person.opens(month.tenant)
    expect(month.person.page.get_by_role("button", name=month.person.reads("Export workorders"))).to_be_disabled()
    expect(month.person.live("export")).not_to_contain_text(month.person.reads("Automatic export is off."))
    month.picture("14-no-licence")
    month.comes("12-22", "12:00")
    month.takes_licence(Licence())
    month.by_itself()
    assert month.state(number) == LedgerState.DONE


def ordinary_days(month: Month) -> None:
    """Days on which nobody looks: everything runs by itself."""
    for day, customers in (("12-22", CUSTOMERS[:8]), ("12-23", CUSTOMERS[4:]), ("12-28", CUSTOMERS[2:10])):
        month.comes(day, "15:00")
        visits = [month.visit(customer, material("BUIS", "1,5"), hours="00:50") for customer in customers]
        month.comes(day, "16:00")
        month.by_itself()
        assert {month.state(number) for number in visits} == {LedgerState.DONE}


def the_change_of_the_year(month: Month, old: str) -> None:
    month.comes("01-04", "09:00")
    person = month.person
    person.opens(month.tenant, "settings/")
    person.link("Switch administration").click()
    month.picture("15-switch-administration")
    person.page.locator("#id_king-administration").fill(NEW_YEAR)
    person.page.locator("#id_king-access_code").fill(month.king.access_code)
    person.page.locator("#id_king-from_date").fill("2027-01-01")
    person.page.locator("#id_king-confirmation").fill(NEW_YEAR)
    person.button("Switch administration").click()
    expect(person.page.locator(".success").get_by_text(NEW_YEAR)).to_be_visible()

    month.imports()
    month.comes("01-04", "16:00")
    new = [month.visit(customer, CompletionDate="04-01-2027") for customer in CUSTOMERS[:3]]
    month.correct(old, Materials=[material("KNIE", "5")])
    month.exports()
    assert {month.state(number) for number in new} == {LedgerState.HELD}  # their first order in this administration
    person.opens(month.tenant, "work-orders/causes/")
    month.picture("16-causes-in-the-new-year")
    person.button("Release all").first.click()
    month.exports()
    assert {month.state(number) for number in new} == {LedgerState.DONE}
    assert month.codes(old)
    month.opens(old)
    month.picture("17-old-work-order-in-the-new-year")


# --- The end ----------------------------------------------------------------------------------------------------------


def work_orders(month: Month) -> set[str]:
    """Return the work orders that the ledger has; none that OutSmart has may be missing."""
    known = {str(each["id"]) for each in month.outsmart.store.all_work_orders()}
    with month.scope():
        listed = set(WorkOrder.across_administrations.values_list("outsmart_id", flat=True))
    assert known <= listed
    return listed


def unexplained(month: Month) -> list[WorkOrder]:
    with month.scope():
        return [row for row in WorkOrder.across_administrations.exclude(state=LedgerState.DONE) if not row.reasons]


def in_outsmart(month: Month) -> collections.Counter[str]:
    """Return what OutSmart has of every finished work order, and what staff made of it in King."""
    total = collections.Counter[str]()
    for number in finished(month):
        wanted = month.of_outsmart(number)
        wanted.update(month.by_staff.get(number, {}))
        assert month.of_king(number) == filled(wanted), number
        total.update(wanted)
    return total


def in_king(month: Month) -> collections.Counter[str]:
    total = collections.Counter[str]()
    for number in finished(month):
        total.update(month.of_king(number))
    return total


def finished(month: Month) -> list[str]:
    numbers = [str(each["id"]) for each in month.outsmart.store.all_work_orders()]
    return [number for number in numbers if month.state(number) == LedgerState.DONE]


def first_customer(month: Month, number: str) -> str:
    raw = scenario.work_order_in_outsmart(month.outsmart, number)
    return str(raw["CustomerDebtorNr"])
