"""Between the clients and both sandboxes: one fault, at the calls that it is meant for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations import unpacking
from integrations.deadlines import Deadline
from integrations.transport import Transport
from sandboxes.base import Sandbox
from sandboxes.calls import Call
from sandboxes.faults import Fault as SandboxFault
from sandboxes.messages import Answer, Request
from sandboxes.server import Connection, HttpServer
from tests.faults import certificates
from tests.faults.certificates import Certificates
from tests.faults.faults import Fault, Site
from tests.faults.simulated_time import SimulatedTime


@dataclass(frozen=True)
class Target:
    """Which calls: those of an operation, of one HTTP method, with a text in query or body; the first `skip` pass."""

    system: str
    operation: str
    method: str = "POST"
    text: str = ""
    skip: int = 0

    def fits(self, system: str, method: str, operation: str, text: str) -> bool:
        return (system, method, operation) == (self.system, self.method, self.operation) and self.text in text


class TlsServer(HttpServer):
    """The same server behind TLS; `context` is what it shows to the next connection."""

    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = super().get_request()
        # The handshake is made by the thread of the connection.
        return self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client refuses our certificate."""


class Injector:
    """Carries out the armed fault once or until it is disarmed; `met` counts how often.

    `scale` divides the sizes of large answers and of the limits of answers alike. `max_bytes` is the limit of the call
    that met the fault.
    """

    def __init__(
        self, king: Sandbox, outsmart: Sandbox, time: SimulatedTime, made: Certificates, *, scale: int
    ) -> None:
        self.scale, self.met, self.max_bytes = scale, 0, 0
        self._max_bytes: dict[str, int] = {}
        self._time, self._made = time, made
        self._sandboxes = {"king": king, "outsmart": outsmart}
        self._fronts: dict[str, TlsServer] = {}
        self._lock = threading.Lock()
        self._target: Target | None = None
        self._fault = Fault("none")
        self._left = self._skip = 0.0
        self._trap = socket.create_server(("127.0.0.1", 0))

    @contextmanager
    def installed(self) -> Iterator[Injector]:
        with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
            stack.callback(self._trap.close)
            patch.setattr(Transport, "_exchange", self._showing_certificates(Transport._exchange))
            patch.setattr(unpacking, "whole_body", self._scaled(unpacking.whole_body))
            for system, sandbox in self._sandboxes.items():
                patch.setattr(sandbox, "_work_with", partial(self._work_with, system, sandbox._work_with))
                self._fronts[system] = front = TlsServer(0, sandbox.respond)
                front.context = self._made.contexts[certificates.GOOD]
                front.start()
                stack.callback(front.stop)
            yield self

    def arm(self, target: Target, fault: Fault, *, is_lasting: bool) -> None:
        self._target, self._fault, self.met = target, fault, 0
        self._left, self._skip = float("inf") if is_lasting else 1, target.skip

    def disarm(self) -> None:
        self._target = None

    def https(self, system: str) -> str:
        """Return the address of a system behind TLS."""
        return f"https://127.0.0.1:{self._fronts[system].port}"

    @property
    def trusted(self) -> str:
        return self._made.trusted

    def was_redirected(self) -> bool:
        """Return whether someone followed a redirect, with the credentials of the first call."""
        self._trap.setblocking(False)
        try:
            self._trap.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def _takes(self, system: str, method: str, operation: str, text: str) -> bool:
        """Return whether this call gets the fault, and count it."""
        with self._lock:
            if self._target is None or not self._target.fits(system, method, operation, text):
                return False
            if self._skip > 0:
                self._skip -= 1
                return False
            if self._left <= 0:
                return False
            self._left -= 1
            self.met += 1
            return True

    # --- The server's side --------------------------------------------------------------------------------------------

    def _work_with(
        self,
        system: str,
        work_with: Callable[..., Answer | None],
        fault: SandboxFault | None,
        request: Request,
        connection: Connection,
        call: Call,
    ) -> Answer | None:
        sandbox = self._sandboxes[system]
        text = urlencode(request.query) + request.body.decode(errors="replace")
        is_ours = not self._fault.certificate and fault is None
        if not is_ours or not self._takes(system, request.method, call.operation, text):
            return work_with(fault, request, connection, call)
        call.fault, self.max_bytes = self._fault.name, self._max_bytes[system]
        answer = sandbox._work(request) if self._fault.is_done else Answer()
        trap = f"http://127.0.0.1:{self._trap.getsockname()[1]}/"
        site = Site(sandbox, connection, self._time, answer, trap, self.scale)
        return self._fault.act(site)

    # --- The client's side --------------------------------------------------------------------------------------------

    def _showing_certificates(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        """Let a server behind TLS show the certificate of the fault to the calls that it is meant for."""

        def exchange_with(transport: Transport, request: Any, deadline: Deadline) -> Any:
            self._max_bytes[transport.system] = request.operation.max_bytes // self.scale
            if request.url.startswith("https:"):
                operation, body = request.operation, request.body or b""
                text = urlencode(request.query) + body.decode(errors="replace")
                is_met = bool(self._fault.certificate) and self._takes(
                    transport.system, operation.method, operation.name, text
                )
                self._show(transport, self._fault.certificate if is_met else certificates.GOOD)
            return exchange(transport, request, deadline)

        return exchange_with

    def _scaled(self, whole_body: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda raw, *, max_bytes: whole_body(raw, max_bytes=max_bytes // self.scale)

    def _show(self, transport: Transport, kind: str) -> None:
        front, context = self._fronts[transport.system], self._made.contexts[kind]
        if front.context is not context:
            front.context = context
            transport.close()  # kept connections
