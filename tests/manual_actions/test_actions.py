"""Manual actions on work orders: each action with its refusals, and what the next export does with it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from integrations import errors
from kingsync.manual_actions import actions, guards, order_actions
from kingsync.messages.reason_texts import sentence, sentences, stored
from kingsync.models import tenants
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, ManualAction, Step, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, processes, scenario
from tests.management.test_commands import command

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled", "stocked")

JAN = "Jan Jansen"
# More than are decided in one statement each.
MANY = 40
LONG_AGO = {"WorkDate": "01-02-2024", "WorkEndDate": "01-02-2024"}


def choose(**columns: object) -> None:
    row = SyncSettings.objects.get()
    for name, value in columns.items():
        row._meta.get_field(name)
        setattr(row, name, value)
    row.store(by=None)


def start_on(day: str) -> None:
    choose(export_from_date=datetime.date.fromisoformat(day))


def old_work(outsmart: OutSmartSandbox, **fields: object) -> str:
    hour = scenario.period(WorkDate="01-02-2024")
    return scenario.work_order(outsmart, **(LONG_AGO | {"Workperiods": [hour]} | fields))


def put_in_king(king: KingSandbox, number: str, **fields: object) -> None:
    king.store.put_record("order", number, {"DebiteurNummer": 11} | fields)


def remove_from_king(king: KingSandbox, number: str | None) -> None:
    assert number
    king.store.remove_record("order", number)


@contextmanager
def worker_at_work(tenant: Tenant) -> Iterator[None]:
    """Hold the lock of a living worker on this tenant's exports, on a separate connection."""
    with psycopg.connect(processes.database_url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x6B02, tenant.pk])
        yield


def lose_the_answer(king: KingSandbox, kind: str = "reset_after") -> None:
    """Make the creation of the next order end with an unknown outcome, and King refuse lookups of it."""
    king.faults.add(Fault(kind=kind, operation="Order_Toevoegen"))  # type: ignore[arg-type]
    off = Fault(kind="refuse", operation="Orders_Opvragen", code="X", message="Uit", times="forever", skip=1)
    king.faults.add(off)


@pytest.fixture
def uncertain(king: KingSandbox, outsmart: OutSmartSandbox) -> WorkOrder:
    """Set up a work order whose King order was created, which we could not find out."""
    scenario.export()  # fills the mirror
    number = scenario.work_order(outsmart)
    lose_the_answer(king)
    scenario.export()
    king.faults.clear()
    row = scenario.ledger(number)
    assert (row.state, row.king_order_number) == (LedgerState.UNCERTAIN, None)
    return row


# --- What is stored ---------------------------------------------------------------------------------------------------


def test_a_decision_is_kept_with_who_when_why_and_the_state_before(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.REJECTED)
    person: User = factories.user("Jan Jansen")

    actions.exclude(work_orders=[row], by=person, reason=" al gefactureerd ")

    kept = ManualAction.objects.get(work_order=row)
    assert (kept.kind, kept.reason, kept.state_before) == ("exclude", "al gefactureerd", "rejected")
    assert (kept.decided_by, kept.decided_by_name) == (person, "Jan Jansen")
    assert scenario.in_seconds(-60) < kept.decided_at < scenario.in_seconds(60)


def test_the_name_stays_when_the_person_leaves(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD)
    person = factories.user(name="piet")
    actions.retry(work_orders=[row], by=person)

    person.delete()

    kept = ManualAction.objects.get(work_order=row)
    assert (kept.decided_by, kept.decided_by_name) == (None, "piet")


def test_nobody_decides_without_a_name(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD)

    with pytest.raises(guards.NotNamedError):
        actions.retry(work_orders=[row], by="  ")

    assert not ManualAction.objects.exists()


