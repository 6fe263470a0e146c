"""A check of the installation, and how many are carried out: what hangs or breaks in one is a line of its own."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import connections

# Longer than any server that works takes, shorter than an operator waits.
SECONDS = 10.0


class State(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it; neither may contain a secret."""

    state: State
    text: str
    todo: str = ""
    check: str = ""


@dataclass(frozen=True)
class Check:
    """`look` returns what it found. `needs` names earlier checks: where one is wrong, this one can tell nothing."""

    name: str
    look: Callable[[], Sequence[Finding]]
    needs: tuple[str, ...] = ()


def ok(text: str) -> Finding:
    return Finding(State.OK, text)


def warning(text: str, todo: str) -> Finding:
    return Finding(State.WARNING, text, todo)


def wrong(text: str, todo: str) -> Finding:
    return Finding(State.WRONG, text, todo)


def examined(checks: Iterable[Check], *, seconds: float = SECONDS) -> Iterator[Finding]:
    """Carry the checks out one after the other, each for at most so many seconds, and yield what they found."""
    to_blame: dict[str, str] = {}
    for check in checks:
        cause = next((to_blame[name] for name in check.needs if name in to_blame), "")
        found = [_not_checked(cause)] if cause else _looked(check, seconds)
        if cause or any(each.state == State.WRONG for each in found):
            to_blame[check.name] = cause or check.name
        yield from (replace(each, check=check.name) for each in found)


def _not_checked(cause: str) -> Finding:
    return warning(f"not checked, because of: {cause}", f"Repair what is said of: {cause}. Then run this again.")


def _looked(check: Check, seconds: float) -> Sequence[Finding]:
    """Carry a check out in a thread of its own, which is left behind where it does not end."""
    found: list[Finding] = []
    thread = threading.Thread(target=_look, args=(check, found), name=f"doctor: {check.name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        todo = "Something hangs. Look at the load and the log of what is named here, then run this again."
        return [wrong(f"no answer within {seconds:g} seconds", todo)]
    return found


def _look(check: Check, found: list[Finding]) -> None:
    try:
        found.extend(check.look())
    except Exception as error:  # noqa: BLE001 - whatever breaks is what is to be told
        # Its text may quote an address with a password in it.
        todo = "Look at the log of what is named here; without a cause there, report this line to us."
        found.append(wrong(f"could not be checked ({type(error).__name__})", todo))
    finally:
        connections.close_all()
