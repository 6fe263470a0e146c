"""Value types of a call: its operation, the whole answer, and what may be logged."""

from __future__ import annotations

import msgspec

_MEGABYTE = 1024 * 1024
BUG = "internal"

# Limit for every operation, retries and waits included.
OPERATION_SECONDS = 120.0
# An unpaged list may take longer, as long as bytes keep coming.
STREAMING_SECONDS = 600.0

# Maximum unpacked size of an answer: a test or a write; one record; a page of records; an unpaged list.
SMALL_ANSWER_BYTES = 4 * _MEGABYTE
RECORD_ANSWER_BYTES = 32 * _MEGABYTE
PAGE_ANSWER_BYTES = 64 * _MEGABYTE
LIST_ANSWER_BYTES = 256 * _MEGABYTE


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call.

    The time limits, in seconds: to connect, between two pieces of the answer, and in total, retries included.
    `streaming_seconds` replaces the total while bytes keep coming. `max_bytes` is the largest unpacked answer.
    `is_write`: the call changes something at the other side, whatever its method; it is never repeated here.
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
    """A whole answer; `retry_after` is in seconds, set when the other side named a time."""

    status: int
    body: bytes
    retry_after: float | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How one try of a call ended, without any of its contents: for those who count and measure.

    `reason` is "" when nothing went wrong, a word of `errors.REASONS`, or BUG when our own code failed.
    """

    system: str
    operation: str
    reason: str
    status: int | None
    seconds: float
    attempt: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What may be logged of one call. `status` is None when no answer came, `reason` is "" when nothing went wrong."""

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
