"""What both sandboxes share: start and stop, the call log, faults, the common control calls."""

from __future__ import annotations

import abc
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from sandboxes import control
from sandboxes.calls import Call, CallLog
from sandboxes.control import Route
from sandboxes.faults import Fault, Faults, made_up_answer, spoiled_answer
from sandboxes.messages import (
    Answer,
    ControlError,
    Record,
    Request,
    control_object,
    control_value,
    html_answer,
    json_answer,
)
from sandboxes.server import LOOPBACK, Connection, HttpServer
from sandboxes.state import StateFile

READING = frozenset({"GET", "HEAD"})


class Sandbox(abc.ABC):
    """One system as an HTTP server and context manager. `calls` is its log, `faults` what goes wrong on purpose."""

    def __init__(self, *, port: int, state: Path | None) -> None:
        self.faults = Faults()
        self.calls = CallLog()
        self._port = port
        self._state_path = state
        self._server: HttpServer | None = None
        self._state: StateFile | None = None

    # --- what each system implements ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def operation_of(self, request: Request) -> str:
        """Return the vendor's name for the call."""

    @abc.abstractmethod
    def handle(self, request: Request) -> Answer:
        """Carry out a call as the system does."""

    @abc.abstractmethod
    def refuse(self, code: str, message: str) -> Answer:
        """Return a refusal in the system's own form."""

    @abc.abstractmethod
    def unauthorized(self) -> Answer:
        """Return the answer to a wrong access code."""

    @abc.abstractmethod
    def index_page(self) -> str:
        """Return the HTML page for people."""

    @abc.abstractmethod
    def own_routes(self) -> list[Route]:
        """Return the control routes of this system."""

    @abc.abstractmethod
    def reset(self, options: Record) -> None:
        """Restore the initial data. Raises ControlError for an unknown option."""

    @abc.abstractmethod
    def change_switches(self, switches: Record) -> None:
        """Change how the system behaves. Raises ControlError or ValidationError."""

    @abc.abstractmethod
    def switches(self) -> Record:
        """Return how the system behaves now."""

    @abc.abstractmethod
    def dump(self) -> bytes:
        """Return the data as a state file holds it."""

    @abc.abstractmethod
    def load(self, content: bytes) -> None:
        """Replace the data with that of a state file. Raises msgspec.DecodeError."""

    def work_under_lock(self, request: Request, fault: Fault) -> Answer:
        """Carry out a call while a user of the system has its record open.

        Only King has locks and overrides this; a sandbox without them refuses the fault in `check_fault`.
        """
        raise NotImplementedError  # never reached: `check_fault` refuses it where there are no locks

    # --- starting and stopping ---------------------------------------------------------------------------------------

    def start(self, *, host: str = LOOPBACK) -> Self:
        """Load the state file if there is one, then serve in the background.

        Raises OSError when the port is taken, msgspec.MsgspecError when the state file is invalid.
        """
        if self._state_path and self._state_path.exists():
            self.load(self._state_path.read_bytes())
        self._server = HttpServer(self._port, self.respond, host=host)
        if self._state_path:
            self._state = StateFile(self._state_path, self.dump)
            self._state.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """End everything that hangs, write the state file, close the port. A second call does nothing."""
        if self._server:
            self._server.stop()
            self._server = None
        if self._state:
            self._state.stop()
            self._state = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Scheme, host and port. Raises RuntimeError when the sandbox is not running."""
        if not self._server:
            raise RuntimeError("The sandbox is not running.")
        return f"http://{LOOPBACK}:{self._server.port}"

    @property
    def control_url(self) -> str:
        """Where the control API is, without a slash at the end."""
        return f"{self.address}/_control"

    def touch(self) -> None:
        """Notify the state file, if there is one, that data changed."""
        if self._state:
            self._state.touch()

    # --- one call ----------------------------------------------------------------------------------------------------

    def respond(self, request: Request, connection: Connection) -> Answer | None:
        """Return the answer to one request; None when the connection must close without one."""
        if control.is_control(request):
            return self._control(request)
        operation = self.operation_of(request)
        seconds, fault = self.faults.take(request.method, operation)
        call = self.calls.begin(request, operation)
        answer: Answer | None = None
        try:
            if not seconds or connection.wait(seconds):
                answer = self._work_with(fault, request, connection, call)
        finally:
            self.calls.end(call, answer)
        return answer

    def _work_with(self, fault: Fault | None, request: Request, connection: Connection, call: Call) -> Answer | None:
        """Return the answer; None when the connection must close without one."""
        if fault is None:
            return self._work(request)
        call.fault = fault.kind
        if fault.kind in {"timeout_before", "reset_before"}:
            _break(fault, connection)
            return None
        if fault.kind in {"timeout_after", "reset_after"}:
            self._work(request)
            _break(fault, connection)
            return None
        if fault.kind == "late":
            return self._work(request) if connection.wait(fault.seconds) else None
        return self._work_and_spoil(fault, request)

    def _work_and_spoil(self, fault: Fault, request: Request) -> Answer:
        if fault.kind == "refuse":
            return self.refuse(fault.code, fault.message)
        if fault.kind == "unauthorized":
            return self.unauthorized()
        if fault.kind == "lock_by_user":
            return self._touched(self.work_under_lock(request, fault))
        made_up = made_up_answer(fault)
        if made_up is None:
            return spoiled_answer(fault, self._work(request))
        if fault.after:
            self._work(request)
        return made_up

    def _work(self, request: Request) -> Answer:
        return self._touched(self.handle(request))

    def _touched(self, answer: Answer) -> Answer:
        # Reads may change data too (OutSmart's update_status), so every call counts; it saves once a second at most.
        self.touch()
        return answer

    # --- the control API ---------------------------------------------------------------------------------------------

    def _control(self, request: Request) -> Answer:
        if not request.is_local:
            # It asks for no password, so it is for this machine only, even when --host serves a container network.
            return json_answer({"error": "The control API answers this machine only."}, status=403)
        if request.path == "/":
            return html_answer(self.index_page())
        answer = control.dispatch([*self.own_routes(), *self._common_routes()], request)
        if request.method not in READING:
            self.touch()
        return answer

    def _common_routes(self) -> list[Route]:
        return [
            Route("GET", "calls", self._get_calls),
            Route("DELETE", "calls", _done(lambda _: self.calls.clear())),
            Route("GET", "faults", self._get_faults),
            Route("POST", "faults", self._post_faults),
            Route("DELETE", "faults", _done(lambda _: self.faults.clear())),
            Route("GET", "switches", lambda _request, _parts: self._all_switches()),
            Route("POST", "switches", self._post_switches),
            Route("POST", "reset", _done(self._reset)),
        ]

    def _get_calls(self, request: Request, _parts: dict[str, str]) -> object:
        calls = self.calls.all(request.parameter("operation"))
        return {"count": len(calls), "peak": self.calls.peak, "calls": [call.summary() for call in calls]}

    def _get_faults(self, _request: Request, _parts: dict[str, str]) -> object:
        return {"latency_seconds": self.faults.latency_seconds, "faults": self.faults.rules()}

    def _post_faults(self, request: Request, _parts: dict[str, str]) -> object:
        value = control_value(request)
        rules = msgspec.convert(value if isinstance(value, list) else [value], list[Fault])
        for rule in rules:
            self.check_fault(rule)
        for rule in rules:
            self.faults.add(rule)
        return self._get_faults(request, {})

    def check_fault(self, fault: Fault) -> None:
        """Refuse a fault that this system cannot have. Raises ControlError."""
        if fault.kind == "refuse" and not fault.code:
            raise ControlError(400, "A refusal needs a code.")

    def _post_switches(self, request: Request, _parts: dict[str, str]) -> object:
        wanted = control_object(request)
        if "latency_seconds" in wanted:
            self.faults.latency_seconds = msgspec.convert(wanted.pop("latency_seconds"), float, strict=False)
        self.change_switches(wanted)
        return self._all_switches()

    def _all_switches(self) -> Record:
        return {"latency_seconds": self.faults.latency_seconds, **self.switches()}

    def _reset(self, request: Request) -> None:
        self.reset(control_object(request))
        self.calls.clear()
        self.faults.clear()


def _break(fault: Fault, connection: Connection) -> None:
    if fault.kind.startswith("reset"):
        connection.reset()
    else:
        connection.hang(fault.seconds)


def _done(action: Callable[[Request], None]) -> control.Handle:
    """Wrap an action without a result as a control call."""

    def handle(request: Request, _parts: dict[str, str]) -> object:
        action(request)
        return {"done": True}

    return handle
