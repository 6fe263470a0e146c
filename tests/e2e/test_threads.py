"""Exports in the threads of one worker: killed, frozen, cut off or hanging, each order is made once.

One end of the worker meets every call of an export, each at another company.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.db import connection
from django.utils import timezone

from kingsync.database import sessions
from kingsync.exports.export_job import HEARTBEAT_SECONDS
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.turns import KingTurn
from kingsync.models.work_orders import WorkOrder
from tests import programs, scenario
from tests.e2e.company import Company, connected
from tests.e2e.test_killed import CALLS
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., programs.Program]


@pytest.fixture
def companies(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[list[Company]]:
    """Connect a company for each call of an export, or as many as a test asks for; each has one work order."""
    calls = CALLS[: getattr(request, "param", len(CALLS))]
    with ExitStack() as stack:
        yield [connected(stack, place, *call) for place, call in enumerate(calls)]


@pytest.fixture(params=["kingsync.settings", "tests.e2e.few_sessions"], ids=["", "few-sessions"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start workers whose threads have enough sessions, or hardly any."""
    with programs.threads(len(CALLS)) as started:
        yield lambda name, **variables: started(name, **{"DJANGO_SETTINGS_MODULE": request.param} | variables)


def hold_all(stack: ExitStack, companies: list[Company]) -> list[SyncRun]:
    """Press every button, and hold each company's export at its call. Does what the clock does with a lost message."""

    def are_held() -> bool:
        programs.sweep()
        return all(company.is_held() for company in companies)

    for company in companies:
        stack.enter_context(held(company.king, company.operation, skip=company.skip))
    runs = [company.press() for company in companies]
    programs.wait_for(are_held)
    return runs


def wait_until_answered(companies: list[Company]) -> None:
    """Wait until King has answered what nobody hears any more; the ledger need not wait for it either."""
    programs.wait_for(lambda: all(call.status for company in companies for call in company.king.calls.all()))
    WorkOrder.across_tenants.update(outcome_unknown_until=None)


def wait_until_ended(runs: list[SyncRun]) -> None:
    """Do what the clock does until all runs have succeeded."""

    def have_ended() -> bool:
        a_minute_ago = scenario.in_seconds(-61)
        queued = SyncRun.across_tenants.filter(status=RunStatus.QUEUED)
        queued.update(queued_at=a_minute_ago, heartbeat_at=a_minute_ago)
        programs.sweep()
        return not SyncRun.across_tenants.filter(status__in=SyncRun.OPEN).exists()

    programs.wait_for(have_ended)
    ended = SyncRun.across_tenants.filter(pk__in=[run.pk for run in runs])
    assert set(ended.values_list("status", flat=True)) == {RunStatus.SUCCEEDED}


def all_calls(companies: list[Company]) -> list[list[str]]:
    return [scenario.calls(company.king) for company in companies]


def test_a_killed_worker_of_threads_costs_nothing_but_time(companies: list[Company], start: Start) -> None:
    with ExitStack() as holding:
        worker = start("first")
        runs = hold_all(holding, companies)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    wait_until_answered(companies)

    start("second")
    wait_until_ended(runs)

    for company in companies:
        company.assert_right()


def test_a_frozen_worker_of_threads_is_replaced_and_does_no_harm_when_it_wakes(
    companies: list[Company], start: Start
) -> None:
    with ExitStack() as holding:
        frozen = start("first")
        runs = hold_all(holding, companies)
        programs.freeze(frozen.pid)
    wait_until_answered(companies)
    asked = calls_until_another_ended(companies, runs, start)
    wake(frozen)

    assert all_calls(companies) == asked
    for company in companies:
        company.assert_right()


@pytest.mark.parametrize("companies", [1], indirect=True)
@pytest.mark.parametrize("start", ["kingsync.settings"], indirect=True)
def test_a_worker_that_freezes_between_saving_a_write_and_sending_it_never_sends_it(
    companies: list[Company], start: Start
) -> None:
    frozen = start("first", DJANGO_SETTINGS_MODULE="tests.e2e.frozen_after_save", KING_WRITE_TIMEOUT="10")
    runs = [company.press() for company in companies]
    programs.wait_for(lambda: programs.is_frozen(frozen.pid))

    WorkOrder.across_tenants.update(outcome_unknown_until=None)
    asked = calls_until_another_ended(companies, runs, start)
    wake(frozen)

    assert all_calls(companies) == asked
    for company in companies:
        company.assert_right()


def calls_until_another_ended(companies: list[Company], runs: list[SyncRun], start: Start) -> list[list[str]]:
    """Let another worker end the runs of a frozen one; return King's calls until then."""
    # However short its leases, it slept past the time of a heartbeat: that is what it notices when it wakes.
    time.sleep(HEARTBEAT_SECONDS)
    SyncRun.across_tenants.filter(status=RunStatus.RUNNING).update(lease_until=timezone.now())
    KingTurn.objects.update(until=timezone.now())
    start("second")
    wait_until_ended(runs)
    return all_calls(companies)


def wake(frozen: programs.Program) -> None:
    """Wake a frozen worker, and wait until it has ended."""
    frozen.send_signal(signal.SIGTERM)
    frozen.send_signal(signal.SIGCONT)
    frozen.wait()


def test_a_worker_of_threads_that_loses_its_sessions_does_no_harm(companies: list[Company], start: Start) -> None:
    with ExitStack() as holding:
        start("first")
        runs = hold_all(holding, companies)
        cut_off()
    wait_until_answered(companies)

    wait_until_ended(runs)
    for company in companies:
        company.assert_right()


def cut_off() -> None:
    """End all other sessions of this test's database, as a lost network does."""
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@pytest.mark.parametrize("companies", [3], indirect=True)
@pytest.mark.parametrize("limits", ["short_limits", "short_limits_few_sessions"])
@pytest.mark.parametrize("start", ["kingsync.settings"], indirect=True)
def test_a_worker_in_which_a_run_hangs_is_replaced_when_the_others_have_ended(
    companies: list[Company], start: Start, limits: str
) -> None:
    hanging, *others = companies
    with held(hanging.king, hanging.operation, skip=hanging.skip):
        worker = start("first", DJANGO_SETTINGS_MODULE=f"tests.e2e.{limits}")
        runs = [company.press() for company in (hanging, *others)]
        programs.wait_for(hanging.is_held)
        exited = worker.wait()
        asked = all_calls([hanging])
        state = SyncRun.across_tenants.get(pk=runs[0].pk).status
    wait_until_answered([hanging])

    assert (exited, state) == (1, RunStatus.RUNNING)
    assert all_calls([hanging]) == asked
    start("second")
    wait_until_ended(runs)
    for company in (hanging, *others):
        company.assert_right()
