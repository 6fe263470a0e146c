"""What a call is: the kind of call, its whole answer, and what may be logged of it."""

from __future__ import annotations

import msgspec


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call. Time-outs in seconds: to connect, and between two pieces of the answer (in all: twice that).

    `is_write`: the call changes something over there, whatever its method; it is never repeated here.
    Only the query parameters in `visible_query` are shown in logs.
    """

    name: str
    method: str = "GET"
    is_write: bool = False
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    visible_query: frozenset[str] = frozenset()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; `retry_after` in seconds when the other side named a time."""

    status: int
    body: bytes
    retry_after: float | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What may be logged of one call. `status` is None when no answer came, `reason` "" when all was well."""

    system: str
    operation: str
    method: str
    query: dict[str, str]
    body: str
    status: int | None
    seconds: float
    answer: str
    attempt: int
    reason: str
