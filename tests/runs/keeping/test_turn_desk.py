"""One thread and one session wait for all turns at King of a process, and keep them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from integrations import errors
from kingsync.database import sessions
from kingsync.models.turns import Caller, KingTurn, KingTurnRequest
from kingsync.runs.keeping import turn_desk, turn_statements
from kingsync.runs.keeping.turn_desk import Desk
from kingsync.runs.turns import Turn
from tests import patience, programs

pytestmark = pytest.mark.django_db(transaction=True)
COMPANIES = 20


@pytest.fixture
def turn() -> Iterator[Callable[..., Turn]]:
    """Create callers; all of them are closed after the test."""
    with ExitStack() as stack:

        def make(key: str = "one", caller: Caller = Caller.EXPORT, *, patience: float = patience.SECONDS) -> Turn:
            made = Turn(key, caller, patience_seconds=patience)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[psycopg.Connection[Any]]:
    """Note the sessions that are opened."""
    found: list[psycopg.Connection[Any]] = []
    usual = turn_desk._opened

    def noted() -> psycopg.Connection[Any]:
        found.append(usual())
        return found[-1]

    monkeypatch.setattr(turn_desk, "_opened", noted)
    return found


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def make_call(turn: Turn, done: list[str]) -> list[str]:
    """Make a call and note at which administration."""
    with turn.held():
        done.append(turn._place.key)
    return done


def keepers() -> int:
    return [thread.name for thread in threading.enumerate()].count("turns at King")


def test_callers_at_many_administrations_share_one_thread_and_one_session(
    turn: Callable[..., Turn], opened: list[psycopg.Connection[Any]]
) -> None:
    done: list[str] = []
    turns = [turn(f"king {each}") for each in range(COMPANIES)]
    with ExitStack() as stack:
        for each in turns:
            stack.enter_context(each.held())
        until = dict(KingTurn.objects.values_list("key", "until"))
        later = [turn(f"king {each}") for each in range(COMPANIES)]
        waiting = [in_background(lambda each=each: make_call(each, done)) for each in later]  # type: ignore[misc]
        programs.wait_for(lambda: KingTurnRequest.objects.count() == COMPANIES)
        programs.wait_for(lambda: all(row.until > until[row.key] for row in KingTurn.objects.all()))

        assert (done, keepers(), len(opened)) == ([], 1, 1)
    for thread in waiting:
        thread.join(patience.SECONDS)

    assert sorted(done) == sorted(until)
    assert (len(opened), KingTurnRequest.objects.count()) == (1, 0)


def test_many_that_wait_cost_as_many_statements_as_one(
    turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While each of them waits for another administration, a look asks for all, in two statements."""
    looks: list[int] = []
    sent: list[str] = []
    send, look = Desk._send, Desk._look_at_waiting

    def noted(self: Desk, statement: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
        sent.append(statement)
        return send(self, statement, values)

    def counted(self: Desk) -> None:
        before = len(sent)
        look(self)
        looks.append(len(sent) - before)

    with ExitStack() as stack:
        for each in range(COMPANIES):
            stack.enter_context(turn(f"king {each}").held())
        waiting = [
            in_background(lambda each=each: make_call(turn(f"king {each}"), []))  # type: ignore[misc]
            for each in range(COMPANIES)
        ]
        programs.wait_for(lambda: KingTurnRequest.objects.count() == COMPANIES)
        with monkeypatch.context() as while_all_wait:
            while_all_wait.setattr(Desk, "_send", noted)
            while_all_wait.setattr(Desk, "_look_at_waiting", counted)
            programs.wait_for(lambda: len(looks) > 3)
    for thread in waiting:
        thread.join(patience.SECONDS)

    assert set(looks) == {2}


def test_the_session_and_the_thread_end_with_the_last_caller(opened: list[psycopg.Connection[Any]]) -> None:
    turns = [Turn(f"king {each}", Caller.EXPORT, patience_seconds=0) for each in range(2)]
    for each in turns:
        with each.held():
            pass
    turns[0].close()
    while_one_is_left = [session.closed for session in opened]
    turns[1].close()
    programs.wait_for(lambda: not keepers())

    assert (while_one_is_left, [session.closed for session in opened]) == ([False], [True])
    assert set(KingTurn.objects.values_list("holder", flat=True)) == {""}


def test_a_waiting_caller_hears_when_the_database_goes_away(
    turn: Callable[..., Turn], opened: list[psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[BaseException] = []
    waits = turn()

    def ask() -> None:
        try:
            make_call(waits, [])
        except DatabaseError as error:
            heard.append(error)

    with turn().held():
        thread = in_background(ask)
        programs.wait_for(KingTurnRequest.objects.exists)
        with monkeypatch.context() as away:
            away.setitem(connection.settings_dict, "PORT", 1)
            with waits._desk._lock:
                opened[0].close()
            thread.join(patience.SECONDS)

    assert len(heard) == 1
    done = make_call(waits, [])
    assert done == ["one"]


def test_a_session_that_is_lost_costs_no_caller_its_turn(
    turn: Callable[..., Turn], opened: list[psycopg.Connection[Any]]
) -> None:
    done: list[str] = []
    with turn().held():
        thread = in_background(lambda: make_call(turn(), done))
        programs.wait_for(KingTurnRequest.objects.exists)
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [opened[0].info.backend_pid])
        programs.wait_for(lambda: len(opened) > 1)

        assert done == []
    thread.join(patience.SECONDS)

    assert done == ["one"]


def test_a_session_that_is_lost_while_nobody_uses_it_costs_the_next_caller_nothing(
    turn: Callable[..., Turn], opened: list[psycopg.Connection[Any]]
) -> None:
    idle = turn()
    with idle.held():
        pass
    programs.wait_for(lambda: not keepers())
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [opened[0].info.backend_pid])

    done = make_call(turn("two"), [])

    assert (done, len(opened)) == (["two"], 2)


def test_a_turn_that_someone_froze_over_keeps_no_other_waiting(turn: Callable[..., Turn]) -> None:
    """A process may be frozen in the very statement that locks a turn."""
    with turn("frozen").held():
        pass
    with psycopg.connect(**connection.get_connection_params()) as frozen:
        frozen.execute("SELECT FROM kingsync_kingturn WHERE key = 'frozen' FOR UPDATE")
        done: list[str] = []
        blocked = in_background(lambda: make_call(turn("frozen"), done))
        programs.wait_for(lambda: "turns at King" in [thread.name for thread in threading.enumerate()])
        make_call(turn("other"), done)

        assert done == ["other"]
    blocked.join(patience.SECONDS)

    assert done == ["other", "frozen"]


def test_a_turn_in_the_middle_of_being_taken_is_not_locked_for_ever(
    turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    with turn().held():
        pass
    monkeypatch.setattr(
        turn_statements, "PREPARE", turn_statements.PREPARE.replace("session_timeout = '10s'", "session_timeout = 200")
    )
    with turn_desk._opened() as frozen:
        frozen.execute("BEGIN")
        frozen.execute(turn_statements.LOCK, {"key": "one"})

        done = make_call(turn(), [])

        assert done == ["one"]
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            frozen.execute("COMMIT")


def test_what_we_hold_without_knowing_it_is_taken_again(turn: Callable[..., Turn]) -> None:
    """The answer to the statement that took it may be lost."""
    mine = turn()
    with mine.held():
        pass
    with mine._desk._lock:
        mine._place.is_held = False

    done = make_call(mine, [])

    assert done == ["one"]


def test_what_we_hold_without_knowing_it_goes_to_who_waits_longer(turn: Callable[..., Turn]) -> None:
    mine = turn()
    done: list[str] = []
    KingTurnRequest.objects.create(
        holder="elsewhere/1/1/x", key="one", caller=Caller.EXPORT, since="2020-01-01T00:00Z", until="2020-01-01T00:00Z"
    )
    with mine.held():
        pass
    with mine._desk._lock:
        mine._place.is_held = False
    KingTurnRequest.objects.update(until="2100-01-01T00:00Z")
    thread = in_background(lambda: make_call(mine, done))
    programs.wait_for(lambda: KingTurn.objects.get(key="one").holder == "")

    assert done == []
    KingTurnRequest.objects.filter(holder="elsewhere/1/1/x").delete()
    thread.join(patience.SECONDS)
    assert done == ["one"]


def test_a_caller_that_gives_up_waiting_leaves_no_request(turn: Callable[..., Turn]) -> None:
    with turn().held(), pytest.raises(errors.UnreachableError):
        make_call(turn(patience=0.3), [])

    assert KingTurnRequest.objects.count() == 0


def test_a_forked_process_has_turns_of_its_own(
    turn: Callable[..., Turn], opened: list[psycopg.Connection[Any]]
) -> None:
    mine = turn()
    with mine.held():
        connection.close()
        child = os.fork()
        if not child:
            code = 1
            try:
                other = Turn("two", Caller.EXPORT, patience_seconds=patience.SECONDS)
                make_call(other, [])
                other.close()
                code = 0
            finally:
                os._exit(code)
        exited = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        assert (exited, opened[0].closed, len(opened)) == (0, False, 1)
        assert KingTurn.objects.get(key="one").holder == mine._place.name
    done = make_call(mine, [])
    assert (done, len(opened)) == (["one"], 1)


def until(key: str) -> object:
    return KingTurn.objects.get(key=key).until


def test_a_call_that_hangs_keeps_its_turn_no_longer(turn: Callable[..., Turn]) -> None:
    hanging = Turn("one", Caller.EXPORT, patience_seconds=0)
    with closing(hanging), hanging.held(), turn("two").held():
        before = until("one"), until("two")
        programs.wait_for(lambda: until("one") > before[0])  # type: ignore[operator]
        with hanging._desk._lock:
            hanging._place.until = time.monotonic()
            at_last = until("one"), until("two")
        programs.wait_for(lambda: until("two") > at_last[1])  # type: ignore[operator]

        assert until("one") == at_last[0]
    hanging.close()
    assert KingTurn.objects.get(key="one").holder == ""
