"""The failed calls of a run, for debugging: recorded as they happen, stored with the log entry they caused."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar

from integrations.calls import Call
from kingsync.models.connections import System
from kingsync.rules.outcomes import Reason

# A refused batch is halved until the bad rows are found: this many refusals may lie between call and entry.
REMEMBERED = 50
SHOWN_CHARACTERS = 2_000

# The system whose refusal is behind a reason that does not name it itself.
_BEHIND: dict[str, System] = {
    "order_refused": System.KING,
    "order_busy": System.KING,
    "approval_refused": System.KING,
    "not_looked_up": System.KING,
    "refused_by_king": System.KING,
    "confirmation_failed": System.OUTSMART,
    "refused_by_outsmart": System.OUTSMART,
}
_SYSTEMS = {str(system.label): system for system in System}
Shown = dict[str, object]


class FailedCalls:
    """Records the last failed calls of a run, including those of other threads."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[Call]] = {str(system): deque(maxlen=REMEMBERED) for system in System}

    def hear(self, call: Call) -> None:
        if call.reason:
            self._calls.setdefault(call.system, deque(maxlen=REMEMBERED)).append(call)

    def behind(self, why: Reason, *, record_ids: tuple[str, ...] = (), must_name: bool = False) -> Shown | None:
        """Return the call behind a reason, ready to be stored; None when no failed call caused it.

        A call that names the record takes precedence over one that does not; with `must_name` the others are ignored.
        """
        found = self._matching(why)
        naming = [call for call in found if _names(call, record_ids)]
        candidates = naming if naming or must_name else found
        return shown(candidates[0]) if candidates else None

    def _matching(self, why: Reason) -> list[Call]:
        """Return the failed calls that may be behind a reason, newest first."""
        code = why.params.get("code", why.code) if why.code == "line_refused" else why.code
        operation = why.params.get("operation", "") if code.startswith("system.") else ""
        system = _SYSTEMS.get(why.params.get("system", "")) if code.startswith("system.") else _BEHIND.get(code)
        # A copy: another thread may add a call meanwhile.
        calls = list(self._calls[system]) if system else []
        return [call for call in reversed(calls) if not operation or call.operation == operation]


def shown(call: Call) -> Shown:
    """Return a call as the log stores it. The transport masked its secrets before it was cut."""
    return {
        "system": call.system,
        "operation": call.operation,
        "method": call.method,
        "query": {name: value[:SHOWN_CHARACTERS] for name, value in call.query.items()},
        "body": _storable(call.body),
        "answer": _storable(call.answer),
        "status": call.status,
        "seconds": round(call.seconds, 3),
        "attempt": call.attempt,
        "reason": call.reason,
    }


def _storable(text: str) -> str:
    # PostgreSQL stores no NUL characters.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:SHOWN_CHARACTERS]


def _names(call: Call, record_ids: tuple[str, ...]) -> bool:
    texts = (call.body, *call.query.values())
    return any(each and any(each in text for text in texts) for each in record_ids)


_current: ContextVar[FailedCalls | None] = ContextVar("failed_calls", default=None)


def remember() -> FailedCalls:
    """Start recording the failed calls of this thread's run, until the next run begins."""
    failed = FailedCalls()
    _current.set(failed)
    return failed


def current() -> FailedCalls | None:
    """Return the recorder of the current run's failed calls; None outside runs."""
    return _current.get()