@pytest.mark.parametrize("decision", ["retry", "release", "exclude", "restore", "link", "reset"])
def test_nobody_decides_while_a_worker_is_on_the_exports(tenant: Tenant, king: KingSandbox, decision: str) -> None:
    put_in_king(king, "500")
    state = LedgerState.EXCLUDED if decision == "restore" else LedgerState.HELD
    row = factories.work_order(tenant, state=state, reasons=[{"code": "before_from_date", "params": {}}])
    decisions: dict[str, Callable[[], object]] = {
        "retry": lambda: actions.retry(work_orders=[row], by=JAN),
        "release": lambda: actions.release(work_orders=[row], by=JAN),
        "exclude": lambda: actions.exclude(work_orders=[row], by=JAN, reason="oud"),
        "restore": lambda: actions.restore(work_orders=[row], by=JAN),
        "link": lambda: order_actions.link_to_order(work_order=row, king_order_number="500", by=JAN),
        "reset": lambda: order_actions.reset_link(work_order=row, by=JAN),
    }
    decide = decisions[decision]

    with worker_at_work(tenant), pytest.raises(guards.ExportGoingOnError):
        decide()

    assert (scenario.ledger(row.outsmart_id).state, ManualAction.objects.count()) == (state, 0)
    decide()  # and afterwards it goes
    assert ManualAction.objects.count() == 1


def test_a_work_order_of_another_tenant_is_not_known_here(tenant: Tenant) -> None:
    other = factories.tenant()
    row = factories.work_order(other, state=LedgerState.HELD)

    decided = actions.exclude(work_orders=[row], by=JAN, reason="oud")

    assert [each.why.code for each in decided.refused] == ["decision.unknown_work_order"]
    with tenants.scope(other):
        assert WorkOrder.objects.get(pk=row.pk).state == LedgerState.HELD


# --- Retry ------------------------------------------------------------------------------------------------------------


def test_a_retried_rejection_waits_and_is_exported_by_the_next_run(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="500")
    scenario.export()
    put_in_king(king, "500")

    decided = actions.retry(work_orders=[scenario.ledger(number)], by=JAN)

    row = scenario.ledger(number)
    assert ([each.pk for each in decided.done], row.state) == ([row.pk], LedgerState.WAITING)
    assert [why["code"] for why in row.reasons] == ["unknown_order"]  # until there is a new outcome
    scenario.export()
    row = scenario.ledger(number)
    assert (row.state, row.reasons) == (LedgerState.DONE, [])


def test_retry_leaves_the_state_of_what_is_in_king(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.INCOMPLETE, step=Step.LINES, king_order_number="9")

    actions.retry(work_orders=[row], by=JAN)

    row.refresh_from_db()
    assert row.state == LedgerState.INCOMPLETE


def test_of_many_those_that_cannot_are_told_and_the_others_done(tenant: Tenant) -> None:
    good = [factories.work_order(tenant, state=state) for state in ("rejected", "held", "incomplete", "uncertain")]
    bad = [factories.work_order(tenant, state=state) for state in ("done", "excluded", "interim", "sending")]

    decided = actions.retry(work_orders=good + bad, by=JAN)

    assert {row.pk for row in decided.done} == {row.pk for row in good}
    assert {each.key for each in decided.refused} == {row.pk for row in bad}
    assert {each.why.code for each in decided.refused} == {"decision.wrong_state"}
    assert ManualAction.objects.count() == 4


# --- Release and the starting date ------------------------------------------------------------------------------------


