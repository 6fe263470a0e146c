"""The call log: what came in, what went out, and when. Tokens are masked before anything is kept."""

from __future__ import annotations

import datetime
import threading
import time
from collections import deque
from urllib.parse import urlencode

import msgspec

from sandboxes.messages import Answer, Record, Request, decode

MASKED = frozenset({"token", "software_token", "bearer_token"})
KEPT_CALLS = 10_000
KEPT_BODY_BYTES = 1_000_000
KEPT_ANSWER_BYTES = 64_000


class Call(msgspec.Struct, kw_only=True):
    """One call. `status` is 0 while it is in progress, and stays 0 when no answer was sent; `seconds` is its length."""

    number: int
    operation: str
    method: str
    path: str
    query: str
    body: bytes
    time: str
    started: float
    status: int = 0
    answer: bytes = b""
    fault: str = ""
    seconds: float = 0.0

    def json(self) -> object:
        """Return the body as decoded JSON; as text when it is not JSON."""
        return _readable(self.body)

    def answered(self) -> object:
        """Return the answer as decoded JSON; as text when it is not JSON or was too long to keep whole."""
        return _readable(self.answer)

    def summary(self) -> Record:
        """Return the call as the control API shows it."""
        return {
            "number": self.number,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": self.json(),
            "status": self.status,
            "answer": self.answered(),
            "fault": self.fault,
            "time": self.time,
            "seconds": round(self.seconds, 6),
        }


class CallLog:
    """The last 10 000 calls, oldest first. `peak` is the largest number in progress at once."""

    def __init__(self) -> None:
        self.peak = 0
        self._going_on = 0
        self._count = 0
        self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._lock = threading.Lock()

    def begin(self, request: Request, operation: str) -> Call:
        """Log an incoming call."""
        with self._lock:
            self._count += 1
            self._going_on += 1
            self.peak = max(self.peak, self._going_on)
            call = Call(
                number=self._count,
                operation=operation,
                method=request.method,
                path=request.path,
                query=_masked(request.query),
                body=request.body[:KEPT_BODY_BYTES],
                time=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
                started=time.monotonic(),
            )
            self._calls.append(call)
            return call

    def end(self, call: Call, answer: Answer | None) -> None:
        """Log how a call ended; `answer` is None when none went out."""
        with self._lock:
            self._going_on -= 1
            call.seconds = time.monotonic() - call.started
            if answer:
                call.status = answer.status
                call.answer = answer.body[:KEPT_ANSWER_BYTES]

    def all(self, operation: str = "") -> list[Call]:
        """Return the calls, oldest first; only those of `operation` when it is given."""
        with self._lock:
            return [call for call in self._calls if operation in {"", call.operation}]

    def count(self, operation: str = "") -> int:
        """Return the number of calls that are kept."""
        return len(self.all(operation))

    def clear(self) -> None:
        """Forget all calls and reset the peak."""
        with self._lock:
            self._calls.clear()
            self.peak = self._going_on


def _masked(query: tuple[tuple[str, str], ...]) -> str:
    pairs = [(name, "***" if name in MASKED else value) for name, value in query]
    return urlencode(pairs, safe="*[]")


def _readable(body: bytes) -> object:
    if not body:
        return None
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode(errors="replace")
