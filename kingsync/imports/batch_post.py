"""Posting batches to OutSmart, robust against a bad record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from integrations import errors
from integrations.outsmart.client import Client
from kingsync.messages.reason_texts import reason_of
from kingsync.models.import_kinds import POSTS
from kingsync.rules.imports.records import Row
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.retry import with_retry

T = TypeVar("T")
BATCH = 200
# OutSmart's codes for a fault of its own, or a web server's.
THEIR_FAULT, SERVER_FAULT = "1007", 500
# If OutSmart fails on more single rows of a kind than this, no single row is blamed.
FAILED_ROWS_AT_MOST = 5


def post(
    outsmart: Client, kind: str, rows: Sequence[Row], *, may_go_on: Callable[[], None] = lambda: None
) -> dict[str, Reason]:
    """Post rows of one kind in batches; return OutSmart code → reason for the rows that were refused.

    OutSmart refuses a whole batch for one bad row and does not say which: the batch is halved until the bad row is
    alone. Posting again is harmless (an upsert), so a lost answer is repeated. `may_go_on` is called before each call,
    and raises when nothing more may be posted. Raises the errors that are not about one record.
    """
    send = _Sender(outsmart, kind, may_go_on)
    refused: dict[str, Reason] = {}
    for start in range(0, len(rows), BATCH):
        for row, why in halving(send, rows[start : start + BATCH]):
            refused[row.outsmart_id] = why
    return refused


def halving(send: Callable[[Sequence[T]], None], rows: Sequence[T]) -> Iterator[tuple[T, Reason]]:
    """Send the rows; halve refused batches until the bad row is alone. Yields what is refused."""
    try:
        send(rows)
    except errors.RejectedError as error:
        if len(rows) == 1:
            yield rows[0], reason("refused_by_outsmart", detail=reason_of(error).params["detail"])
            return
        middle = len(rows) // 2
        yield from halving(send, rows[:middle])
        yield from halving(send, rows[middle:])


class _Sender:
    """Sends batches of one kind; repeats lost ones, and detects a row that OutSmart fails on."""

    def __init__(self, outsmart: Client, kind: str, may_go_on: Callable[[], None]) -> None:
        self._send: Callable[..., int] = getattr(outsmart, POSTS[kind].method)
        self._may_go_on = may_go_on
        self._stumbled = 0

    def __call__(self, rows: Sequence[Row]) -> None:
        """Send the rows; raises RejectedError when one of them is, or may be, the cause of the failure."""
        try:
            with_retry(lambda: self._once(rows), is_harmless=True)
        except errors.OutcomeUnknownError as error:
            raise self._judged(error, rows) from None

    def _once(self, rows: Sequence[Row]) -> None:
        self._may_go_on()
        self._send([row.payload for row in rows])

    def _judged(self, error: errors.OutcomeUnknownError, rows: Sequence[Row]) -> errors.IntegrationError:
        """Return OutSmart's own fault, repeated for these very rows, as a refusal: one of them may be the cause.

        Not if more and more single rows fail: then it is no row's fault.
        """
        is_their_fault = error.code == THEIR_FAULT or error.status == SERVER_FAULT
        self._stumbled += len(rows) == 1
        if not is_their_fault or self._stumbled > FAILED_ROWS_AT_MOST:
            return error
        return errors.RejectedError(
            system=error.system,
            operation=error.operation,
            status=error.status,
            code=error.code,
            detail=error.detail or f"HTTP {error.status}",
        )
