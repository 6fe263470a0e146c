"""A thread that hangs loses its run to another worker; when it goes on, it neither calls nor writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kingsync import worker
from kingsync.exports import ledger
from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.turns import KingTurn
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import lifecycle
from kingsync.runs.keeping import turn_desk
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, patience, programs, scenario
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "Order_OrderRegel_Toevoegen"


@pytest.fixture(autouse=True)
def numbers(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> list[str]:
    scenario.stock(king)
    factories.settings(tenant, approve_order=True)
    scenario.export()  # fills the mirror
    king.calls.clear()
    return [scenario.work_order(outsmart) for _ in range(3)]


@pytest.fixture
def run(tenant: Tenant) -> SyncRun:
    return lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run


@contextmanager
def in_a_thread(run: SyncRun) -> Iterator[None]:
    """Work on the run in a thread, as a worker of threads does; it has ended after the block."""

    def work() -> None:
        with tenants.scope(run.tenant_id):
            worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(patience.SECONDS)
    assert not thread.is_alive()


def all_calls(king: KingSandbox, outsmart: OutSmartSandbox) -> list[str]:
    return [call.operation for sandbox in (king, outsmart) for call in sandbox.calls.all()]


def assert_right(king: KingSandbox, numbers: list[str]) -> None:
    """Assert one whole, approved order for each work order."""
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [f"OS-{each}" for each in numbers]
    assert all(len(scenario.lines(order)) == 4 and order["VrijVoorLevering"] for order in scenario.orders(king))
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * len(numbers)
    assert scenario.is_clean(king)


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[lifecycle.Claim]:
    """Note the claims that are made."""
    found: list[lifecycle.Claim] = []
    claim = lifecycle._claim

    def noted(*arguments: Any) -> lifecycle.Claim | None:
        made = claim(*arguments)
        found.extend([made] if made else [])
        return made

    monkeypatch.setattr(lifecycle, "_claim", noted)
    return found


@pytest.mark.parametrize("skip", [0, 1, 5, 11])
def test_after_its_limit_a_slice_calls_no_one(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    run: SyncRun,
    numbers: list[str],
    claims: list[lifecycle.Claim],
    skip: int,
) -> None:
    with in_a_thread(run), held(king, LINE, skip=skip):
        programs.wait_for(lambda: king.calls.count(LINE) > skip)
        asked = all_calls(king, outsmart)
        claims[0].limit_at = time.monotonic()
    run.refresh_from_db()

    assert all_calls(king, outsmart) == asked
    assert run.status == RunStatus.RUNNING
    assert lifecycle.silent_runs() == [run]
    WorkOrder.objects.update(outcome_unknown_until=None)
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    assert_right(king, numbers)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("skip", [0, 1, 6, 13])
def test_a_thread_that_hangs_beside_the_statement_of_a_call_is_replaced_and_does_no_harm(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    run: SyncRun,
    numbers: list[str],
    claims: list[lifecycle.Claim],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    skip: int,
) -> None:
    """It hangs before or after it saves that the outcome of a call is unknown; the call itself is still to come."""
    extend, hangs, goes_on = ledger.extend_outcome_unknown, threading.Event(), threading.Event()
    seen = [0]

    def hang(*arguments: Any, **named: Any) -> None:
        seen[0] += 1
        if place == "after" or seen[0] != skip + 1:
            extend(*arguments, **named)
        if seen[0] == skip + 1:
            hangs.set()
            assert goes_on.wait(patience.SECONDS)
            if place == "before":
                extend(*arguments, **named)

    monkeypatch.setattr(ledger, "extend_outcome_unknown", hang)
    with in_a_thread(run):
        assert hangs.wait(patience.SECONDS)
        let_pass(claims[0])
        worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
        asked = all_calls(king, outsmart)
        goes_on.set()
    run.refresh_from_db()

    assert all_calls(king, outsmart) == asked
    assert (run.status, run.attempt) == (RunStatus.SUCCEEDED, 2)
    assert_right(king, numbers)


def let_pass(claim: lifecycle.Claim) -> None:
    """Let the limit of a slice pass, its lease and its turn at King run out, and whatever it had sent be answered."""
    claim.limit_at = time.monotonic()
    for each in turn_desk.of_this_process()._places.values():
        each.until = claim.limit_at
    SyncRun.objects.update(lease_until=timezone.now())
    KingTurn.objects.update(until=timezone.now())
    WorkOrder.objects.update(outcome_unknown_until=None)
