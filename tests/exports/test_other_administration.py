"""After a switch to another King administration nothing of the former one goes to the new one by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kingsync.administrations import switch
from kingsync.administrations.open_work import open_work
from kingsync.exports.settings_impact import End, settings_impact
from kingsync.manual_actions import actions
from kingsync.manual_actions.guards import ChangedMeanwhileError
from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import KingStore
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect

pytestmark = pytest.mark.usefixtures("stocked")
NEW = "NIEUW"


@pytest.fixture
def new_year(king: KingSandbox) -> KingStore:
    """Provide the next administration of the same King."""
    store = king.add_administration(NEW)
    scenario.stock_administration(store)
    return store


@contextmanager
def switched(tenant: Tenant, name: str = NEW) -> Iterator[None]:
    """Switch to the administration of this name and open its scope."""
    connection = Connection.objects.get(system=System.KING)
    connection.administration = name
    switch.to_connection(connection, from_date=None, by=factories.member(tenant, Role.OWNER))
    with tenants.scope(tenant.pk):
        yield


def at_the_trigger_again(outsmart: OutSmartSandbox, outsmart_id: str, **fields: Any) -> None:
    outsmart.store.edit_work_order(outsmart_id, {"status": "Compleet", "WorkStatus": "1"} | fields)


def codes(row: WorkOrder) -> list[str]:
    return [why["code"] for why in row.reasons]


# --- The new year -----------------------------------------------------------------------------------------------------


def test_new_work_goes_to_the_new_administration_and_open_work_is_listed(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    refused = scenario.work_order(outsmart, CustomerDebtorNr="99", CustomerDebtorNrInvoice="99")
    scenario.export()

    found = open_work()
    with switched(tenant):
        new = scenario.work_order(outsmart)
        scenario.export()
        row = scenario.ledger(new)

    assert found.by_state == [(LedgerState.REJECTED, 1)]
    assert [each.outsmart_id for each in found.listed] == [refused]
    assert [order["ExternOrderNummer"] for order in new_year.all_orders()] == [f"OS-{new}"]
    assert len(scenario.orders(king)) == 1
    assert (row.state, row.administration.name) == (LedgerState.DONE, NEW)


def test_what_was_never_begun_goes_to_the_new_administration(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    waiting = scenario.work_order(outsmart, CustomerDebtorNr="12", CustomerDebtorNrInvoice="12")
    scenario.export()
    new_year.put_record("debtor", "12", {"Naam1": "Nieuwe klant"})

    with switched(tenant):
        scenario.export()

        assert scenario.ledger(waiting).state == LedgerState.DONE


def test_the_date_and_who_switched_are_saved(tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    owner = factories.member(tenant, Role.OWNER, name="Olga")
    connection = Connection.objects.get(system=System.KING)
    before, connection.administration = connection.administration, NEW

    switch.to_connection(connection, from_date=scenario.in_seconds(0).date(), by=owner)

    (record,) = switch.switches()
    assert (str(record.before), str(record.after), record.switched_by_name) == (before, NEW, "Olga")
    assert SyncSettings.objects.get().export_from_date == scenario.in_seconds(0).date()


# --- Refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
@pytest.mark.parametrize("kind", RunKind)
def test_no_switch_while_a_run_is_open(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore, kind: RunKind, status: RunStatus
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    factories.run(tenant, kind, status)

    with pytest.raises(switch.SwitchRefusedError), switched(tenant):
        pass

    tenant.refresh_from_db()
    assert tenant.administration_id == tenants.current_administration_id()
    assert switch.switches() == []


def test_no_switch_to_the_present_one(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    with pytest.raises(switch.SwitchRefusedError, match=r"switch\.same"), switched(tenant, king.administration.lower()):
        pass


def test_a_decision_made_before_the_switch_and_carried_out_after_it_changes_nothing(
    tenant: Tenant, new_year: KingStore
) -> None:
    row = factories.work_order(tenant, king_order_number="5", state=LedgerState.REJECTED)
    with switched(tenant):
        pass

    with pytest.raises(ChangedMeanwhileError):
        actions.exclude(work_orders=[row], by="Olga", reason="Dubbel")


def test_orders_of_a_company_that_left_the_administration_are_no_sign_of_a_restore(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    with switched(tenant), OutSmartSandbox(empty=True) as other_outsmart:
        other = factories.tenant(slug="visser")
        connect(other, king, other_outsmart)
        with tenants.scope(other):
            factories.settings(other)
            number = scenario.work_order(other_outsmart)

            scenario.export()

            assert RestoreWatch.objects.get().noticed_at is None
            assert [row.outsmart_id for row in WorkOrder.objects.all()] == [number]


# --- Work orders of the former administration -------------------------------------------------------------------------


def test_a_reopened_work_order_of_the_former_administration_is_held_until_it_is_released(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    old = scenario.work_order(outsmart)
    scenario.export()
    (before,) = scenario.orders(king)
    old_row = scenario.ledger(old)
    at_the_trigger_again(outsmart, old, Materials=[scenario.material(quantity="9")])

    with switched(tenant):
        seen = scenario.export(dry_run=True)
        runs = [scenario.export() for _ in range(2)]
        held = scenario.ledger(old)
        nothing_sent = new_year.all_orders()
        actions.release(work_orders=[held], by="Olga")
        scenario.export()
        released = scenario.ledger(old)

    assert seen.dry_run_examples["work_orders"][0]["reasons"][0]["code"] == "in_former_administration"
    assert (held.state, codes(held)) == (LedgerState.HELD, ["in_former_administration"])
    assert held.reasons[0]["params"]["administration"] == king.administration
    assert held.reasons[0]["params"]["number"] == old_row.king_order_number
    assert [run.new_problems_count for run in runs] == [1, 0]
    assert nothing_sent == []
    assert released.state == LedgerState.DONE
    assert [order["ExternOrderNummer"] for order in new_year.all_orders()] == [f"OS-{old}"]
    assert scenario.orders(king) == [before]
    old_row.refresh_from_db()
    assert (old_row.state, old_row.administration.name) == (LedgerState.DONE, king.administration)


def test_it_is_held_even_where_the_new_administration_would_refuse_it(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    empty = king.add_administration(NEW)
    old = scenario.work_order(outsmart)
    scenario.export()
    at_the_trigger_again(outsmart, old)

    with switched(tenant):
        scenario.export()

        assert scenario.ledger(old).state == LedgerState.HELD
    assert empty.all_orders() == []


def test_an_order_whose_creation_was_only_begun_is_held_too(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    old = scenario.work_order(outsmart)
    factories.work_order(tenant, outsmart_id=old, step="pending", state=LedgerState.UNCERTAIN)

    with switched(tenant):
        scenario.export()
        row = scenario.ledger(old)

    assert (row.state, row.reasons[0]["params"]["number"]) == (LedgerState.HELD, "–")
    assert new_year.all_orders() == []


def test_what_a_person_excluded_in_the_former_administration_is_held(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.work_order(outsmart)
    old = scenario.work_order(outsmart)
    scenario.export(work_orders=[])
    WorkOrder.objects.filter(outsmart_id=old).update(state=LedgerState.EXCLUDED, step="new", king_order_number=None)
    at_the_trigger_again(outsmart, old)

    with switched(tenant):
        scenario.export()

        assert codes(scenario.ledger(old)) == ["excluded_in_former_administration"]
    assert new_year.all_orders() == []


def test_a_number_of_the_former_administration_is_held_and_a_release_uses_the_open_order_of_that_number(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    first = scenario.work_order(outsmart)
    scenario.export()
    number = scenario.ledger(first).king_order_number or ""
    visit = scenario.work_order(outsmart, WorkorderNo=number)

    with switched(tenant):
        new = scenario.work_order(outsmart)
        scenario.export(work_orders=[visit])
        held = scenario.ledger(visit)
        calls_before = scenario.calls(king).count("Order_Toevoegen")
        actions.release(work_orders=[held], by="Olga")
        scenario.export(work_orders=[visit])
        released = scenario.ledger(visit)

    assert (held.state, codes(held)) == (LedgerState.HELD, ["in_former_administration"])
    assert (released.state, codes(released)) == (LedgerState.REJECTED, ["unknown_order"])
    assert scenario.calls(king).count("Order_Toevoegen") == calls_before
    assert new not in {each["ExternOrderNummer"] for each in new_year.all_orders()}


def test_a_number_that_the_new_administration_knows_by_a_link_of_ours_is_not_held(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    factories.work_order(tenant, outsmart_id="1", king_order_number="77", state=LedgerState.DONE)
    with switched(tenant):
        factories.work_order(tenant, outsmart_id="2", king_order_number="77", state=LedgerState.DONE, step="confirmed")
        visit = scenario.work_order(outsmart, WorkorderNo="77")
        scenario.export()

        assert "in_former_administration" not in codes(scenario.ledger(visit))


@pytest.mark.parametrize("state", ["linked", "deleted"])
def test_a_work_order_made_from_an_order_of_the_former_administration_is_held(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore, state: str
) -> None:
    made = scenario.work_order(outsmart, WorkorderNo="88")
    factories.record_link(tenant, kind=RecordKind.ORDER, king_id="88", outsmart_id=made, state=state)

    with switched(tenant):
        scenario.export()

        assert codes(scenario.ledger(made)) == ["in_former_administration"]


def test_a_release_for_another_reason_does_not_release_a_number_of_the_former_administration(
    tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    factories.work_order(tenant, outsmart_id="1", king_order_number="77", state=LedgerState.DONE)
    with switched(tenant):
        visit = scenario.work_order(outsmart, WorkorderNo="77")
        factories.work_order(tenant, outsmart_id=visit, is_released=True)
        scenario.export()

        assert codes(scenario.ledger(visit)) == ["in_former_administration"]


def test_an_order_copied_into_the_new_administration_is_not_written_to(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    """King's new year may begin with the open orders of the old one, our reference on them."""
    old = scenario.work_order(outsmart)
    scenario.export()
    new_year.load(king.store.dump())
    before = [scenario.lines(order) for order in new_year.all_orders()]
    at_the_trigger_again(outsmart, old, Materials=[scenario.material(quantity="9")])

    with switched(tenant):
        scenario.export()
        row = scenario.ledger(old)

    assert row.state == LedgerState.HELD
    assert [scenario.lines(order) for order in new_year.all_orders()] == before


