"""Threads that lend each other their sessions: none finds another's locks, rows or work on what it borrows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction

from kingsync.database import lending, sessions, visible
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from tests import factories, held_locks, patience
from tests.actors import Actor, lending_sessions

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = (0x7E57, 1)


@pytest.fixture
def lend(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    with lending_sessions(monkeypatch) as start:
        yield start


@pytest.fixture
def actor(lend: Callable[[int], None]) -> Iterator[Callable[[], Actor]]:
    with ExitStack() as stack:

        def enter() -> Actor:
            entered = Actor()
            stack.callback(entered.leave)
            return entered

        yield enter


def scalar(statement: str, *values: int) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def session() -> int:
    return int(scalar("SELECT pg_backend_pid()"))


def park() -> None:
    sessions.default().park()


def test_a_thread_that_waits_finds_its_session_and_its_locks_again(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one = actor()
    its_own = one.does(session)
    one.does(lambda: scalar("SELECT pg_try_advisory_lock(%s, %s)", *LOCK))
    one.does(park)

    assert held_locks.count(*LOCK) == 1
    assert one.does(session) == its_own


def test_a_parked_session_goes_to_who_needs_one_without_locks_and_rows_of_another_tenant(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    mine, others = factories.tenant(slug="mine"), factories.tenant(slug="others")
    one, two = actor(), actor()

    def seen(tenant: Tenant) -> tuple[object, object]:
        with tenants.scope(tenant):
            return session(), scalar("SELECT current_setting('kingsync.tenant')")

    its_own, _ = one.does(lambda: seen(mine))
    one.does(lambda: scalar("SELECT pg_try_advisory_lock(%s, %s)", *LOCK))
    one.does(park)

    assert two.does(lambda: seen(others)) == (its_own, str(others.pk))
    assert held_locks.count(*LOCK) == 0
    two.does(park)
    assert one.does(lambda: seen(mine)) == (its_own, str(mine.pk))


def test_who_borrows_a_session_sends_one_statement_before_its_own(
    lend: Callable[[int], None], actor: Callable[[], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    usual = psycopg.Cursor.execute

    def noted(self: psycopg.Cursor[Any], statement: Any, *parameters: Any, **options: Any) -> Any:
        sent.append(statement)
        return usual(self, statement, *parameters, **options)

    lend(1)
    one, two = actor(), actor()
    one.does(session)
    one.does(park)
    monkeypatch.setattr(psycopg.Cursor, "execute", noted)

    two.does(session)  # a statement itself

    assert len(sent) == 2


def test_nobody_takes_a_session_in_the_middle_of_a_transaction(
    lend: Callable[[int], None], actor: Callable[[], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "PATIENCE_SECONDS", 0.1)
    lend(1)
    one, two = actor(), actor()
    parked, go_on = threading.Event(), threading.Event()

    def saves() -> bool:
        with transaction.atomic():
            before = session()
            park()
            parked.set()
            go_on.wait(patience.SECONDS)
            return session() == before

    saved = one.begins(saves)
    parked.wait(patience.SECONDS)
    two.does(session)
    go_on.set()

    assert saved()


def test_many_threads_that_wait_need_few_sessions(lend: Callable[[int], None], actor: Callable[[], Actor]) -> None:
    lend(3)
    many = [actor() for _ in range(20)]
    used: set[object] = set()

    def works() -> None:
        for _ in range(10):
            used.add(session())
            with lending.parked():
                threading.Event().wait(0.001)
        connection.close()  # who was ready before others began would keep what they wait for

    for ended in [each.begins(works) for each in many]:
        ended()

    assert 1 <= len(used) <= 3


def test_where_nobody_parks_a_thread_opens_one_more_in_the_end(
    lend: Callable[[int], None], actor: Callable[[], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "PATIENCE_SECONDS", 0.1)
    lend(1)
    one, two = actor(), actor()

    assert one.does(session) != two.does(session)


def test_who_waits_while_others_are_served_opens_none(
    lend: Callable[[int], None], actor: Callable[[], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "PATIENCE_SECONDS", 0.1)
    lend(1)
    lender = lending.of_this_process()
    assert lender is not None
    one, two = actor(), actor()
    its_own, has_looked = one.does(session), threading.Event()
    usual = lender._go_beyond

    def looks_while_others_are_served(waiter: lending._Waiter) -> None:
        lender._served_at = time.monotonic()
        usual(waiter)
        has_looked.set()

    monkeypatch.setattr(lender, "_go_beyond", looks_while_others_are_served)
    served = two.begins(session)
    assert has_looked.wait(patience.SECONDS)
    one.does(park)

    assert served() == its_own


def test_what_was_opened_beyond_the_limit_ends(
    lend: Callable[[int], None], actor: Callable[[], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "PATIENCE_SECONDS", 0.1)
    lend(1)
    one, two, three = actor(), actor(), actor()
    first, beyond = one.does(session), two.does(session)
    for each in (one, two):
        each.does(park)

    assert three.does(session) in {first, beyond}
    lender = lending.of_this_process()
    assert lender is not None
    assert len(lender._opened_at) == 1


def test_a_cursor_does_not_work_on_a_session_that_is_another_threads_by_now(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one, two = actor(), actor()

    def keeps_a_cursor() -> Callable[[], None]:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        park()
        return lambda: cursor.execute("SELECT 2")

    uses_it = one.does(keeps_a_cursor)
    two.does(session)

    with pytest.raises(InterfaceError):
        one.does(uses_it)


def test_a_session_that_the_server_ended_is_not_lent(lend: Callable[[int], None], actor: Callable[[], Actor]) -> None:
    lend(1)
    one, two = actor(), actor()
    ended = one.does(session)
    one.does(park)
    with sessions.as_owner():
        scalar("SELECT pg_terminate_backend(%s, 5000)", ended)

    assert two.does(session) != ended


def test_a_session_that_the_server_ended_fails_whose_it_was_once(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one = actor()
    ended = one.does(session)
    with sessions.as_owner():
        scalar("SELECT pg_terminate_backend(%s, 5000)", ended)

    with pytest.raises(OperationalError):
        one.does(session)
    one.does(lambda: sessions.default().close_if_unusable_or_obsolete())
    assert one.does(session) != ended


def test_a_thread_that_rested_checks_what_it_borrows_and_not_what_others_have(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one, two = actor(), actor()
    checked: list[int] = []

    def counts_checks() -> None:
        usual = sessions.default().is_usable

        def is_usable() -> bool:
            checked.append(1)
            return usual()

        sessions.default().is_usable = is_usable  # type: ignore[method-assign]

    def rests() -> int:
        its_own = session()
        close_old_connections()
        lending.rest()
        return its_own

    one.does(counts_checks)
    its_own = one.does(rests)
    two.does(rests)

    assert (one.does(rests), checked) == (its_own, [])
    assert (one.does(session), len(checked)) == (its_own, 1)


def test_what_is_given_back_has_no_locks(lend: Callable[[int], None], actor: Callable[[], Actor]) -> None:
    lend(1)
    one, two = actor(), actor()
    before = one.does(session)
    one.does(lambda: scalar("SELECT pg_try_advisory_lock(%s, %s)", *LOCK))
    one.does(lambda: connection.close())  # noqa: PLW0108  (of that thread)

    assert held_locks.count(*LOCK) == 0
    assert two.does(session) == before


def test_a_fence_is_asked_before_another_session_is_used_and_not_for_ones_own(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one, two = actor(), actor()
    asked: list[object] = []

    def works() -> None:
        session()
        with sessions.fenced(lambda: asked.append(session())):
            with lending.parked():
                pass
            session()
            assert asked == []
            with lending.parked():
                two.does(session)
                two.does(park)
            assert len({session(), session(), *asked}) == 1

    one.does(works)
    assert len(asked) == 1


def test_what_a_fence_refuses_is_not_done_however_often_it_is_tried(
    lend: Callable[[int], None], actor: Callable[[], Actor]
) -> None:
    lend(1)
    one, two = actor(), actor()

    class NotYoursError(Exception):
        pass

    def refuses() -> None:
        raise NotYoursError

    def works() -> None:
        with sessions.fenced(refuses):
            session()  # has none yet, so asks

    def tries(times: int) -> int:
        session()
        refused = 0
        with sessions.fenced(refuses):
            with lending.parked():
                two.does(session)
                two.does(park)
            for _ in range(times):
                try:
                    Tenant.objects.create(slug="refused", name="Refused")
                except NotYoursError:
                    refused += 1
        return refused

    with pytest.raises(NotYoursError):
        actor().does(works)
    assert one.does(lambda: tries(3)) == 3
    assert not Tenant.objects.filter(slug="refused").exists()


def test_other_sessions_of_a_process_are_not_lent(lend: Callable[[int], None]) -> None:
    lend(1)

    with sessions.opened(visible.OF_ALL) as own:
        assert isinstance(own, psycopg.Connection)
        lender = lending.of_this_process()
        assert lender is not None
        assert not lender.has(own)
