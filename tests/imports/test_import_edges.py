"""Imports with something unusual in the middle: refused parts, cancellation, replaced workers."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import pytest

from integrations.outsmart import client as outsmart_client
from kingsync import worker
from kingsync.imports import batch_post, change_limit, import_run, phase_state, progress, reading_phase, writer
from kingsync.imports.orders import order_import
from kingsync.models.change_limit_trips import ChangeLimitTrip, StagedRecord
from kingsync.models.links import RecordLink
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_import_faults import PERSON, adds_up
from tests.imports.test_import_slices import KilledError, in_slices, sent
from tests.imports.test_imports import CUSTOMER, posts
from tests.scenario import choose

BAD: dict[str, object] = {"Nummer": 2, "Naam": ""}


@pytest.fixture(autouse=True)
def _settled(tenant: Tenant) -> None:
    factories.settings(tenant)


def articles(king: KingSandbox, count: int, *, price: float = 1.0) -> None:
    for number in range(count):
        king.store.put_record("article", f"A{number:03}", {"OmschrijvingKort": "Buis", "VerkoopPrijsExclBtw": price})


def listed(kind: str) -> list[tuple[str, str]]:
    """Return the links of a kind that are on a list, with their state."""
    found = RecordLink.objects.filter(kind=kind).exclude(state="linked").order_by("king_id")
    return list(found.values_list("king_id", "state"))


# --- Parts of customers -----------------------------------------------------------------------------------------------


def test_a_part_that_outsmart_refused_is_sent_again_by_the_next_import(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OVERLAP", -datetime.timedelta(minutes=10))  # King reports no changes at all
    king.store.put_record("debtor", "10", CUSTOMER | {"ContactPersonen": [PERSON]})
    outsmart.faults.add(Fault(kind="refuse", operation="POST contactpersons", code="1301"))
    first = scenario.load("customers")

    second = scenario.load("customers")

    assert (first.status, scenario.counts(first)) == ("partly", {"read": 1, "created": 1})
    assert (second.status, second.updated_count) == ("succeeded", 1)
    assert [row["cpn_code"] for row in outsmart.store.rows("contactpersons")] == ["10-1"]
    assert listed("contact_person") == []


def test_parts_that_were_refused_pull_no_brake(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number in range(100, 130):
        king.store.put_record("debtor", str(number), CUSTOMER | {"ContactPersonen": [PERSON]})
    outsmart.faults.add(Fault(kind="refuse", operation="POST contactpersons", code="1301", times=100))
    first = scenario.load("customers")
    outsmart.faults.clear()

    second = scenario.load("customers", full=True)

    assert first.status == "partly"
    assert (second.status, second.updated_count) == ("succeeded", 30)


@pytest.mark.parametrize("parts", [[PERSON], [PERSON | {"Nummer": 2}]], ids=["removed", "repaired"])
def test_a_part_leaves_the_list_when_king_has_it_no_more_or_has_repaired_it(
    king: KingSandbox, outsmart: OutSmartSandbox, parts: list[dict[str, object]]
) -> None:
    king.store.put_record("debtor", "10", CUSTOMER | {"ContactPersonen": [PERSON, BAD]})
    king.store.put_record("debtor", "11", CUSTOMER | {"ContactPersonen": [PERSON, BAD]})
    scenario.load("customers")
    before = listed("contact_person")
    king.store.put_record("debtor", "10", CUSTOMER | {"ContactPersonen": parts})

    run = scenario.load("customers")

    assert before == [("10-2", "rejected"), ("11-2", "rejected")]
    assert listed("contact_person") == [("11-2", "rejected")]
    assert run.status == "succeeded"


def test_a_part_that_was_sent_once_and_is_removed_stays_in_outsmart(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    for person in (PERSON, PERSON | {"Naam": ""}):
        king.store.put_record("debtor", "10", CUSTOMER | {"ContactPersonen": [person]})
        scenario.load("customers")
    before = listed("contact_person")
    king.store.put_record("debtor", "10", CUSTOMER | {"ContactPersonen": []})

    scenario.load("customers")

    assert (before, listed("contact_person")) == ([("10-1", "rejected")], [])
    assert [row["cpn_name"] for row in outsmart.store.rows("contactpersons")] == ["F. Wiersma"]


# --- What OutSmart says -----------------------------------------------------------------------------------------------


def test_nothing_changed_is_no_refusal(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    outsmart.faults.add(Fault(kind="refuse", operation="POST materials", code="1503"))

    run = scenario.load("products")

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 2, "created": 2})
    assert len(posts(outsmart)) == 1


@pytest.mark.parametrize(("code", "status"), [("1007", 0), ("", 500)])
def test_a_row_that_outsmart_stumbles_over_does_not_stop_the_others(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    articles(king, 10)
    _stumbles_over(monkeypatch, outsmart, "A006", code)

    run = scenario.load("products")

    assert (run.status, scenario.counts(run)) == ("partly", {"read": 10, "created": 9, "rejected": 1})
    assert RecordLink.objects.get(king_id="A006").reason["code"] == "refused_by_outsmart"


def test_an_outsmart_that_stumbles_over_everything_refuses_nothing(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    articles(king, 40)
    outsmart.faults.add(Fault(kind="refuse", operation="POST materials", code="1007", times="forever"))

    first = scenario.load("products")
    outsmart.faults.clear()
    second = scenario.load("products")

    assert (first.status, first.error["code"], first.rejected_count) == ("failed", "system.server_error", 0)
    assert (second.status, scenario.counts(second)) == ("succeeded", {"read": 40, "created": 40})


def _stumbles_over(monkeypatch: pytest.MonkeyPatch, outsmart: OutSmartSandbox, code: str, refusal: str) -> None:
    """Make OutSmart fail with its own fault at every batch with this product."""
    honest = outsmart_client.Client.post_products

    def stumbling(self: outsmart_client.Client, rows: Any) -> int:
        if any(row.code == code for row in rows):
            how: dict[str, Any] = {"kind": "refuse", "code": refusal} if refusal else {"kind": "http_500"}
            outsmart.faults.add(Fault(operation="POST materials", **how))
        return honest(self, rows)

    monkeypatch.setattr(outsmart_client.Client, "post_products", stumbling)


# --- Stopped in the middle --------------------------------------------------------------------------------------------


def _begun(**options: Any) -> SyncRun:
    return lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.BUTTON, options=options).run


def _once_posted(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Run an action in the working thread while another thread posts."""

    def waiting(waited_for: Any, timeout: float) -> Any:
        do()
        return futures.wait(waited_for, timeout=timeout)

    monkeypatch.setattr("kingsync.imports.writer.wait", waiting)
    monkeypatch.setattr(writer, "LEASE_RENEWAL_SECONDS", 0.02)