def test_settings_impact_says_held(tenant: Tenant, outsmart: OutSmartSandbox, new_year: KingStore) -> None:
    old = scenario.work_order(outsmart)
    scenario.export()
    at_the_trigger_again(outsmart, old)
    with switched(tenant):
        scenario.export()

        choices = SyncSettings.objects.get().as_mapping().exports
        assert settings_impact(choices, choices).now == {End.HELD: 1}


# --- The wrong one, and back ------------------------------------------------------------------------------------------


def test_going_back_finds_everything_as_it_was(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.load()
    old = scenario.work_order(outsmart)
    scenario.export()
    before = scenario.ledger(old)
    links = set(RecordLink.objects.values_list("kind", "king_id", "sent"))
    at_the_trigger_again(outsmart, old, Materials=[scenario.material(quantity="2")])

    with switched(tenant):
        scenario.export()
        with switched(tenant, king.administration):
            after = scenario.ledger(old)
            same_links = set(RecordLink.objects.values_list("kind", "king_id", "sent"))
            scenario.export()
            done = scenario.ledger(old)

    assert (after.pk, after.king_order_number, after.state) == (before.pk, before.king_order_number, LedgerState.DONE)
    assert same_links == links
    assert done.king_order_number == before.king_order_number
    assert ("ART", "BUIS", "2") in scenario.lines(scenario.orders(king)[0])
    assert new_year.all_orders() == []


# --- Imports ----------------------------------------------------------------------------------------------------------


def fill(store: KingStore, text: str, *, count: int = 40) -> None:
    for number in range(count):
        store.put_record("article", f"A{number}", {"OmschrijvingKort": f"{text} {number}"})


def test_the_first_import_of_another_administration_asks_before_it_changes_much(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    fill(king.store, "Oud")
    scenario.load("products")
    fill(new_year, "Nieuw")
    before = outsmart.store.rows("materials")

    with switched(tenant):
        scenario.load("products")
        trip = ChangeLimitTrip.objects.get()
        after = outsmart.store.rows("materials")
        linked = RecordLink.objects.filter(state="linked").count()

        assert (trip.changed_count, trip.deactivated_count, linked) == (40, 0, 0)
        assert trip.records[0]["changes"]
    assert before == after


def test_the_first_import_posts_what_is_new_and_links_what_is_the_same(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    fill(king.store, "Zelfde")
    scenario.load("products")
    fill(new_year, "Zelfde")
    new_year.put_record("article", "EXTRA", {"OmschrijvingKort": "Extra"})

    with switched(tenant):
        run = scenario.load("products")

        assert scenario.counts(run) == {"read": 43, "created": 1, "unchanged": 42}
        assert RecordLink.objects.filter(state="linked").count() == 43
        assert scenario.counts(scenario.load("products", full=True)) == {"read": 43, "unchanged": 43}


def test_a_limit_that_was_allowed_in_one_administration_allows_nothing_in_another(
    tenant: Tenant, king: KingSandbox, new_year: KingStore
) -> None:
    fill(king.store, "Oud")
    run = scenario.load("products")
    ChangeLimitTrip(
        kind="products", state="allowed", run=run, known_count=9, changed_count=99, deactivated_count=0
    ).save()
    fill(new_year, "Nieuw")

    with switched(tenant):
        scenario.load("products")

        assert ChangeLimitTrip.objects.get().state == ChangeLimitTrip.State.WAITING


def test_after_going_back_the_first_administration_sends_its_own_content_again(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    fill(king.store, "Oud", count=5)
    scenario.load("products")
    fill(new_year, "Nieuw", count=5)

    with switched(tenant):
        scenario.load("products")
        with switched(tenant, king.administration):
            run = scenario.load("products")

    assert scenario.counts(run)["updated"] == 5


def test_missing_records_of_the_former_administration_are_left_alone(
    tenant: Tenant, king: KingSandbox, new_year: KingStore
) -> None:
    scenario.choose(missing="deactivate")
    fill(king.store, "Oud", count=5)
    scenario.load("products")

    with switched(tenant):
        runs = [scenario.load("products", full=True) for _ in range(2)]

    assert [run.deactivated_count for run in runs] == [0, 0]


def test_an_imported_order_is_not_linked_to_a_work_order_of_the_former_administration(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, new_year: KingStore
) -> None:
    scenario.choose(orders_enabled=True)
    old = scenario.work_order(outsmart, WorkorderNo="500")
    factories.work_order(tenant, outsmart_id=old, king_order_number="500", step="confirmed", state=LedgerState.DONE)
    assert list(SyncRun.objects.all()) == []

    with switched(tenant):
        number = _order_in(new_year)
        outsmart.store.edit_work_order(old, {"WorkorderNo": number})
        run = scenario.load("orders")
        link = RecordLink.objects.get(kind=RecordKind.ORDER)

    assert run.rejected_count == 1
    assert (link.state, link.reason["code"]) == ("rejected", "work_order_of_former_administration")


def _order_in(store: KingStore) -> str:
    added = store.orders.add({"DebiteurNummer": "10", "OrderDatum": "2025-11-10"}, "AUKE")
    added.locked_by = None  # type: ignore[assignment]
    return str(added.number)


def test_files_that_wait_are_not_imported_into_another_administration(tenant: Tenant, new_year: KingStore) -> None:
    factories.record_link(tenant, state="linked")
    KingFile(name="artikelen.xml", path="x/artikelen.xml", size=1, digest="d").save()

    with switched(tenant):
        assert KingFile.objects.get().state == KingFile.State.FAILED
        assert KingFile.objects.get().reason["code"] == "file_of_former_administration"
