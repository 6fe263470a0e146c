"""Faults on demand: rules for which call goes wrong, how, and how often."""

from __future__ import annotations

import threading
from typing import Literal, TypeAlias

import msgspec

from sandboxes.messages import Answer, html_answer

Kind: TypeAlias = Literal[
    "latency",
    "timeout_before",
    "timeout_after",
    "late",
    "reset_before",
    "reset_after",
    "http_429",
    "http_500",
    "http_503",
    "html",
    "broken_json",
    "empty",
    "half",
    "refuse",
    "lock_by_user",
    "unauthorized",
]
Times: TypeAlias = int | Literal["forever"]

HTML_PAGE = (
    "<!DOCTYPE html><html><head><title>Fout</title></head><body><h1>De pagina is tijdelijk niet beschikbaar</h1></body>"
)


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule.

    `operation` is the vendor's name, "*" for every call, or "POST relations" for one method only.
    The first `skip` matching calls pass, the next `times` fail. `seconds`: how long to wait or
    hang. `after`: do the work first, for the kinds whose answer is made up here (http_*, html,
    empty). `code` and `message` belong to `refuse`, `status` to `html`, `retry_after` (seconds) to
    `http_429` and `http_503`, `keep` to `lock_by_user` (the user leaves the order open).
    """

    kind: Kind
    operation: str = "*"
    times: Times = 1
    skip: int = 0
    seconds: float = 60.0
    after: bool = False
    code: str = ""
    message: str = ""
    status: int = 200
    retry_after: int = 1
    keep: bool = False

    def fits(self, method: str, operation: str) -> bool:
        """Return whether the rule applies to this call."""
        return self.operation in {"*", operation, f"{method} {operation}"}


class Faults:
    """The rules of one sandbox, in order of creation, and its latency.

    `latency_seconds` is added to every call, on top of all rules.
    """

    def __init__(self) -> None:
        self.latency_seconds = 0.0
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Add a rule after the others."""
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        """Remove all rules and the latency."""
        with self._lock:
            self._rules.clear()
            self.latency_seconds = 0.0

    def rules(self) -> list[Fault]:
        """Return the rules that still have something to do; `skip` and `times` count down."""
        with self._lock:
            return list(self._rules)

    def take(self, method: str, operation: str) -> tuple[float, Fault | None]:
        """Return how long this call must wait first, and the one fault that it gets, if any.

        Latency adds up; of the other kinds the first rule that fits counts, the rest wait their turn.
        """
        with self._lock:
            seconds, met = self.latency_seconds, None
            for rule in list(self._rules):
                if not rule.fits(method, operation) or (met and rule.kind != "latency"):
                    continue
                if not self._use(rule):
                    continue
                if rule.kind == "latency":
                    seconds += rule.seconds
                else:
                    met = rule
            return seconds, met

    def _use(self, rule: Fault) -> bool:
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.times != "forever":
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
        return True


def made_up_answer(fault: Fault) -> Answer | None:
    """Return what a web server in front would answer; None for other kinds of fault."""
    wait = {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case "http_429":
            return Answer(status=429, headers=wait, body=b'{"Message":"Te veel aanroepen."}')
        case "http_500":
            return Answer(status=500, body=b'{"Message":"Er is een fout opgetreden."}')
        case "http_503":
            return msgspec.structs.replace(html_answer(HTML_PAGE, status=503), headers=wait)
        case "html":
            return html_answer(HTML_PAGE, status=fault.status)
        case "empty":
            return Answer()
        case _:
            return None


def spoiled_answer(fault: Fault, answer: Answer) -> Answer:
    """Return the real answer with the damage of `broken_json` or `half`; any other kind leaves it whole."""
    if fault.kind == "broken_json":
        return msgspec.structs.replace(answer, body=answer.body[:-2] + b"!")
    if fault.kind == "half":
        return msgspec.structs.replace(answer, is_cut=True)
    return answer
