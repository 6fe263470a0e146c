"""Calls that a sandbox holds until a test releases them, so that what happens meanwhile is certain to overlap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandboxes.base import Sandbox
from sandboxes.calls import Call
from sandboxes.faults import Fault
from sandboxes.messages import Answer, Request
from sandboxes.server import Connection

LOOK_SECONDS = 0.005


@contextmanager
def held(sandbox: Sandbox, operation: str, *, skip: int = 0) -> Iterator[None]:
    """Hold every call of this operation inside the block, except the first `skip` since the log was cleared."""
    is_open = threading.Event()
    work_with = sandbox._work_with

    def work_when_let_go(fault: Fault | None, request: Request, connection: Connection, call: Call) -> Answer | None:
        is_held = call.operation == operation and sandbox.calls.count(operation) > skip
        while is_held and not is_open.is_set() and connection.wait(LOOK_SECONDS):
            pass
        return work_with(fault, request, connection, call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "_work_with", work_when_let_go)
        try:
            yield
        finally:
            is_open.set()
