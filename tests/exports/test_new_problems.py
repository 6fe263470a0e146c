"""New problems of a run; a problem that persists is reported once, however often it is retried."""

from __future__ import annotations

import datetime
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from kingsync.manual_actions import actions
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import retention
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.web.pages import text

UNKNOWN = scenario.material("ONBEKEND")

pytestmark = pytest.mark.usefixtures("stocked")


def told(run: SyncRun) -> tuple[str, int, int]:
    return run.status, run.new_problems_count, run.still_waiting_count


def problem_count() -> int:
    """Return how many warnings and errors the log holds."""
    return LogEntry.objects.exclude(level=LogEntry.Level.INFO).count()


def rejected(outsmart: OutSmartSandbox) -> str:
    return scenario.work_order(outsmart, WorkorderNo="404")


def incomplete(outsmart: OutSmartSandbox) -> str:
    return scenario.work_order(outsmart, Materials=[scenario.material(), UNKNOWN])


def held(outsmart: OutSmartSandbox) -> str:
    return scenario.work_order(outsmart, Materials=[], Workperiods=[])


@pytest.mark.parametrize("made", [rejected, incomplete, held])
def test_unrepaired_work_order_is_a_new_problem_once(outsmart: OutSmartSandbox, made: Any) -> None:
    made(outsmart)

    first, written = scenario.export(), problem_count()
    later = [told(scenario.export()) for _ in range(3)]

    assert told(first) == ("partly", 1, 0)
    assert later == [("succeeded", 0, 1)] * 3
    assert (written > 0, problem_count()) == (True, written)


def test_what_still_waits_is_counted_as_what_it_is(outsmart: OutSmartSandbox) -> None:
    rejected(outsmart)
    incomplete(outsmart)
    scenario.export()

    again = scenario.export()

    assert scenario.counts(again) == {"read": 2, "rejected": 2}


def test_new_one_beside_old_ones_is_told_apart(tenant: Tenant, outsmart: OutSmartSandbox, client: Client) -> None:
    for _ in range(3):
        rejected(outsmart)
    scenario.export()
    held(outsmart)

    run = scenario.export()

    assert told(run) == ("partly", 1, 3)
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, Role.EDITOR))
    for address in ("/t/jansen/", "/t/jansen/runs/", f"/t/jansen/runs/{run.pk}/"):
        assert "1 new problem , 3 still waiting ." in text(client.get(address)), address


def test_command_tells_new_problems_and_exits_by_them(outsmart: OutSmartSandbox) -> None:
    rejected(outsmart)

    answers = []
    for _ in range(2):
        out, code = StringIO(), 0
        try:
            call_command("sync", "jansen", "export", "--json", stdout=out)
        except SystemExit as ended:
            code = int(str(ended.code))
        answer = json.loads(out.getvalue())
        answers.append((code, answer["state"], answer["counts"]["rejected"], answer["new_problems"]))

    assert answers == [(1, "partly", 1, 1), (0, "succeeded", 1, 0)]


def test_other_reason_is_a_new_problem_and_a_repaired_part_is_none(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, Materials=[scenario.material(), UNKNOWN, scenario.material("OOK")])
    scenario.export()

    king.store.put_record("article", "OOK", {"OmschrijvingKort": "Ook"})
    one_less = scenario.export()
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Weg", "GeblokkeerdVoorVerkoop": 1})
    other = scenario.export()

    assert told(one_less) == ("succeeded", 0, 1)
    assert told(other) == ("partly", 1, 0)
    assert scenario.ledger(number).state == LedgerState.INCOMPLETE


def test_work_order_that_went_well_and_stops_again_is_a_new_problem(outsmart: OutSmartSandbox) -> None:
    number = incomplete(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material()]})
    well = scenario.export()

    outsmart.store.edit_work_order(number, {"Materials": [scenario.material(quantity="7")]})
    WorkOrder.objects.update(verified_at=None)
    again = scenario.export()

    assert told(well) == ("succeeded", 0, 0)
    assert told(again)[:2] == ("partly", 1)


def test_retry_that_ends_as_before_is_no_new_problem(outsmart: OutSmartSandbox) -> None:
    number = rejected(outsmart)
    scenario.export()
    since = scenario.ledger(number).problem_since

    actions.retry(work_orders=[scenario.ledger(number)], by="Jan")
    again = scenario.export()

    row = scenario.ledger(number)
    assert told(again) == ("succeeded", 0, 1)
    assert (row.problem_since, row.problem_count) == (since, 2)


