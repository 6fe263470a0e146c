"""Turns at King: one call at a time for each administration, exports first, and no one waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations import errors
from kingsync.models.connections import Connection
from kingsync.models.turns import Caller, KingTurn, KingTurnRequest
from kingsync.runs import processes, turns
from kingsync.runs.keeping import turn_desk, turn_statements
from kingsync.runs.keeping.turn_desk import Desk
from kingsync.runs.turns import Turn
from tests import patience, programs

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "http://king:80 DEMO"


@pytest.fixture
def turn() -> Iterator[Callable[..., Turn]]:
    """Create callers; all of them are closed after the test."""
    with ExitStack() as stack:

        def make(caller: Caller = Caller.EXPORT, *, key: str = KEY, patience: float = 30.0) -> Turn:
            made = Turn(key, caller, patience_seconds=patience)
            stack.callback(made.close)
            return made

        yield make


def in_background(turn: Turn, work: Callable[[], None]) -> threading.Thread:
    """Make one call in a separate thread."""

    def call() -> None:
        with turn.held():
            work()

    thread = threading.Thread(target=call)
    thread.start()
    return thread


def held_by() -> str:
    row = KingTurn.objects.get(key=KEY)
    return row.caller


def waiting() -> set[str]:
    return set(KingTurnRequest.objects.values_list("caller", flat=True))


# --- The key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "administration"),
    [
        ("https://king.example", "Demo01"),
        ("https://KING.example/", "DEMO01"),
        ("https://king.example:443", "demo01"),
        ("HTTPS://king.example.:443//", " demo01 "),
    ],
)
def test_one_administration_has_one_key_however_its_address_is_spelled(address: str, administration: str) -> None:
    found = turns.key_of(Connection(base_url=address, administration=administration))

    assert found == "https://king.example:443 demo01"


@pytest.mark.parametrize(
    ("address", "administration"),
    [
        ("https://king.example", "DEMO02"),
        ("https://king.example:8082", "DEMO01"),
        ("http://king.example:443", "DEMO01"),
        ("https://king.example/two", "DEMO01"),
    ],
)
def test_other_administrations_have_other_keys(address: str, administration: str) -> None:
    usual = turns.key_of(Connection(base_url="https://king.example", administration="DEMO01"))

    assert turns.key_of(Connection(base_url=address, administration=administration)) != usual


# --- One at a time ----------------------------------------------------------------------------------------------------


def test_calls_of_many_callers_go_one_at_a_time(turn: Callable[..., Turn]) -> None:
    going_on, most = [0], [0]

    def work() -> None:
        going_on[0] += 1
        most[0] = max(most[0], going_on[0])
        time.sleep(0.01)
        going_on[0] -= 1

    threads = [in_background(turn(caller), work) for caller in [*Caller, *Caller]]
    for thread in threads:
        thread.join()

    assert most == [1]


def test_another_administration_does_not_wait(turn: Callable[..., Turn]) -> None:
    with turn().held(), turn(key="other", patience=0.0).held():
        assert set(KingTurn.objects.exclude(holder="").values_list("key", flat=True)) >= {KEY, "other"}


def test_who_waits_too_long_hears_who_is_at_work(turn: Callable[..., Turn]) -> None:
    waiting_page = turn(Caller.PAGE, patience=0.3)

    with turn().held(), pytest.raises(errors.UnreachableError) as refused, waiting_page.held():
        pass

    assert refused.value.reason == "occupied_by_export"
    assert waiting() == set()


def test_a_lone_caller_pays_a_few_statements_however_many_calls_it_makes(
    turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[str] = []
    send = Desk._send

    def noted(self: Desk, statement: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
        executed.append(statement)
        return send(self, statement, values)

    monkeypatch.setattr(Desk, "_send", noted)
    lone = turn()

    with CaptureQueriesContext(connection) as captured:
        began = time.monotonic()
        for _ in range(500):
            with lone.held():
                pass
        looks = (time.monotonic() - began) / turn_desk.LOOK_SECONDS

    assert len(executed) <= 7 + looks
    assert len(captured) == 0


def test_blocks_may_be_nested_and_shared_by_threads_of_one_caller(turn: Callable[..., Turn]) -> None:
    mine = turn()

    with mine.held(), mine.held():
        in_background(mine, lambda: None).join(timeout=patience.SECONDS)
        assert held_by() == Caller.EXPORT


# --- Order of callers -------------------------------------------------------------------------------------------------


def test_an_export_goes_before_an_import_that_waits_longer(turn: Callable[..., Turn]) -> None:
    went: list[str] = []
    holder, first, second = turn(), turn(Caller.IMPORT), turn(Caller.EXPORT)
    with holder.held():
        threads = [in_background(first, lambda: went.append("import"))]
        programs.wait_for(lambda: waiting() == {"import"})
        threads.append(in_background(second, lambda: went.append("export")))
        programs.wait_for(lambda: waiting() == {"import", "export"})
    for thread in threads:
        thread.join()

    assert went == ["export", "import"]


def test_an_import_gives_way_to_an_export_between_two_calls(turn: Callable[..., Turn]) -> None:
    importing, went = turn(Caller.IMPORT), threading.Event()
    with importing.held():
        thread = in_background(turn(Caller.EXPORT), went.set)
        programs.wait_for(lambda: waiting() == {"export"})

    programs.wait_for(lambda: made_calls_until(importing, went))
    thread.join()

    assert went.is_set()
    assert waiting() == set()


def made_calls_until(busy: Turn, done: threading.Event) -> bool:
    """Make one more call, as a run with much to do."""
    with busy.held():
        time.sleep(0.01)
    return done.is_set()


def test_nobody_starves_beside_exports_that_never_end(
    turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    went = threading.Event()
    busy, also_busy = turn(Caller.EXPORT), turn(Caller.EXPORT)
    with busy.held():
        others = threading.Thread(target=lambda: programs.wait_for(lambda: made_calls_until(also_busy, went)))
        others.start()
        waits = in_background(turn(Caller.IMPORT), went.set)
        programs.wait_for(lambda: waiting() == {"export", "import"})

    programs.wait_for(lambda: made_calls_until(busy, went))
    waits.join()
    others.join()

    assert went.is_set()
    assert waiting() == set()


def test_who_makes_no_calls_leaves_the_turn(turn: Callable[..., Turn]) -> None:
    with turn().held():
        assert held_by() == Caller.EXPORT

    programs.wait_for(lambda: held_by() == "")


# --- Dead holders -----------------------------------------------------------------------------------------------------


def test_a_turn_of_another_machine_is_waited_for_until_it_ends(turn: Callable[..., Turn]) -> None:
    with turn().held():
        KingTurn.objects.update(holder="elsewhere/1/1/x")
        next_one = turn(Caller.EXPORT)
        thread = in_background(next_one, lambda: None)
        programs.wait_for(lambda: waiting() == {"export"})
        assert thread.is_alive()

        KingTurn.objects.update(until="2020-01-01T00:00Z")

        thread.join(timeout=patience.SECONDS)
        assert not thread.is_alive()


def test_a_turn_of_a_process_that_is_gone_from_this_machine_is_free_at_once(turn: Callable[..., Turn]) -> None:
    with turn().held():
        machine, pid, _start = processes.name().split("/")
        KingTurn.objects.update(holder=f"{machine}/{pid}/1/x")  # the same number, started at another time

        with turn(Caller.PAGE, patience=0.0).held():
            assert held_by() == Caller.PAGE


def test_a_turn_that_ended_while_the_database_was_away_is_free_when_it_is_back(
    turn: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = turn(), turn()
    with first.held(), monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "PORT", 1)
        first._desk._connected().close()
        first.close()

    with second.held():
        assert held_by() == Caller.EXPORT


def test_who_lost_the_turn_asks_for_it_again(turn: Callable[..., Turn]) -> None:
    frozen, other = turn(), turn()
    with frozen.held():
        pass
    KingTurn.objects.update(until="2020-01-01T00:00Z")  # it was suspended until its turn was over
    with other.held():
        frozen._place.prolonged_at -= turn_statements.LEASE_SECONDS
        waits = in_background(frozen, lambda: None)
        programs.wait_for(lambda: waiting() == {"export"})

    waits.join(timeout=patience.SECONDS)
    assert not waits.is_alive()
