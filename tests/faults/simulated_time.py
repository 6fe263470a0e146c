"""A clock that moves by itself: what the product waits for passes at once, and how long it would have taken is known.

A server that lets its client wait says how many seconds pass meanwhile, and the client's own limits decide when it
gives up. Threads wait side by side, so each has its own monotonic time; the time of day is the same for all.
"""

from __future__ import annotations

import datetime
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from django.utils import timezone

from integrations import retry, sockets
from integrations.calls import OPERATION_SECONDS, Operation
from integrations.deadlines import Deadline
from integrations.transport import Transport
from kingsync.exports import export_run, restore_guard
from sandboxes import clock
from sandboxes.server import Connection
from tests import patience

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")
LOOK_SECONDS = 0.002
# How much time a silent server lets pass before it looks whether its client is still there.
STEP_SECONDS = 5.0


class _Thread(threading.local):
    """How far this thread's clock is ahead, and the longest limit among the calls that it makes now."""

    ahead = 0.0
    depth = 0
    limit = 0.0


class SimulatedTime:
    """The time of everything in this process while it is installed.

    `too_long` lists operations that took longer than they may, retries and waits included.
    """

    def __init__(self) -> None:
        self.too_long: list[str] = []
        self._ahead = 0.0
        self._mine = _Thread()
        self._changed = threading.Condition()
        # Client address → the seconds that its server wants to pass.
        self._wanted: dict[tuple[str, int], float] = {}
        self._real_now = timezone.now

    def now(self) -> datetime.datetime:
        return self._real_now() + datetime.timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._mine.ahead

    def sleep(self, seconds: float) -> None:
        """Let time pass for this thread, and the time of day with it."""
        self._mine.ahead += seconds
        with self._changed:
            self._ahead += seconds

    @contextmanager
    def turned_back(self) -> Iterator[None]:
        """Turn the clock back after the block, to what it would show without the waits inside it."""
        before, mine = self._ahead, self._mine.ahead
        self.too_long.clear()
        try:
            yield
        finally:
            self._ahead, self._mine.ahead = before, mine

    # --- The server's side --------------------------------------------------------------------------------------------

    def let_pass(self, connection: Connection, seconds: float = STEP_SECONDS) -> bool:
        """Let time pass for the client of this connection while it waits; return False when it gave up instead."""
        try:
            client = connection._client.getpeername()[:2]
        except OSError:
            return False
        with self._changed:
            self._wanted[client] = seconds
        return self._is_taken(client, connection)

    def _is_taken(self, client: tuple[str, int], connection: Connection) -> bool:
        for _ in range(int(patience.SECONDS / LOOK_SECONDS)):
            with self._changed:
                if client not in self._wanted:
                    return True
                self._changed.wait(LOOK_SECONDS)
            if not connection.wait(0) or _is_gone(connection):
                break
        with self._changed:
            self._wanted.pop(client, None)
        return False

    # --- The client's side --------------------------------------------------------------------------------------------

    @contextmanager
    def installed(self) -> Iterator[SimulatedTime]:
        with pytest.MonkeyPatch.context() as patch:
            self._install(patch)
            yield self

    def _install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(timezone, "now", self.now)
        patch.setattr(clock, "now", lambda: self.now().astimezone(clock.AMSTERDAM).replace(microsecond=0))
        patch.setitem(Deadline.__init__.__kwdefaults__ or {}, "clock", self.monotonic)
        for module in (export_run, restore_guard):
            patch.setattr(module, "time", self)
        patch.setattr(retry, "repeated", self._measured(retry.repeated))
        patch.setattr(Transport, "send", self._noting_limit(Transport.send))
        patch.setattr(sockets.LimitedSocket, "recv_into", self._receiving(sockets.LimitedSocket.recv_into))

    def _receiving(self, receive: Callable[..., int]) -> Callable[..., int]:
        def receive_or_wait(
            client: sockets.LimitedSocket, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0
        ) -> int:
            silence = 0.0
            while sockets.seconds_left() and not select.select([client], [], [], LOOK_SECONDS)[0]:
                silence += self._pass_what_is_wanted(client)
                if silence >= (client._longest_silence or float("inf")):
                    raise TimeoutError
            return receive(client, buffer, nbytes, flags)

        return receive_or_wait

    def _pass_what_is_wanted(self, client: socket.socket) -> float:
        with self._changed:
            seconds = self._wanted.pop(client.getsockname()[:2], 0.0)
            self._changed.notify_all()
        if seconds:
            self.sleep(seconds)
        return seconds

    def _noting_limit(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def noting(transport: Transport, operation: Operation, *arguments: Any, **named: Any) -> Any:
            mine = self._mine
            mine.limit = max(mine.limit, operation.total_seconds, operation.streaming_seconds)
            return send(transport, operation, *arguments, **named)

        return noting

    def _measured(self, repeated: Callable[..., T]) -> Callable[..., T]:
        """Return `retry.repeated` without real waits, its whole duration compared with its limit."""

        def measured(call: Callable[[int], T], **how: Any) -> T:
            mine, began = self._mine, self.monotonic()
            how |= {"sleep": self.sleep, "random": lambda: 1.0}
            mine.depth += 1
            if "tries" not in how:  # around calls of any length
                mine.limit = max(mine.limit, OPERATION_SECONDS)
            try:
                return repeated(call, **how)
            finally:
                mine.depth -= 1
                if not mine.depth:
                    self._judge(self.monotonic() - began, mine.limit)
                    mine.limit = 0.0

        return measured

    def _judge(self, seconds: float, limit: float) -> None:
        if limit and seconds > limit + 2 * STEP_SECONDS:
            self.too_long.append(f"took {seconds:.0f} s, the limit is {limit:.0f} s")


def _is_gone(connection: Connection) -> bool:
    return bool(select.select([connection._client], [], [], 0)[0]) and connection._is_gone()
