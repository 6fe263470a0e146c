"""A database restored from an older backup sends nothing twice, whatever was restored and whatever King shows."""

from __future__ import annotations

import copy
import datetime
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from devservers.places import CHECKOUT
from kingsync.manual_actions import actions
from kingsync.models import tenants
from kingsync.models.audit import doors
from kingsync.models.restores import Installation, RestoreWatch
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import backups, factories, patience, processes, programs, scenario
from tests.conftest import connect
from tests.e2e import kept_rows
from tests.e2e.kept_rows import KeptRows
from tests.lost_answers import LostAnswers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lost_answers_soon_settled")]


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    Installation.objects.get_or_create()  # the migrations create it; an earlier test emptied the tables
    scenario.stock(king)
    factories.settings(tenant)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Return a backup from before the first order."""
    return backups.dump(tmp_path / "kingsync.dump")


@pytest.fixture
def before() -> KeptRows:
    """Return the rows from before the first order."""
    return kept_rows.keep()


def some_work_orders(outsmart: OutSmartSandbox) -> list[str]:
    """Put six work orders at the trigger; two of them name an article that King does not have."""
    good = [scenario.work_order(outsmart) for _ in range(4)]
    return good + [
        scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("WEG")]) for _ in range(2)
    ]


def made(king: KingSandbox) -> Counter[str]:
    """Return how often King was asked for an order with each reference."""
    asked = [call.json() for call in king.calls.all("Order_Toevoegen")]
    return Counter(str(body["ExternOrderNummer"]) for body in asked if isinstance(body, dict))


def once(numbers: list[str]) -> Counter[str]:
    return Counter(f"OS-{number}" for number in numbers)


def close(king: KingSandbox, number: str) -> None:
    """Invoice an order in King."""
    king.store.edit_order(int(number), Edit(close=True, invoice=True))


def put_back(outsmart: OutSmartSandbox, before: list[dict[str, Any]]) -> None:
    """Restore OutSmart's state from before the export."""
    outsmart.store.load_work_orders(copy.deepcopy(before))


def states(numbers: list[str]) -> list[str]:
    return [str(scenario.ledger(number).state) for number in numbers]


def noticed() -> list[LogEntry]:
    return list(LogEntry.objects.filter(event="restore.noticed"))


