"""A program that dies on demand: it forks runs that kill themselves before a chosen step.

It sets Django up once and forks for each case, because a new Python costs a second. A step is whatever outlives the
process: a statement that writes outside a transaction, a COMMIT of something, a call that changes King or OutSmart.
The state after one step is the state before the next, so "killed before step n" for every n covers every moment at
which a kill can make a difference: what only reads leaves nothing behind. One line of JSON in for each case (`Case`),
two out: the number of its process at once, and how it ended (`Ended`).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import django
import msgspec
import psycopg

from integrations.calls import Operation


class Case(msgspec.Struct):
    """`before` is the number of the step to die at, from 1; 0 = live. `page`: records per page of an import.

    `journal` is the journal's folder of the test that asks.
    """

    tenant_id: int
    before: int = 0
    kind: str = "export"
    options: dict[str, Any] = {}
    page: int = 500
    journal: str = ""


class Ended(msgspec.Struct):
    """`steps` names those that the run reached, ending with the one at which it died; `signal` 0 = it lived."""

    steps: list[str]
    signal: int = 0


class Steps:
    """Counts the steps of this process, reports each to the pipe, and ends everything before the chosen one."""

    def __init__(self, before: int, pipe: int) -> None:
        self._before, self._pipe = before, pipe
        self._count = 0
        self._counting = threading.Lock()  # an order is unlocked by its own thread while its end is saved

    def come_to(self, name: str) -> None:
        with self._counting:
            self._count += 1
            os.write(self._pipe, name.encode() + b"\n")
            if self._count == self._before:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count every step of this process from now on."""
        from django.db import connection  # noqa: PLC0415  (Django is set up by then)

        from integrations.transport import Transport  # noqa: PLC0415

        commit: Callable[[], None] = getattr(connection, "_commit")  # noqa: B009  (untyped, and asked for by Django)
        send = Transport.send

        def told_commit() -> None:
            if _has_written(connection.connection):
                self.come_to("COMMIT")
            commit()

        def told_send(transport: Transport, operation: Operation, *rest: Any, **named: Any) -> object:
            if operation.is_write:
                self.come_to(f"{transport.system} {operation.name}")
            return send(transport, operation, *rest, **named)

        setattr(connection, "_commit", told_commit)  # noqa: B010
        Transport.send = told_send  # type: ignore[assignment,method-assign]
        connection.execute_wrappers.append(self._statement)

    def _statement(self, execute: Callable[..., object], sql: str, params: Any, many: bool, context: Any) -> object:
        words = sql.split(maxsplit=3)
        if not context["connection"].in_atomic_block and words[0] in ("INSERT", "UPDATE", "DELETE"):
            self.come_to(" ".join(words[:3]).replace('"', ""))
        return execute(sql, params, many, context)


def _has_written(session: psycopg.Connection) -> bool:
    """Return whether the open transaction has changed something: PostgreSQL numbers only those."""
    return session.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL").fetchone() == (True,)


def run(case: Case, pipe: int) -> None:
    """Run one export or import as `manage.py sync` does, and end the process."""
    from django.conf import settings  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from kingsync import worker  # noqa: PLC0415
    from kingsync.imports import reading_phase  # noqa: PLC0415
    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415

    settings.JOURNAL_FOLDER = case.journal
    reading_phase.PAGE = reading_phase.CHUNK = case.page
    Steps(case.before, pipe).watch()
    with tenants.scope(case.tenant_id):
        kind = RunKind(case.kind)
        requested = lifecycle.request(kind=kind, trigger=SyncRun.Trigger.COMMAND, options=case.options)
        worker.work_slice(requested.run.pk, slice_seconds=1e6)
    connection.close()
    os._exit(0)


def fork(case: Case) -> Ended:
    """Run a case in a process of its own, say which, and return how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            run(case, writing)
        finally:
            os._exit(70)
    os.close(writing)
    _say(child)
    with os.fdopen(reading) as pipe:
        steps = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a run broke: {case}, {steps[-1:]}")
    return Ended(steps, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


def _say(answer: object) -> None:
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    django.setup()
    import kingsync.worker  # noqa: F401, PLC0415  (once, not in every child)

    gc.freeze()  # a child that collects garbage would copy all of this

    for line in sys.stdin:
        _say(fork(msgspec.json.decode(line, type=Case)))


if __name__ == "__main__":
    main()