@pytest.mark.parametrize("is_first", [True, False])
def test_somebody_who_stops_a_run_need_not_wait_for_all_that_is_to_be_posted(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    articles(king, 40)
    if not is_first:
        scenario.load("products")
        choose(brake_percent=100)
        articles(king, 40, price=2.0)
        outsmart.calls.clear()
    run = _begun(kinds=["products"])
    monkeypatch.setattr(batch_post, "BATCH", 1)
    outsmart.faults.latency_seconds = 0.3
    _once_posted(monkeypatch, lambda: lifecycle.request_cancel(run))

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    asked = len(posts(outsmart))
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert asked < 10
    adds_up(run)
    outsmart.faults.clear()
    monkeypatch.undo()
    second = scenario.load("products", full=True)
    assert second.status == "succeeded"
    assert len(outsmart.store.rows("materials")) == 40
    assert {str(row["price"])[0] for row in outsmart.store.rows("materials")} == {"1" if is_first else "2"}
    assert not StagedRecord.objects.exists()


def test_what_a_stopped_run_posted_is_booked_with_its_counts(
    king: KingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles(king, 40)
    monkeypatch.setattr(reading_phase, "PAGE", 10)
    monkeypatch.setattr(reading_phase, "CHUNK", 10)
    run = _begun(kinds=["products"])
    _once_posted(monkeypatch, lambda: lifecycle.request_cancel(run))

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert scenario.counts(run) == run.counts_by_kind["products"]
    assert run.created_count == RecordLink.objects.count() > 0
    adds_up(run)


def test_a_worker_that_was_replaced_posts_and_writes_nothing_more(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles(king, 40)
    run = _begun(kinds=["products"])
    monkeypatch.setattr(batch_post, "BATCH", 1)
    outsmart.faults.latency_seconds = 0.3
    _once_posted(monkeypatch, lambda: SyncRun.objects.update(attempt=99))

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    asked = len(posts(outsmart))
    run.refresh_from_db()
    assert asked < 10
    assert (run.status, scenario.counts(run), RecordLink.objects.count()) == ("running", {}, 0)
    assert not [each for each in threading.enumerate() if each.name.startswith(("post", "fetch"))]


def test_a_worker_that_was_replaced_makes_no_work_orders(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.stock(king)
    for number in range(500, 510):
        king.store.put_record("order", str(number), {"DebiteurNummer": 10})
    run = _begun(kinds=["orders"])
    find = order_import.OrderImport._is_there

    def taken_over(self: Any, each: Any, work: Any) -> bool:
        if each.number == "505":
            SyncRun.objects.update(attempt=99)
        return find(self, each, work)

    monkeypatch.setattr(order_import.OrderImport, "_is_there", taken_over)
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    assert outsmart.calls.count("GetWorkorder") == 6
    assert outsmart.store.all_work_orders() == []
    assert not RecordLink.objects.exists()


# --- Change limit, slices and crashes together ------------------------------------------------------------------------


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAGE", "CHUNK", "STAGED_AT_MOST", "COMPARED_AT_ONCE"):
        monkeypatch.setattr(reading_phase, name, 10)
    monkeypatch.setattr("kingsync.imports.staging.BATCH", 10)


@pytest.mark.usefixtures("_small_steps")
def test_a_run_that_is_killed_after_it_pulled_the_brake_tells_the_same(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles(king, 40)
    scenario.load("products")
    articles(king, 40, price=2.0)
    outsmart.calls.clear()
    run = _begun(kinds=["products"], full=True)
    with monkeypatch.context() as patch:
        patch.setattr(import_run, "_end", _killed)
        with pytest.raises(KilledError):
            worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    shown = ChangeLimitTrip.objects.get().records

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, scenario.counts(run), run.attention_count) == ("partly", {"read": 40, "skipped": 40}, 1)
    assert len(shown) == 40
    assert (ChangeLimitTrip.objects.get().records, ChangeLimitTrip.objects.get().state) == (shown, "waiting")
    assert posts(outsmart) == []


def _killed(*_args: object) -> None:
    raise KilledError


@pytest.mark.usefixtures("_small_steps")
def test_what_is_gone_is_not_forgotten_when_writing_takes_several_slices(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(missing="deactivate", brake_percent=100)
    for number in range(100, 140):
        king.store.put_record("debtor", str(number), CUSTOMER)
    scenario.load("customers")
    for number in range(100, 135):
        king.store.put_record("debtor", str(number), CUSTOMER | {"Naam1": "De Groot"})
    for number in range(135, 140):
        king.store.remove_record("debtor", str(number))

    run, slices = in_slices(kinds=["customers"], full=True)

    assert slices > 5
    assert scenario.counts(run) == {"read": 35, "updated": 35, "deactivated": 5}
    assert [row["active"] for row in outsmart.store.rows("relations")] == ["1"] * 35 + ["0"] * 5


@pytest.mark.usefixtures("_small_steps")
def test_a_trial_in_slices_tells_what_is_gone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(missing="deactivate")
    articles(king, 40)
    scenario.load("products")
    king.store.remove_record("article", "A025")

    run, _ = in_slices(full=True, dry_run=True)

    assert scenario.counts(run) == {"read": 39, "unchanged": 39, "skipped": 1}
    assert run.dry_run_examples["products"]["skipped"][0]["king_id"] == "A025"


@pytest.mark.usefixtures("_small_steps")
def test_a_yes_lasts_until_the_killed_run_has_written_all(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles(king, 40)
    scenario.load("products")
    articles(king, 40, price=2.0)
    scenario.load("products", full=True)
    change_limit.allow(change_limit.open_trips()[0].pk, by=factories.user())
    run = _begun(kinds=["products"], full=True)
    honest, calls = phase_state.KindWork.persist, iter(range(1, 100))

    def deadly(*args: Any) -> None:
        if next(calls) == 3:
            raise KilledError
        honest(*args)

    with monkeypatch.context() as patch:
        patch.setattr(phase_state.KindWork, "persist", deadly)
        with pytest.raises(KilledError):
            worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 40, "updated": 40})
    assert ChangeLimitTrip.objects.get().state == "over"
    assert {str(row["price"])[0] for row in outsmart.store.rows("materials")} == {"2"}


@pytest.mark.usefixtures("_small_steps")
def test_settings_that_change_between_two_slices_reach_everything(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    articles(king, 40)
    run = _begun(kinds=["products"])
    assert worker.work_slice(run.pk, slice_seconds=0).more
    choose(products_price="none")
    while worker.work_slice(run.pk, slice_seconds=0).more:
        pass
    outsmart.calls.clear()

    second = scenario.load("products")

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert second.status == "succeeded"
    assert {str(row["price"])[0] for row in outsmart.store.rows("materials")} == {"0"}
    assert set(sent(outsmart)) == {f"A{number:03}" for number in range(10)}
    assert scenario.counts(scenario.load("products")).keys() <= {"read", "unchanged"}
