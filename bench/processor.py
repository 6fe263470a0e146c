"""Processor time of this process and of the database: what a busy machine does not change."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import msgspec

_NANOSECONDS = 1e9
_FLUSHES = "SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'"


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What has been used: seconds of processors, bytes of the database's log, and waits for its disk."""

    process_seconds: float
    database_seconds: float
    wal_bytes: float
    flushes: float

    def since(self, before: Used, *, each: int = 1) -> Used:
        """Return what was used since then, for each of so many things."""
        names = self.__struct_fields__
        return Used(**{name: (getattr(self, name) - getattr(before, name)) / each for name in names})


def seconds() -> float:
    """Return what this process and its session have used. A query must not be carried out in parallel."""
    return time.process_time() + _scheduled_seconds(_session_pid())


def alone() -> None:
    """Let the session carry out each query by itself."""
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SET max_parallel_maintenance_workers = 0")


def used() -> Used:
    """Return what this process with its children and all processes of the database have used so far."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Used(
        process_seconds=sum(each.ru_utime + each.ru_stime for each in own),
        database_seconds=_database_seconds(),
        wal_bytes=_number("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"),
        flushes=_number(_FLUSHES),
    )


def family(pid: int) -> list[int]:
    """Return a process with its living descendants."""
    found = [pid]
    for each in found:
        children = Path(f"/proc/{each}/task/{each}/children")
        found += [int(child) for child in children.read_text().split()] if children.exists() else []
    return found


def seconds_of(pids: list[int]) -> float:
    """Return the processor time of these processes and of those of their children that have ended."""
    ticks = sum(sum(map(int, _stat(pid)[11:15])) for pid in pids if Path(f"/proc/{pid}/stat").exists())
    return ticks / os.sysconf("SC_CLK_TCK")


def ticks_of_machine() -> tuple[int, int]:
    """Return how much of the time of all processors was used so far, by anyone and by other guests too, and all."""
    user, nice, system, idle, waiting, *others = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    used = user + nice + system + sum(others)
    return used, used + idle + waiting


def mib_of(pids: list[int]) -> float:
    """Return the memory of these processes; what some of them share is divided among them."""
    found = (Path(f"/proc/{pid}/smaps_rollup") for pid in pids)
    lines = (line for each in found if each.exists() for line in each.read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _database_seconds() -> float:
    """Add up the server's living processes, and those that have ended as the server itself counts them."""
    server = int(_stat(_session_pid())[1])
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    ended = sum(int(ticks) for ticks in _stat(server)[13:15]) / os.sysconf("SC_CLK_TCK")
    return ended + sum(_scheduled_seconds(int(pid)) for pid in children)


def _session_pid() -> int:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name: state, parent, …; 13 and 14 are of ended children."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _scheduled_seconds(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / _NANOSECONDS
    except FileNotFoundError:  # it has just ended
        return 0.0


def _number(query: str) -> float:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(query)
        [(number,)] = cursor.fetchall()
    return float(number)
