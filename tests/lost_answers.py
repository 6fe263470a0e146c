"""Lost answers without a clock: a client gives up when the sandbox says that no answer will come, never earlier.

Ordinary calls keep a limit that only a hang reaches, so that a busy machine loses no other answers.
The time in which the outcome is unknown is as long as in production. It ends when a run begins to wait for it: late
calls are carried out then, and only then does the wait end.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from integrations import sockets
from kingsync.exports.export_run import ExportRun
from kingsync.exports.restore_guard import RestoreGuard
from kingsync.models.work_orders import WorkOrder
from sandboxes import base, server
from sandboxes.calls import Call
from sandboxes.faults import Fault
from sandboxes.messages import Answer, Request
from tests import patience

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LOOK_SECONDS = 0.005


class LostAnswers:
    """Between the sandboxes of a test and its clients: which calls get no answer, and which are carried out late."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._unanswered: set[tuple[str, int]] = set()
        self._late = 0
        self._waits = 0
        # What else must end before the outcome is known: other programs, whose calls this process does not see.
        self.also_wait_for: list[Callable[[], object]] = []

    @contextmanager
    def unanswered(self, connection: server.Connection) -> Iterator[None]:
        """Mark the call of this connection as unanswered inside the block, so that its client gives up."""
        client = _address_of_client(connection)
        with self._changed:
            self._unanswered.add(client)
        try:
            yield
        finally:
            with self._changed:
                self._unanswered.discard(client)

    def is_unanswered(self, client: tuple[str, int]) -> bool:
        with self._changed:
            return client in self._unanswered

    def wait_until_waited_for(self, connection: server.Connection, waits: int) -> bool:
        """Wait until a run waits for late calls once more; return False when the sandbox was stopped meanwhile."""
        while connection.wait(LOOK_SECONDS):
            if self._waits > waits:
                return True
        return False

    @contextmanager
    def late(self) -> Iterator[int]:
        """Count the block as a call that is carried out late; yield how many times late calls were waited for."""
        with self._changed:  # together: a run that begins to wait at once waits for this call
            self._count_late(1)
            waits = self._waits
        try:
            yield waits
        finally:
            self._count_late(-1)

    def wait_for_late_calls(self) -> None:
        """Let late calls be carried out now, and wait for them."""
        with self._changed:
            self._waits += 1
            assert self._changed.wait_for(lambda: not self._late, timeout=patience.SECONDS)
        for wait in self.also_wait_for:
            wait()

    def _count_late(self, more: int) -> None:
        with self._changed:
            self._late += more
            self._changed.notify_all()


def _address_of_client(connection: server.Connection) -> tuple[str, int]:
    with contextlib.suppress(OSError):  # it has already disconnected
        host, port = connection._client.getpeername()
        return str(host), int(port)
    return "", 0


def install(monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    """Make the sandboxes, clients and runs of this process lose answers by event instead of by time."""
    lost = LostAnswers()
    _let_sandboxes_tell(lost, monkeypatch)
    _let_clients_give_up(lost, monkeypatch)
    _let_doubt_end(lost, monkeypatch)
    return lost


def _let_sandboxes_tell(lost: LostAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    hang, work_with = server.Connection.hang, base.Sandbox._work_with

    def hang_until_the_client_goes(connection: server.Connection, seconds: float) -> None:
        with lost.unanswered(connection):
            hang(connection, patience.SECONDS)

    def work_late(
        sandbox: base.Sandbox, fault: Fault | None, request: Request, connection: server.Connection, call: Call
    ) -> Answer | None:
        if fault is None or fault.kind != "late":
            return work_with(sandbox, fault, request, connection, call)
        call.fault = fault.kind
        with lost.late() as waits, lost.unanswered(connection):
            return sandbox._work(request) if lost.wait_until_waited_for(connection, waits) else None

    monkeypatch.setattr(server.Connection, "hang", hang_until_the_client_goes)
    monkeypatch.setattr(base.Sandbox, "_work_with", work_late)


def _let_clients_give_up(lost: LostAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    receive = sockets.LimitedSocket.recv_into

    def receive_or_give_up(
        client: sockets.LimitedSocket, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0
    ) -> int:
        while sockets.seconds_left() and not select.select([client], [], [], LOOK_SECONDS)[0]:
            if client.family == socket.AF_INET and lost.is_unanswered(client.getsockname()):
                raise TimeoutError
        return receive(client, buffer, nbytes, flags)

    monkeypatch.setattr(sockets.LimitedSocket, "recv_into", receive_or_give_up)


def _let_doubt_end(lost: LostAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for, wait = ExportRun._wait_for, RestoreGuard._wait

    def wait_for_late_calls(run: ExportRun, row: WorkOrder) -> None:
        lost.wait_for_late_calls()
        if row.outcome_unknown_until and row.outcome_unknown_until > timezone.now():
            row.outcome_unknown_until = timezone.now()
            row.save(update_fields=["outcome_unknown_until"])
        run.unsettled[row.outsmart_id] = 0.0
        wait_for(run, row)

    def wait_no_longer_than_that(guard: RestoreGuard, seconds: float) -> None:
        lost.wait_for_late_calls()
        wait(guard, 0.0)

    monkeypatch.setattr(ExportRun, "_wait_for", wait_for_late_calls)
    monkeypatch.setattr(RestoreGuard, "_wait", wait_no_longer_than_that)
