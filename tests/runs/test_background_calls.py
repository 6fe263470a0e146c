"""Background calls of pages: made once, bounded, without secrets in their rows, and ended whatever happens."""

from __future__ import annotations

import datetime
import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection as database
from django.utils import timezone

from kingsync.king_mirror import page_checks
from kingsync.manual_actions import page_calls
from kingsync.models import tenants
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import ManualAction
from kingsync.runs import background_calls
from kingsync.runs.background_calls import CallRefusedError, Kind, Result, State
from kingsync.runs.thread_pool import Pool, PoolFullError
from sandboxes.king.sandbox import KingSandbox
from tests import factories, programs, scenario

SECONDS = 30


class Waiting:
    """A fake pool whose jobs begin when a test says so."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    waiting = Waiting()
    monkeypatch.setattr(background_calls, "pool", waiting)
    return waiting


@pytest.fixture
def eddy(tenant: Tenant) -> User:
    return factories.member(tenant, Role.EDITOR, name="eddy")


def nothing(_call: BackgroundCall) -> Result:
    return {}


def noting(done: list[int]) -> background_calls.Work:
    """Return work that records that it was done."""

    def work(call: BackgroundCall) -> Result:
        done.append(call.pk)
        return {}

    return work


def ask(by: User, number: object = 1, kind: Kind = Kind.CHOICES) -> BackgroundCall:
    return background_calls.submit(kind, nothing, by=by, asked=number)


def reread(call: BackgroundCall) -> BackgroundCall:
    return BackgroundCall.objects.get(pk=call.pk)


def let_expire() -> None:
    BackgroundCall.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))


def why_refused(by: User, number: object, kind: Kind = Kind.CHOICES) -> str:
    with pytest.raises(CallRefusedError) as refused:
        ask(by, number, kind)
    return refused.value.why.code


# --- Once -------------------------------------------------------------------------------------------------------------


def test_two_presses_are_one_call(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    first, second = ask(eddy), ask(eddy)

    assert (first.pk, len(pool.jobs)) == (second.pk, 1)


def test_another_question_is_another_call_and_so_is_the_same_one_later(
    tenant: Tenant, eddy: User, pool: Waiting
) -> None:
    first, other = ask(eddy, 1), ask(eddy, 2)
    pool.work()
    later = ask(eddy, 1)

    assert len({first.pk, other.pk, later.pk}) == 3


def test_work_is_done_once_whoever_takes_it_up(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    done: list[int] = []

    call = background_calls.submit(Kind.CHOICES, noting(done), by=eddy)
    pool.jobs *= 2
    pool.work()

    assert done == [call.pk]


@pytest.mark.django_db(transaction=True)
def test_decision_pressed_twice_at_the_same_moment_is_made_once(tenant: Tenant, king: KingSandbox, eddy: User) -> None:
    scenario.stock(king)
    king.store.put_record("order", "500", {"DebiteurNummer": 11})
    row = factories.work_order(tenant, state="held")
    start, made = threading.Barrier(2), list[BackgroundCall]()

    def press() -> None:
        with tenants.scope(tenant):
            start.wait(SECONDS)
            made.append(page_calls.link_to_order(row, "500", accepts_other_customer=False, by=eddy))
        database.close()

    presses = [threading.Thread(target=press) for _ in range(2)]
    for each in presses:
        each.start()
    for each in presses:
        each.join(SECONDS)
    programs.wait_for(lambda: not BackgroundCall.objects.filter(state__in=BackgroundCall.OPEN).exists())

    assert ManualAction.objects.count() == 1
    assert reread(made[0]).problem is None


# --- Bounds -----------------------------------------------------------------------------------------------------------


def test_tenant_has_only_so_many_calls_at_once_and_others_have_theirs(
    tenant: Tenant, eddy: User, pool: Waiting
) -> None:
    other = factories.tenant()
    for number in range(background_calls.OPEN_PER_TENANT):
        ask(eddy, number)

    code = why_refused(eddy, "one more")
    with tenants.scope(other):
        ask(factories.member(other, Role.EDITOR))
    pool.work()

    assert code == "call.busy"
    assert ask(eddy, "one more").pk


def test_connections_are_not_tested_without_end(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    for number in range(background_calls.TESTS_PER_PERSON):
        ask(eddy, number, Kind.TEST)
        pool.work()

    assert why_refused(eddy, "one more", Kind.TEST) == "call.too_often"
    assert why_refused(eddy, "one more", Kind.SWITCH) == "call.too_often"
    BackgroundCall.objects.update(requested_at=timezone.now() - background_calls.TEST_WINDOW)
    assert ask(eddy, "one more", Kind.TEST).pk


def test_many_people_of_a_tenant_do_not_test_without_end_either(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    people = [eddy, *(factories.member(tenant, Role.EDITOR) for _ in range(2))]
    for number in range(background_calls.TESTS_PER_TENANT):
        ask(people[number % 3], number, Kind.TEST)
        pool.work()

    assert why_refused(eddy, "one more", Kind.TEST) == "call.too_often"


def test_full_pool_refuses_and_leaves_no_row(tenant: Tenant, eddy: User, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def submit(self, _job: Callable[[], None]) -> None:
            raise PoolFullError

    monkeypatch.setattr(background_calls, "pool", Full())

    assert why_refused(eddy, 1) == "call.busy"
    assert not BackgroundCall.objects.exists()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Keep threads busy until the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_pool_has_so_many_threads_and_lets_so_many_wait(gate: threading.Event) -> None:
    bounded, begun = Pool(threads=2, waiting=1), queue.Queue[int]()

    def hold() -> None:
        begun.put(1)
        gate.wait(SECONDS)

    for _ in range(2):
        bounded.submit(hold)
        begun.get(timeout=SECONDS)
    bounded.submit(hold)

    with pytest.raises(PoolFullError):
        bounded.submit(hold)
    assert begun.empty()


def test_thread_outlives_a_job_that_breaks() -> None:
    one, done = Pool(threads=1, waiting=2), threading.Event()

    one.submit(lambda: 1 // 0)  # type: ignore[arg-type]
    one.submit(done.set)

    assert done.wait(SECONDS)


# --- Whatever happens -------------------------------------------------------------------------------------------------


def test_who_lost_the_role_while_the_call_waited_is_refused(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    done: list[int] = []
    call = background_calls.submit(Kind.CHOICES, noting(done), by=eddy)
    tenant.memberships.filter(user=eddy).update(role=Role.VIEWER)

    pool.work()

    assert (reread(call).problem, done) == ({"code": "call.not_allowed", "params": {}}, [])


def test_call_of_a_killed_process_is_told_to_be_interrupted_and_can_be_made_again(
    tenant: Tenant, eddy: User, pool: Waiting
) -> None:
    call = ask(eddy)
    BackgroundCall.objects.update(state=State.RUNNING)
    going_on = reread(call).is_open(now=timezone.now())
    let_expire()

    assert going_on
    assert not reread(call).is_open(now=timezone.now())
    assert reread(call).problem == {"code": "call.interrupted", "params": {}}
    assert ask(eddy).pk != call.pk
    assert (reread(call).state, reread(call).problem) == (State.ENDED, {"code": "call.interrupted", "params": {}})


def test_call_that_waited_too_long_is_not_made_any_more(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    done: list[int] = []
    background_calls.submit(Kind.CHOICES, noting(done), by=eddy)
    let_expire()

    pool.work()

    assert done == []


def test_defect_of_ours_ends_the_call_with_a_sentence(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    call = background_calls.submit(Kind.CHOICES, lambda _call: {"x": 1 // 0}, by=eddy)

    pool.work()

    assert reread(call).problem == {"code": "call.broken", "params": {}}


def test_old_calls_are_thrown_away(tenant: Tenant, eddy: User, pool: Waiting) -> None:
    old = factories.background_call(tenant, by=eddy, requested_at=timezone.now() - background_calls.KEPT)

    ask(eddy)

    assert not BackgroundCall.objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize("is_over", [False, True])
def test_no_row_holds_what_was_typed(tenant: Tenant, eddy: User, pool: Waiting, is_over: bool) -> None:
    secrets = factories.SECRETS[System.KING]
    typed = Connection(tenant=tenant, system=System.KING, base_url="http://127.0.0.1:9", administration="DEMO")
    typed.credentials = secrets

    page_checks.check_typed(typed, by=eddy)
    if is_over:
        pool.work()

    with tenants.across(), database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(call)::text FROM kingsync_backgroundcall call")
        [(row,)] = cursor.fetchall()
    assert ('"ended"' in row) == is_over
    assert not any(secret in row for secret in (secrets["access_code"], *secrets["access_codes"].values()))