def test_with_both_systems_untouched_nothing_is_sent_twice(
    backup: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = some_work_orders(outsmart)
    scenario.export()
    in_king = scenario.orders(king)
    before = states(numbers)
    backups.restore(backup)

    run = scenario.export()

    assert made(king) == once(numbers)
    assert scenario.orders(king) == in_king
    assert scenario.is_clean(king)
    assert states(numbers) == before
    assert run.counts()["created"] == 0


def test_with_outsmart_back_at_the_earlier_state_nothing_is_sent_twice(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = some_work_orders(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    in_king = scenario.orders(king)
    before.put_back()
    put_back(outsmart, at_the_trigger)

    scenario.export()
    scenario.export()

    assert made(king) == once(numbers)
    assert scenario.orders(king) == in_king
    assert scenario.is_clean(king)
    assert states(numbers) == ["done"] * 4 + ["incomplete"] * 2


def test_people_are_told_once(
    before: KeptRows, tenant: Tenant, outsmart: OutSmartSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = some_work_orders(outsmart)
    scenario.export()
    before.put_back()

    scenario.export()
    scenario.export()

    (entry,) = noticed()
    assert (entry.level, entry.params) == (LogEntry.Level.WARNING, {"found": str(len(numbers)), "closed": "0"})
    assert sum("restore.noticed" in message for message in caplog.messages) == 1
    watch = RestoreWatch.objects.get()
    assert (watch.found_count, watch.closed_count) == (len(numbers), 0)
    assert watch.noticed_at is not None


def test_what_the_lost_state_made_is_not_made_again_in_later_runs_either(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = some_work_orders(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    before.put_back()
    scenario.export()
    put_back(outsmart, at_the_trigger)
    new = scenario.work_order(outsmart)

    scenario.export()

    assert made(king) == once([*numbers, new])


def test_a_month_old_backup_sends_nothing_twice(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=31), tick=True):
        early = some_work_orders(outsmart)
        scenario.export()
    before = kept_rows.keep()
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    numbers = early + [number for _ in range(3) for number in some_work_orders(outsmart)]
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    before.put_back()
    put_back(outsmart, at_the_trigger)

    scenario.export()

    assert made(king) == once(numbers)
    assert scenario.is_clean(king)


def test_a_look_that_king_refused_is_no_look(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    some_work_orders(outsmart)
    scenario.export()
    before = RestoreWatch.objects.get().looked_at
    scenario.work_order(outsmart)
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", code="K9", message="Nu even niet"))

    scenario.export()

    assert before is not None
    assert RestoreWatch.objects.get().looked_at == before


def test_orders_that_king_closed_meanwhile_are_asked_about(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = some_work_orders(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    for order in scenario.orders(king):
        close(king, str(order["OrderNummer"]))
    before.put_back()
    put_back(outsmart, at_the_trigger)

    scenario.export()
    scenario.export()

    assert made(king) == once(numbers)
    assert states(numbers) == ["rejected"] * 6
    codes = [[why["code"] for why in scenario.ledger(number).reasons] for number in numbers]
    assert sorted(codes) == [["order_delivered"]] * 4 + [["order_delivered", "line_refused"]] * 2
    assert [entry.params for entry in noticed()] == [{"found": "0", "closed": "6"}]


def test_a_restore_is_noticed_also_where_king_shows_nothing_and_nothing_is_to_be_sent(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(3)]
    scenario.export()
    for order in scenario.orders(king):
        close(king, str(order["OrderNummer"]))
    before.put_back()

    scenario.export()

    assert [entry.params for entry in noticed()] == [{"found": "0", "closed": "3"}]
    assert states(numbers) == ["done"] * 3  # reported to OutSmart that they are in King completely
    assert made(king) == once(numbers)


def test_without_a_journal_open_orders_are_found_in_king(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox, settings: Any
) -> None:
    settings.JOURNAL_FOLDER = ""
    numbers = some_work_orders(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    before.put_back()
    put_back(outsmart, at_the_trigger)

    scenario.export()

    assert made(king) == once(numbers)
    assert states(numbers) == ["done"] * 4 + ["incomplete"] * 2


def test_without_a_journal_people_are_asked_about_what_king_may_have_closed(
    king: KingSandbox, outsmart: OutSmartSandbox, settings: Any
) -> None:
    settings.JOURNAL_FOLDER = ""
    scenario.work_order(outsmart)
    scenario.export()
    before = kept_rows.keep()
    shown, closed = scenario.work_order(outsmart), scenario.work_order(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    close(king, scenario.ledger(closed).king_order_number or "")
    before.put_back()
    put_back(outsmart, at_the_trigger)

    scenario.export()
    scenario.export()

    assert made(king)[f"OS-{closed}"] == 1
    assert (scenario.ledger(shown).state, scenario.ledger(closed).state) == (LedgerState.DONE, LedgerState.HELD)
    assert [why["code"] for why in scenario.ledger(closed).reasons] == ["restored_may_be_in_king"]
    actions.release(work_orders=[scenario.ledger(closed)], by="Bea")
    scenario.export()
    assert made(king)[f"OS-{closed}"] == 2  # a person asked for it
    new = scenario.work_order(outsmart)
    scenario.export()
    assert scenario.ledger(new).state == LedgerState.DONE


def test_a_lost_answer_of_the_lost_state_is_not_made_twice(
    before: KeptRows, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))
    king.faults.add(Fault(kind="http_500", operation="Orders_Opvragen", skip=1, times="forever"))
    scenario.export()
    king.faults.clear()
    before.put_back()

    scenario.export()

    assert made(king) == once([number])
    assert scenario.is_clean(king)


def test_a_new_database_takes_in_what_an_earlier_installation_made(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = some_work_orders(outsmart)
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    scenario.export()
    for each in Tenant.objects.all():
        with doors.deleting_tenant(each.pk, each.name):
            each.delete()
    anew = factories.tenant(slug="jansen-2")
    connect(anew, king, outsmart)
    put_back(outsmart, at_the_trigger)

    with tenants.scope(anew):
        factories.settings(anew)
        scenario.export()

        assert made(king) == once(numbers)
        assert states(numbers) == ["done"] * 4 + ["incomplete"] * 2


def test_orders_of_another_tenant_in_the_same_administration_are_no_sign_of_a_restore(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    some_work_orders(outsmart)
    scenario.export()
    with OutSmartSandbox(empty=True) as other_outsmart:
        other = factories.tenant(slug="visser")
        connect(other, king, other_outsmart)
        with tenants.scope(other):
            factories.settings(other)
            number = scenario.work_order(other_outsmart)

            scenario.export()

            assert noticed() == []
            assert [row.outsmart_id for row in WorkOrder.objects.all()] == [number]


def test_ordinary_runs_notice_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        some_work_orders(outsmart)
        scenario.export()

    assert noticed() == []
    assert RestoreWatch.objects.get().noticed_at is None


def test_an_imported_order_gets_no_line_twice(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    SyncSettings.objects.update(orders_enabled=True, orders_work_status="2")
    king.store.put_record("order", "500", {"DebiteurNummer": 10, "LeverDatum": "2025-12-01"})
    line = {"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 4, "Magazijn": 1}
    king.store.edit_order(500, Edit(add=[line]))
    with_orders = kept_rows.keep()
    scenario.load("orders")
    (posted,) = outsmart.store.all_work_orders()
    with_orders.put_back()

    scenario.load("orders")
    outsmart.store.edit_work_order(str(posted["id"]), {"status": "Compleet", "WorkStatus": "1"})
    scenario.export()

    assert len(outsmart.store.all_work_orders()) == 1
    (order,) = scenario.orders(king, ours=False)
    assert [row[1:] for row in scenario.lines(order)].count(("BUIS", "4")) == 1


# --- While runs are in progress ---------------------------------------------------------------------------------------


@pytest.fixture
def sync(tenant: Tenant) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start `manage.py sync` for exports; all of them have ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = processes.bound("manage.py", "sync", tenant.slug, "export")
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=programs.environment(), stdout=quiet, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_run_that_goes_on_meanwhile_ends_in_order_and_nothing_is_sent_twice(
    backup: Path,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    sync: Callable[[], subprocess.Popen[bytes]],
    lost_answers_soon_settled: LostAnswers,
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(12)]
    at_the_trigger = copy.deepcopy(outsmart.store.all_work_orders())
    king.faults.latency_seconds = 0.05
    first = sync()
    # A worker that was cut off may still have a call at King until it has ended.
    lost_answers_soon_settled.also_wait_for.append(lambda: first.wait(patience.SECONDS))
    programs.wait_for(lambda: len(scenario.orders(king)) >= 3)
    backups.restore(backup)
    put_back(outsmart, at_the_trigger)

    run = scenario.export()
    complaint = first.communicate()[1].decode()

    scenario.export()
    assert run.status in ("succeeded", "partly", "failed")
    assert "Traceback" not in complaint, complaint
    assert made(king) == once(numbers)
    assert scenario.is_clean(king)
    assert states(numbers) == ["done"] * 12


# --- Supplementary orders ---------------------------------------------------------------------------------------------


def corrected_after_closing(king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Export a work order that is corrected after King closed its order, and return its row id."""
    number = scenario.work_order(outsmart)
    scenario.export()
    close(king, str(scenario.ledger(number).king_order_number))
    outsmart.store.edit_work_order(number, {"status": "Compleet", "Materials": [scenario.material(quantity="3")]})
    scenario.export()
    assert scenario.ledger(number).state == LedgerState.CHANGED
    return number


def supplement(number: str) -> None:
    assert not actions.supplement(work_orders=[scenario.ledger(number)], by="Els").refused


@pytest.mark.parametrize("is_decided", [True, False])
def test_a_supplementary_order_of_the_lost_state_is_not_made_twice(
    king: KingSandbox, outsmart: OutSmartSandbox, is_decided: bool
) -> None:
    number = corrected_after_closing(king, outsmart)
    if is_decided:
        supplement(number)
    before = kept_rows.keep()
    if not is_decided:
        supplement(number)
    scenario.export()
    in_king = scenario.orders(king)
    before.put_back()

    scenario.export()
    scenario.export()

    assert made(king) == Counter([f"OS-{number}", f"OS-{number}-2"])
    assert scenario.orders(king) == in_king
    assert scenario.is_clean(king)
    row = scenario.ledger(number)
    assert (row.part, row.king_order_number) == (2, str(in_king[1]["OrderNummer"]))