def test_work_finished_before_the_starting_date_is_held_and_listed(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    start_on("2025-01-01")
    old, new = old_work(outsmart), scenario.work_order(outsmart)

    scenario.export()

    assert (scenario.ledger(old).state, scenario.ledger(old).reasons[0]["code"]) == (
        LedgerState.HELD,
        "before_from_date",
    )
    assert scenario.ledger(new).state == LedgerState.DONE
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{new}"]
    listed = {entry["outsmart_id"]: entry["state"] for entry in json.loads(command("ledger", "jansen", "--json")[1])}
    assert listed == {old: "held", new: "done"}


def test_a_released_old_work_order_is_exported_by_the_next_run(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    start_on("2025-01-01")
    number, other = old_work(outsmart), old_work(outsmart)
    scenario.export()

    actions.release(work_orders=[scenario.ledger(number)], by=JAN)
    scenario.export()

    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{number}"]
    assert (scenario.ledger(number).state, scenario.ledger(other).state) == (LedgerState.DONE, LedgerState.HELD)


def test_a_released_old_work_order_is_exported_when_it_is_read_again_by_its_id(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(failure_status="99")
    start_on("2025-01-01")
    number = old_work(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"WorkStatus": "99"})  # on no list of ours any more
    held = scenario.ledger(number).state
    actions.release(work_orders=[scenario.ledger(number)], by=JAN)

    scenario.export()

    assert (held, scenario.ledger(number).state) == (LedgerState.HELD, LedgerState.DONE)
    assert len(scenario.orders(king)) == 1


def test_an_empty_work_order_is_sent_when_released(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[], Workperiods=[])
    scenario.export()
    held = scenario.ledger(number).state
    actions.release(work_orders=[scenario.ledger(number)], by=JAN)

    scenario.export()

    assert (held, scenario.ledger(number).state) == (LedgerState.HELD, LedgerState.DONE)
    assert [line[0] for line in scenario.lines(scenario.orders(king)[0])] == ["TEKST", "TEKST"]


def test_a_release_lifts_nothing_else(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    start_on("2025-01-01")
    choose(incomplete_orders="hold")
    number = old_work(outsmart, Materials=[scenario.material("ONBEKEND"), scenario.material("BUIS")])
    scenario.export()
    actions.release(work_orders=[scenario.ledger(number)], by=JAN)

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.HELD, ["waits_for_lines", "line_refused"])
    assert scenario.orders(king) == []
    decided = actions.release(work_orders=[row], by=JAN)
    assert [each.why.code for each in decided.refused] == ["decision.nothing_to_release"]


# --- Link to order ----------------------------------------------------------------------------------------------------


def test_an_uncertain_order_that_is_attached_is_completed_by_the_next_export(
    king: KingSandbox, uncertain: WorkOrder
) -> None:
    (order,) = scenario.orders(king)

    order_actions.link_to_order(work_order=uncertain, king_order_number=f" {order['OrderNummer']} ", by=JAN)

    row = scenario.ledger(uncertain.outsmart_id)
    assert (row.king_order_number, row.step, row.is_created_by_us) == (str(order["OrderNummer"]), Step.CREATED, True)
    assert row.outcome_unknown_until is None
    scenario.export()
    (order,) = scenario.orders(king, ours=False)
    assert len(scenario.lines(order)) == 4
    assert scenario.ledger(uncertain.outsmart_id).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_a_rejected_work_order_goes_on_with_the_order_it_is_attached_to(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart, WorkorderNo="404")
    scenario.export()
    put_in_king(king, "500")

    made = order_actions.link_to_order(work_order=scenario.ledger(number), king_order_number="500", by=JAN)
    scenario.export()

    assert (made.kind, made.king_order_number, made.state_before) == ("link", "500", "rejected")
    (order,) = scenario.orders(king, ours=False)
    assert (len(scenario.lines(order)), order["Goedgekeurd"]) == (4, 0)  # not ours, so not ours to approve
    assert (scenario.ledger(number).state, scenario.ledger(number).is_created_by_us) == (LedgerState.DONE, False)
    assert scenario.is_clean(king)


def test_what_king_says_of_an_order_is_seen_before_attaching(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    put_in_king(king, "500", Referentie="Kade 1")
    number = scenario.work_order(outsmart)
    scenario.export()

    row = scenario.ledger(number)
    free, taken = (
        order_actions.find_king_order(each, work_order=row) for each in ("0500", row.king_order_number or "")
    )

    assert free
    assert taken
    assert (free.order.number, free.order.reference, free.shared_with) == ("500", "Kade 1", [])
    assert (taken.shared_with, len(taken.order.lines)) == ([], 4)  # its own
    assert (free.customer_name, free.other_customer) == ("Klant 11", None)
    assert order_actions.find_king_order("404", work_order=row) is None
    assert order_actions.find_king_order("geen nummer", work_order=row) is None


def test_an_order_that_king_does_not_have_open_is_not_attached(king: KingSandbox, tenant: Tenant) -> None:
    put_in_king(king, "500")
    king.store.edit_order(500, Edit(invoice=True))
    row = factories.work_order(tenant, state=LedgerState.HELD)

    for number in ("404", "500", "", "x"):
        with pytest.raises(guards.NoSuchOrderError):
            order_actions.link_to_order(work_order=row, king_order_number=number, by=JAN)

    assert scenario.ledger(row.outsmart_id).king_order_number is None
    assert not ManualAction.objects.exists()


def test_the_other_work_orders_on_an_order_are_named_before_linking_to_it(
    king: KingSandbox, outsmart: OutSmartSandbox, uncertain: WorkOrder
) -> None:
    lost = scenario.orders(king)[0]["OrderNummer"]  # has the reference of the one with an unknown outcome
    done = scenario.work_order(outsmart)
    scenario.export(work_orders=[done])
    row = factories.work_order(Tenant.objects.get(), state=LedgerState.HELD)

    for number, other in ((lost, uncertain), (scenario.ledger(done).king_order_number, scenario.ledger(done))):
        found = order_actions.find_king_order(str(number), work_order=row)
        assert found
        assert found.shared_with == [other]


def test_a_wrong_order_is_not_attached_while_king_holds_our_own(king: KingSandbox, uncertain: WorkOrder) -> None:
    ours = str(scenario.orders(king)[0]["OrderNummer"])
    put_in_king(king, "500")

    with pytest.raises(guards.StillInKingError) as refused:
        order_actions.link_to_order(work_order=uncertain, king_order_number="500", by=JAN)

    assert refused.value.why.params["number"] == ours


def test_a_work_order_is_not_linked_to_its_own_order_again(king: KingSandbox, tenant: Tenant) -> None:
    put_in_king(king, "500")
    row = factories.work_order(tenant, state=LedgerState.HELD, king_order_number="500", step=Step.CREATED)

    with pytest.raises(guards.AlreadyLinkedError):
        order_actions.link_to_order(work_order=row, king_order_number="0500", by=JAN)


@pytest.mark.parametrize("decision", ["link", "reset"])
def test_nothing_is_decided_while_a_lost_call_may_still_be_carried_out(
    king: KingSandbox, tenant: Tenant, decision: str
) -> None:
    put_in_king(king, "500")
    row = factories.work_order(
        tenant, state=LedgerState.UNCERTAIN, step=Step.PENDING, outcome_unknown_until=scenario.in_seconds(60)
    )

    decide: dict[str, Callable[[], object]] = {
        "link": lambda: order_actions.link_to_order(work_order=row, king_order_number="500", by=JAN),
        "reset": lambda: order_actions.reset_link(work_order=row, by=JAN),
    }

    with pytest.raises(guards.StillAtWorkError):
        decide[decision]()


@pytest.mark.parametrize("state", ["waiting", "sending", "done", "interim", "unconfirmed", "changed", "excluded"])
def test_only_what_needs_a_king_order_is_attached(tenant: Tenant, king: KingSandbox, state: str) -> None:
    put_in_king(king, "500")
    row = factories.work_order(tenant, state=state)

    with pytest.raises(guards.WrongStateError):
        order_actions.link_to_order(work_order=row, king_order_number="500", by=JAN)


def test_a_king_that_cannot_be_asked_leaves_everything_as_it_was(king: KingSandbox, uncertain: WorkOrder) -> None:
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", code="X", message="Uit", times="forever"))

    with pytest.raises(errors.RejectedError):
        order_actions.reset_link(work_order=uncertain, by=JAN)
    with pytest.raises(errors.RejectedError):
        order_actions.link_to_order(work_order=uncertain, king_order_number="1", by=JAN)

    assert scenario.ledger(uncertain.outsmart_id).state == LedgerState.UNCERTAIN
    assert not ManualAction.objects.exists()


def test_what_changed_while_king_was_asked_is_not_decided(
    monkeypatch: pytest.MonkeyPatch, king: KingSandbox, uncertain: WorkOrder
) -> None:
    number = str(scenario.orders(king)[0]["OrderNummer"])
    asked = order_actions._orders_of

    def meanwhile(*arguments: object) -> list[str]:
        WorkOrder.objects.update(attempts=99)
        return asked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(order_actions, "_orders_of", meanwhile)

    with pytest.raises(guards.ChangedMeanwhileError):
        order_actions.link_to_order(work_order=uncertain, king_order_number=number, by=JAN)


# --- Reset link -------------------------------------------------------------------------------------------------------


def test_starting_anew_is_refused_while_king_holds_our_order(king: KingSandbox, uncertain: WorkOrder) -> None:
    (order,) = scenario.orders(king)

    for even_so in (False, True):
        with pytest.raises(guards.StillInKingError) as refused:
            order_actions.reset_link(work_order=uncertain, by=JAN, even_so=even_so)
        assert str(order["OrderNummer"]) in sentence(stored(refused.value.why))

    assert scenario.ledger(uncertain.outsmart_id).state == LedgerState.UNCERTAIN


def test_after_its_order_was_removed_from_king_a_work_order_is_sent_anew(
    king: KingSandbox, uncertain: WorkOrder
) -> None:
    remove_from_king(king, str(scenario.orders(king)[0]["OrderNummer"]))

    order_actions.reset_link(work_order=uncertain, by=JAN, reason="verkeerde klant")
    row = scenario.ledger(uncertain.outsmart_id)
    scenario.export()

    assert (row.state, row.step, row.outcome_unknown_until) == (LedgerState.WAITING, Step.NEW, None)
    (order,) = scenario.orders(king)
    assert (order["ExternOrderNummer"], len(scenario.lines(order))) == (f"OS-{row.outsmart_id}", 4)
    assert scenario.ledger(row.outsmart_id).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_a_lost_answer_after_starting_anew_finds_the_new_order(king: KingSandbox, uncertain: WorkOrder) -> None:
    removed = str(scenario.orders(king)[0]["OrderNummer"])
    remove_from_king(king, removed)
    order_actions.reset_link(work_order=uncertain, by=JAN)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))

    scenario.export()

    (order,) = scenario.orders(king)
    row = scenario.ledger(uncertain.outsmart_id)
    assert (row.state, row.king_order_number) == (LedgerState.DONE, str(order["OrderNummer"]))
    assert scenario.is_clean(king)


@pytest.fixture
def incomplete(king: KingSandbox, outsmart: OutSmartSandbox) -> WorkOrder:
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS"), scenario.material("ONBEKEND")])
    scenario.export()
    return scenario.ledger(number)


def test_an_order_that_may_be_invoiced_is_sent_anew_only_when_the_person_says_it_was_removed(
    king: KingSandbox, incomplete: WorkOrder
) -> None:
    number = incomplete.king_order_number
    remove_from_king(king, number)

    with pytest.raises(guards.OrderNotOpenError):
        order_actions.reset_link(work_order=incomplete, by=JAN)
    made = order_actions.reset_link(work_order=incomplete, by=JAN, even_so=True)
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nu wel", "AantalDecimalen": 0})
    scenario.export()

    assert made.king_order_number == number
    (order,) = scenario.orders(king)
    assert len(scenario.lines(order)) == 5
    assert scenario.ledger(incomplete.outsmart_id).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_our_order_under_another_reference_still_stands_in_the_way(king: KingSandbox, incomplete: WorkOrder) -> None:
    number = int(incomplete.king_order_number or 0)
    king.store.edit_order(number, Edit(header={"ExternOrderNummer": "ANDERS"}))

    with pytest.raises(guards.StillInKingError):
        order_actions.reset_link(work_order=incomplete, by=JAN, even_so=True)


def test_lines_of_ours_in_a_linked_order_stand_in_the_way(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    put_in_king(king, "500")
    number = scenario.work_order(
        outsmart, WorkorderNo="500", Materials=[scenario.material(), scenario.material("ONBEKEND")]
    )
    scenario.export()

    with pytest.raises(guards.StillInKingError) as refused:
        order_actions.reset_link(work_order=scenario.ledger(number), by=JAN)
    assert refused.value.why.code == "decision.lines_in_king"

    (order,) = scenario.orders(king, ours=False)
    king.store.edit_order(500, Edit(remove=[line["RegelID"] for line in order["OrderRegels"]]))
    order_actions.reset_link(work_order=scenario.ledger(number), by=JAN)
    scenario.export()
    assert len(scenario.lines(scenario.orders(king, ours=False)[0])) == 4
    assert scenario.is_clean(king)


def test_lines_that_came_from_the_king_order_do_not_stand_in_the_way(king: KingSandbox, tenant: Tenant) -> None:
    put_in_king(king, "500")
    king.store.edit_order(500, Edit(add=[{"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 4}]))
    (line,) = scenario.orders(king, ours=False)[0]["OrderRegels"]
    row = factories.work_order(tenant, state=LedgerState.HELD, step=Step.CREATED, king_order_number="500")
    factories.order_line(row, state="sent", king_line_id=str(line["RegelID"]), is_imported=True)

    order_actions.reset_link(work_order=row, by=JAN)

    assert (scenario.ledger(row.outsmart_id).king_order_number, scenario.ledger_lines(row)) == (None, [])


# --- Exclude and restore ----------------------------------------------------------------------------------------------


def test_an_excluded_work_order_is_listed_with_who_and_why_and_never_exported(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(create_new_order=False)
    number = scenario.work_order(outsmart)
    scenario.export()
    actions.exclude(work_orders=[scenario.ledger(number)], by=JAN, reason="met de hand gefactureerd")
    choose(create_new_order=True)

    listed, named = scenario.export(), scenario.export(work_orders=[number])
    (shown,) = json.loads(command("sync", "jansen", "export", "--dry-run", "--json")[1])["plan"]

    assert scenario.counts(listed) == scenario.counts(named) == {"read": 1, "skipped": 1}
    assert scenario.orders(king) == []
    row = scenario.ledger(number)
    assert (row.state, "Jan Jansen" in sentences(row.reasons)) == (LedgerState.EXCLUDED, True)
    assert "met de hand gefactureerd" in sentences(row.reasons)
    (entry,) = json.loads(command("ledger", "jansen", "--json")[1])
    assert (entry["state"], "met de hand" in entry["reason"]) == ("excluded", True)
    assert (shown["action"], "met de hand" in shown["reasons"][0]) == ("skipped", True)


def test_an_included_work_order_is_exported_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="500")
    scenario.export()
    actions.exclude(work_orders=[scenario.ledger(number)], by=JAN, reason="wacht")
    put_in_king(king, "500")

    actions.restore(work_orders=[scenario.ledger(number)], by="Piet")
    waiting = scenario.ledger(number)
    scenario.export()

    assert (waiting.state, waiting.reasons) == (LedgerState.WAITING, [])
    assert scenario.ledger(number).state == LedgerState.DONE
    kept = ManualAction.objects.order_by("id").values_list("kind", "decided_by_name", "state_before")
    assert list(kept) == [("exclude", "Jan Jansen", "rejected"), ("restore", "Piet", "excluded")]


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ("held", Step.NEW, "waiting"),
        ("uncertain", Step.PENDING, "sending"),
        ("incomplete", Step.LINES, "sending"),
        ("interim", Step.LINKED, "interim"),
        ("unconfirmed", Step.LINKED, "unconfirmed"),
        ("changed", Step.CONFIRMED, "done"),
        ("held", Step.CONFIRMED, "sending"),
    ],
)
def test_an_included_work_order_goes_back_to_where_it_was_in_king(
    tenant: Tenant, before: str, step: Step, after: str
) -> None:
    row = factories.work_order(tenant, state=before, step=step)
    actions.exclude(work_orders=[row], by=JAN, reason="vergissing")

    actions.restore(work_orders=[row], by=JAN)

    row.refresh_from_db()
    assert (row.state, row.step) == (after, step)


def test_an_exclusion_needs_a_reason(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD)

    for reason in ("", "  ", "x" * 501):
        with pytest.raises(guards.ReasonNeededError):
            actions.exclude(work_orders=[row], by=JAN, reason=reason)


def test_what_is_done_or_excluded_already_is_not_excluded(tenant: Tenant) -> None:
    rows = [factories.work_order(tenant, state=state) for state in ("done", "excluded")]

    decided = actions.exclude(work_orders=rows, by=JAN, reason="oud")

    assert (decided.done, len(decided.refused)) == ([], 2)


def test_an_exclusion_withdraws_a_release(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD, is_released=True)

    actions.exclude(work_orders=[row], by=JAN, reason="toch niet")

    row.refresh_from_db()
    assert not row.is_released


def test_many_are_excluded_at_once(
    tenant: Tenant, django_assert_max_num_queries: object, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    start_on("2025-01-01")
    for _ in range(MANY):
        old_work(outsmart)
    scenario.export()
    held = WorkOrder.objects.filter(state=LedgerState.HELD)

    with django_assert_max_num_queries(20):  # type: ignore[operator]
        decided = actions.exclude(work_orders=held, by=JAN, reason="voor de overgang")
    again = scenario.export()

    assert (len(decided.done), decided.refused, ManualAction.objects.count()) == (MANY, [], MANY)
    assert scenario.counts(again) == {"read": MANY, "skipped": MANY}
    assert scenario.orders(king) == []


# --- The command ------------------------------------------------------------------------------------------------------


def told(*arguments: str) -> tuple[int, object]:
    code, out = command("ledger", "jansen", *arguments, "--json")
    return code, json.loads(out)


def test_the_command_decides_and_shows_the_decisions(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="404")
    scenario.export()
    put_in_king(king, "500")

    excluded = told("--exclude", number, "--reason", "oud", "--by", JAN)
    included = told("--restore", number)
    scenario.export()
    attached = told("--link", number, "500", "--by", JAN)
    _, decisions = told("--decisions", number)

    assert excluded == included == attached == (0, {"done": [number], "refused": [], "error": None})
    assert isinstance(decisions, list)
    assert [(each["decision"], each["king_order_number"]) for each in decisions] == [
        ("link", "500"),
        ("restore", None),
        ("exclude", None),
    ]
    assert (decisions[2]["by"], decisions[2]["reason"], decisions[2]["state_before"]) == (JAN, "oud", "rejected")
    assert decisions[1]["by"]  # who is logged in
    assert list(ManualAction.objects.values_list("decided_by", flat=True)) == [None] * 3


def test_the_exit_codes_tell_all_some_and_none(tenant: Tenant) -> None:
    held, done = (factories.work_order(tenant, state=state).outsmart_id for state in ("held", "done"))

    some = told("--retry", held, done, "404")
    none = told("--retry", done)
    whole = told("--exclude", held)

    assert (some[0], none[0], whole[0]) == (1, 2, 2)
    assert isinstance(some[1], dict)
    assert isinstance(whole[1], dict)
    assert some[1]["done"] == [held]
    assert [each["outsmart_id"] for each in some[1]["refused"]] == [done, "404"]
    assert "500" in whole[1]["error"]  # characters at most


def test_the_command_refuses_what_it_cannot_do_in_one_sentence(tenant: Tenant, king: KingSandbox) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD)
    king.faults.add(Fault(kind="unauthorized", operation="Orders_Opvragen"))

    refused = [
        told("--link", row.outsmart_id, "404"),  # wrong credentials
        told("--link", row.outsmart_id, "404"),  # no such order
        told("--reset", "404"),
        told("--retry-cause", "unknown_article:NIETS"),
        told("--retry", row.outsmart_id, "--by", ""),
        told("--decisions", "404"),
    ]

    for code, answer in refused:
        assert isinstance(answer, dict)
        assert (code, answer["done"], bool(answer["error"])) == (2, [], True)


def test_the_command_starts_anew_and_releases(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    start_on("2025-01-01")
    old = old_work(outsmart)
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS"), scenario.material("ONBEKEND")])
    scenario.export()
    remove_from_king(king, scenario.ledger(number).king_order_number)

    refused = told("--reset", number)
    anew, released = told("--reset", number, "--even-so", "--reason", "weg"), told("--release", old)
    scenario.export()

    assert (refused[0], anew[0], released[0]) == (2, 0, 0)
    assert len(scenario.orders(king)) == 2
    assert scenario.ledger(old).state == LedgerState.DONE


def test_the_command_without_json_tells_each_in_a_line(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD, order_number="WB1")

    code, out = command("ledger", "jansen", "--retry", row.outsmart_id, "--by", JAN)
    _, history = command("ledger", "jansen", "--decisions", row.outsmart_id)

    assert (code, out.split()) == (0, ["WB1", "waiting"])
    assert JAN in history
