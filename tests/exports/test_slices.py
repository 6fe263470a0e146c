"""A long export asks OutSmart for its list once; each work order is read again when its turn comes in a later slice."""

from __future__ import annotations

from collections import Counter

import pytest

from kingsync import worker
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)


class Run:
    """An export whose slices end after one work order each."""

    def __init__(self) -> None:
        self._key = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND).run.pk

    def slice(self) -> bool:
        """Work one slice; return whether there is more."""
        return worker.work_slice(self._key, slice_seconds=0.0).more

    def finished(self) -> SyncRun:
        for _ in range(50):
            if not self.slice():
                return self.row
        raise AssertionError("it does not end")

    @property
    def row(self) -> SyncRun:
        return SyncRun.objects.get(pk=self._key)


def calls(outsmart: OutSmartSandbox) -> Counter[str]:
    return Counter(call.operation for call in outsmart.calls.all())


def references(king: KingSandbox) -> list[str]:
    return sorted(str(each["ExternOrderNummer"]) for each in scenario.orders(king))


def test_the_list_is_read_once_however_many_slices_there_are(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(6)]
    outsmart.calls.clear()

    run = Run().finished()

    assert scenario.counts(run) == {"read": 6, "created": 6}
    assert calls(outsmart)["GetWorkorders"] == 1
    assert run.attempt == 7
    assert references(king) == [f"OS-{each}" for each in numbers]
    assert (run.listed, run.progress_done, run.progress_total) == (None, 6, 6)


def test_what_the_office_changed_between_two_slices_is_sent_as_it_is_now(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    _first, second = scenario.work_order(outsmart), scenario.work_order(outsmart)
    run = Run()
    run.slice()
    outsmart.store.edit_work_order(second, {"Materials": [scenario.material(quantity="7")]})

    assert scenario.counts(run.finished()) == {"read": 2, "created": 2}
    order = next(each for each in scenario.orders(king) if each["ExternOrderNummer"] == f"OS-{second}")
    assert scenario.lines(order)[0][2] == "7"


@pytest.mark.parametrize("change", [{"WorkStatus": "9"}, {"status": "Uitgevoerd"}, {"Archived": "1"}], ids=str)
def test_what_left_the_trigger_between_two_slices_is_not_sent(
    king: KingSandbox, outsmart: OutSmartSandbox, change: dict[str, object]
) -> None:
    first, second, third = (scenario.work_order(outsmart) for _ in range(3))
    run = Run()
    run.slice()
    outsmart.store.edit_work_order(second, change)

    ended = run.finished()

    assert references(king) == [f"OS-{first}", f"OS-{third}"]
    assert scenario.counts(ended)["created"] == 2
    assert ended.status == "succeeded"
    assert not WorkOrder.objects.filter(outsmart_id=second).exists()


def test_what_was_deleted_between_two_slices_is_not_sent(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    first, second = scenario.work_order(outsmart), scenario.work_order(outsmart)
    run = Run()
    run.slice()
    outsmart.store.delete_work_order(second)

    ended = run.finished()

    assert (references(king), ended.status) == ([f"OS-{first}"], "succeeded")


def test_one_that_the_ledger_has_is_held_when_it_left_the_trigger(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    first, second = (scenario.work_order(outsmart, CustomerDebtorNrInvoice="999") for _ in range(2))
    scenario.export()
    for each in (first, second):
        outsmart.store.edit_work_order(each, {"CustomerDebtorNrInvoice": "11"})
    run = Run()
    run.slice()
    outsmart.store.edit_work_order(second, {"WorkStatus": "9"})

    run.finished()

    assert references(king) == [f"OS-{first}"]
    assert scenario.ledger(second).state == "held"


def test_a_killed_slice_is_continued_where_it_was_and_nothing_is_sent_twice(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(4)]
    outsmart.calls.clear()
    run = Run()
    run.slice()
    run.slice()
    # The ledger has the second one; the run's own row was not saved any more.
    SyncRun.objects.update(progress_done=1)

    run.finished()

    assert references(king) == [f"OS-{each}" for each in numbers]
    assert scenario.is_clean(king)
    assert calls(outsmart)["GetWorkorders"] == 1


def test_a_work_order_that_comes_to_the_trigger_meanwhile_waits_for_the_next_run(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    first = scenario.work_order(outsmart)
    run = Run()
    run.slice()
    late = scenario.work_order(outsmart)
    run.finished()

    assert references(king) == [f"OS-{first}"]
    scenario.export()
    assert references(king) == [f"OS-{first}", f"OS-{late}"]


def test_what_leaves_no_row_is_counted_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, Archived="1")
    numbers = [scenario.work_order(outsmart) for _ in range(2)]
    scenario.work_order(outsmart, Archived="1")

    run = Run().finished()

    assert scenario.counts(run) == {"read": 4, "created": 2, "skipped": 2}
    assert sorted(number for outcome, number in run.ended() if outcome == "created") == numbers


def test_later_slices_know_which_king_orders_are_still_to_come(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """An order is approved after the last of its work orders: those of the list that have not had their turn count."""
    scenario.choose(approve_order=True)
    first = scenario.work_order(outsmart)
    scenario.export()
    number = str(scenario.ledger(first).king_order_number)
    other = scenario.work_order(outsmart)
    shared = [scenario.work_order(outsmart, WorkorderNo=number) for _ in range(2)]
    run = Run()

    run.slice()

    kept = run.row.listed
    assert kept is not None
    assert dict(kept["work_orders"]) == {
        other: "",
        **dict.fromkeys(shared, number),
    }
    assert run.finished().listed is None


def test_a_run_that_is_cancelled_keeps_no_list(outsmart: OutSmartSandbox) -> None:
    for _ in range(2):
        scenario.work_order(outsmart)
    run = Run()
    run.slice()

    lifecycle.request_cancel(run.row)

    assert (run.row.status, run.row.listed) == ("cancelled", None)


def test_a_preview_keeps_no_list_because_it_begins_anew_when_it_is_resumed(outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(2)]
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND, options={"dry_run": True}).run
    with lifecycle.claimed(run.pk, slice_seconds=scenario.FOREVER) as claim:
        assert claim is not None
        claim.heartbeat(kind="work_orders", done=1, total=2)
        lifecycle.release(claim)  # as a worker that was killed after the first one

    worked = worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    assert [each["outsmart_id"] for each in worked.plan] == numbers
    assert SyncRun.objects.get(pk=run.pk).listed is None
