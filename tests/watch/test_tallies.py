"""Counts of all processes: none is lost, none delays what is counted, and they survive restarts."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, connections

from kingsync.models.watch.tallies import Tally
from kingsync.watch import catalog, harmless, tallies
from kingsync.watch.tallies import Keeper, Tallies
from tests import patience

pytestmark = pytest.mark.django_db(transaction=True)
CALL = {"system": "king", "operation": "Order_Toevoegen"}


def stored() -> dict[tuple[str, str], float]:
    return {(row.sample, row.labels): row.value for row in Tally.objects.all()}


def test_the_counts_of_two_processes_are_added_up() -> None:
    one, other = Tallies(), Tallies()
    one.count(catalog.CALLS, **CALL, outcome="ok")
    one.count(catalog.CALLS, **CALL, outcome="timeout")
    other.count(catalog.CALLS, 4, **CALL, outcome="ok")

    assert one.write()
    assert other.write()

    ok, timeout = (
        f'{{"operation":"Order_Toevoegen","outcome":"{word}","system":"king"}}' for word in ("ok", "timeout")
    )
    assert stored() == {("kingsync_calls_total", ok): 5, ("kingsync_calls_total", timeout): 1}


def test_a_histogram_counts_each_value_once_and_keeps_the_sum() -> None:
    own = Tallies()
    for seconds in (0.05, 0.051, 500):
        own.observe(catalog.CALL_SECONDS, seconds, **CALL)

    own.write()

    labels = '"operation":"Order_Toevoegen","system":"king"}'
    assert stored() == {
        ("kingsync_call_seconds_bucket", '{"le":"0.05",' + labels): 1,
        ("kingsync_call_seconds_bucket", '{"le":"0.1",' + labels): 1,
        ("kingsync_call_seconds_bucket", '{"le":"+Inf",' + labels): 1,
        ("kingsync_call_seconds_sum", "{" + labels): pytest.approx(500.101),
    }


def test_many_processes_that_write_the_same_series_at_once_lose_nothing() -> None:
    processes = [Tallies() for _each in range(8)]
    start = threading.Barrier(len(processes))

    def work(own: Tallies) -> bool:
        start.wait(patience.SECONDS)
        is_written = True
        for number in range(20):
            own.count(catalog.PAGES, view=f"page {number % 5}", status="200")
            own.count(catalog.PAGES, view=f"page {4 - number % 5}", status="200")
            is_written &= own.write()
        return is_written

    with ThreadPoolExecutor(len(processes)) as pool:
        assert all(pool.map(work, processes))
    assert sum(stored().values()) == 8 * 40


def test_what_the_database_does_not_take_is_kept_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = Tallies()
    monkeypatch.setattr(tallies, "keeper", Keeper())
    own.count(catalog.RECORDS, 3, kind="import", outcome="created", mode="write")
    with monkeypatch.context() as away:
        away.setattr(connections["default"], "get_connection_params", lambda: {"host": "127.0.0.1", "port": 1})
        assert (own.write(), own.write()) == (False, False)
    own.count(catalog.RECORDS, 1, kind="import", outcome="created", mode="write")

    assert own.write()

    assert list(stored().values()) == [4]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["watch.not_written"]


def test_a_locked_row_does_not_hold_up_the_writer_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Tallies()
    own.count(catalog.PAGES, view="home", status="200")
    own.write()
    own.count(catalog.PAGES, view="home", status="200")
    with psycopg.connect(**connection.get_connection_params()) as holder, monkeypatch.context() as soon:
        holder.execute("SELECT FROM kingsync_tally FOR UPDATE")
        soon.setattr(tallies, "STATEMENT_SECONDS", 0.05)
        assert not own.write()

    assert own.write()
    assert list(stored().values()) == [2]


def test_a_long_lived_process_writes_by_itself_and_what_is_left_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    written = threading.Event()
    write = Tallies.write

    def noted(self: Tallies) -> bool:
        done = write(self)
        written.set()
        return done

    monkeypatch.setattr(Tallies, "write", noted)
    monkeypatch.setattr(tallies, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr("atexit.register", lambda _work: None)
    own, keeper = Tallies(), Keeper()
    monkeypatch.setattr(tallies, "tallies", own)
    monkeypatch.setattr(tallies, "keeper", keeper)
    own.count(catalog.PAGES, view="before it began", status="200")
    assert keeper._thread is None

    keeper.start()
    own.count(catalog.PAGES, view="home", status="200")
    assert written.wait(patience.SECONDS)
    keeper.finish()
    own.count(catalog.PAGES, view="too late", status="200")

    assert len(stored()) == 2


def test_a_bug_in_counting_is_told_once_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(harmless, "_told", set())
    own, nonsense = Tallies(), {"view": object()}

    for _each in range(3):
        own.count(catalog.PAGES, **nonsense)  # type: ignore[arg-type]

    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.ERROR, "watch.failed: Tallies.count")
    ]


def test_what_waits_to_be_written_is_one_number_per_series(db: None) -> None:
    own = Tallies()
    for number in range(10_000):
        own.count(catalog.CALLS, **CALL, outcome="ok")
        own.observe(catalog.CALL_SECONDS, number / 1000, **CALL)

    assert len(own.take()) <= 2 + len(catalog.CALL_SECONDS.bounds) + 1