def test_run_that_fails_in_between_makes_no_new_problem_of_an_old_one(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    incomplete(outsmart)
    scenario.export()
    king.faults.add(Fault(kind="http_500", operation="Artikelen_Opvragen", times="forever"))
    scenario.export()
    king.faults.clear()

    assert told(scenario.export()) == ("succeeded", 0, 1)


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({"export_from_date": datetime.date(2026, 1, 1)}, {}),
        ({"create_new_order": False}, {}),
    ],
)
def test_held_by_a_date_or_a_switch_is_no_problem(
    outsmart: OutSmartSandbox, columns: dict[str, object], fields: dict[str, object]
) -> None:
    SyncSettings.objects.update(**columns)
    scenario.work_order(outsmart, **fields)

    runs = [scenario.export() for _ in range(2)]

    assert WorkOrder.objects.get().state == LedgerState.HELD
    assert [told(run) for run in runs] == [("succeeded", 0, 0)] * 2
    assert problem_count() == 1


def test_held_by_a_date_and_something_else_is_a_problem(outsmart: OutSmartSandbox) -> None:
    SyncSettings.objects.update(export_from_date=datetime.date(2026, 1, 1))
    held(outsmart)

    assert told(scenario.export()) == ("partly", 1, 0)


def test_confirmation_that_keeps_failing_is_told_once(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    outsmart.faults.add(Fault(kind="http_500", operation="GetWorkorder", times="forever"))

    first, written = scenario.export(), problem_count()
    again = scenario.export()

    assert (told(first), told(again)[1]) == (("partly", 1, 0), 0)
    assert (written, problem_count()) == (1, 1)


def test_edit_after_the_export_is_a_new_problem_once(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material(quantity="7")]})
    WorkOrder.objects.update(verified_at=None)

    runs = [told(scenario.export()) for _ in range(2)]

    assert scenario.ledger(number).state == LedgerState.CHANGED
    assert runs == [("partly", 1, 0), ("succeeded", 0, 0)]


def test_dry_run_tells_what_would_be_new(outsmart: OutSmartSandbox) -> None:
    rejected(outsmart)
    foreseen = scenario.export(dry_run=True)
    scenario.export()

    assert told(foreseen) == ("partly", 1, 0)
    assert told(scenario.export(dry_run=True)) == ("succeeded", 0, 1)


def test_entry_of_a_problem_that_lasts_outlives_its_age(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    rejected(outsmart)
    well = scenario.work_order(outsmart)
    first = scenario.export()
    long_ago = timezone.now() - datetime.timedelta(days=400)
    SyncRun.objects.update(finished_at=long_ago)
    LogEntry.objects.update(at=long_ago)
    WorkOrder.objects.update(problem_since=long_ago)
    scenario.export()

    retention.purge_old(now=timezone.now())

    assert LogEntry.objects.get(run=first).event == "order.rejected"
    assert not LogEntry.objects.filter(run=first, outsmart_id=well).exists()


# --- Imports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("was_sent_before", [False, True])
def test_record_that_outsmart_refuses_each_time_is_a_new_problem_once(
    king: KingSandbox, outsmart: OutSmartSandbox, was_sent_before: bool
) -> None:
    if was_sent_before:
        scenario.load("products")
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Bocht"})
    king.store.put_record("article", "KNIE", {"OmschrijvingKort": "Kniestuk"})
    outsmart.faults.add(Fault(kind="refuse", operation="POST materials", code="1501", times="forever"))
    first, written = scenario.load("products"), problem_count()

    later = [scenario.load("products", full=True) for _ in range(2)]

    assert told(first) == ("partly", 2, 0)
    assert [told(run) for run in later] == [("succeeded", 0, 2)] * 2
    assert [run.rejected_count for run in later] == [2, 2]
    assert (written, problem_count()) == (2, 2)


def test_import_that_waits_for_a_yes_is_a_new_problem_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number in range(40):
        king.store.put_record("article", f"A{number:03}", {"OmschrijvingKort": "Oud"})
    scenario.load("products")
    for number in range(40):
        king.store.put_record("article", f"A{number:03}", {"OmschrijvingKort": "Nieuw"})

    runs = [told(scenario.load("products")) for _ in range(2)]

    assert runs == [("partly", 1, 0), ("succeeded", 0, 1)]
    assert problem_count() == 1


def test_order_that_outsmart_refuses_each_time_is_a_new_problem_once(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("order", "700", {"DebiteurNummer": 10, "DebiteurNummerFactuur": 11})
    outsmart.faults.add(Fault(kind="refuse", operation="PostWorkorders", code="2101", times="forever"))

    runs = [told(scenario.load("orders")) for _ in range(3)]

    assert runs == [("partly", 1, 0), ("succeeded", 0, 1), ("succeeded", 0, 1)]
    assert problem_count() == 1
