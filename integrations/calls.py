"""What a call is: the kind of call, its whole answer, and what may be logged of it."""

from __future__ import annotations

import msgspec

_MEGABYTE = 1024 * 1024

# Every operation ends within this, retries and waits included.
OPERATION_SECONDS = 120.0
# An unpaged list may take longer, as long as bytes keep coming.
STREAMING_SECONDS = 600.0

# The largest answers, unpacked: a test or a write; one record; a page of records; an unpaged list.
SMALL_ANSWER_BYTES = 4 * _MEGABYTE
RECORD_ANSWER_BYTES = 32 * _MEGABYTE
PAGE_ANSWER_BYTES = 64 * _MEGABYTE
LIST_ANSWER_BYTES = 256 * _MEGABYTE


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call. Seconds: to connect, between two pieces of the answer, and in all, retries included.

    `streaming_seconds` replaces the time in all while bytes keep coming. `max_bytes` is the largest answer, unpacked.
    `is_write`: the call changes something over there, whatever its method; it is never repeated here.
    Only the query parameters in `visible_query` are shown in logs.
    """

    name: str
    method: str = "GET"
    is_write: bool = False
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_seconds: float = OPERATION_SECONDS
    streaming_seconds: float = 0.0
    max_bytes: int = RECORD_ANSWER_BYTES
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
