"""The process we run in: a name by which others on this machine can check that it is alive; whether runs share it."""

from __future__ import annotations

import functools
import os
from pathlib import Path

_PROC = Path("/proc")
_is_shared = False


def share() -> None:
    """Let several runs work in this process at once, from its beginning; those that need one go to others."""
    global _is_shared  # noqa: PLW0603  (of the process)
    _is_shared = True


def is_shared() -> bool:
    return _is_shared


def name() -> str:
    """Return `machine/pid/start` of this process; the machine is empty where it cannot be checked."""
    return f"{_machine()}/{os.getpid()}/{_start_of(os.getpid())}"


def is_surely_gone(name: str) -> bool:
    """Return whether the named process has ended. False if that cannot be known from here."""
    machine, _, process = name.partition("/")
    pid, _, start = process.partition("/")
    if not machine or machine != _machine() or not pid.isdecimal():
        return False
    return _start_of(int(pid)) != start


@functools.cache
def _machine() -> str:
    """Return what identifies the processes that see each other's ids: the boot and the PID namespace."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Return when a living process began, in the kernel's ticks; "" for none, or for a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start
