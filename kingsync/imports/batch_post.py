"""Batches to OutSmart that survive a bad record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from integrations import errors
from integrations.outsmart.client import Client
from kingsync.messages.reason_texts import reason_of
from kingsync.models.import_kinds import POSTS
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.records import Row
from kingsync.runs.retry import patiently

T = TypeVar("T")
BATCH = 200
# OutSmart's words for a fault of its own: its code, or a web server's.
THEIR_FAULT, SERVER_FAULT = "1007", 500
# So many rows of a kind may make OutSmart stumble before it is taken for a fault of all of them.
STUMBLED_AT_MOST = 5


def post(
    outsmart: Client, kind: str, rows: Sequence[Row], *, may_go_on: Callable[[], None] = lambda: None
) -> dict[str, Reason]:
    """Post rows of one kind by batch; return OutSmart code → reason for the rows that were refused.

    OutSmart refuses a whole batch for one bad row and does not say which: the batch is halved until the bad row
    stands alone. Posting again is harmless (an upsert), so a lost answer is repeated. `may_go_on` is asked before each
    call, and raises when nothing more may be posted. Raises the errors that are not about one record.
    """
    send = _Sender(outsmart, kind, may_go_on)
    refused: dict[str, Reason] = {}
    for start in range(0, len(rows), BATCH):
        for row, why in halving(send, rows[start : start + BATCH]):
            refused[row.outsmart_id] = why
    return refused


def halving(send: Callable[[Sequence[T]], None], rows: Sequence[T]) -> Iterator[tuple[T, Reason]]:
    """Send the rows; where they are refused, halve them until the bad row stands alone. Yields what is refused."""
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
    """Sends batches of one kind; repeats what was lost, and knows a row that OutSmart stumbles over."""

    def __init__(self, outsmart: Client, kind: str, may_go_on: Callable[[], None]) -> None:
        self._send: Callable[..., int] = getattr(outsmart, POSTS[kind].method)
        self._may_go_on = may_go_on
        self._stumbled = 0

    def __call__(self, rows: Sequence[Row]) -> None:
        """Send the rows; raises RejectedError when one of them is the cause of the trouble, or may be."""
        try:
            patiently(lambda: self._once(rows), is_harmless=True)
        except errors.OutcomeUnknownError as error:
            raise self._judged(error, rows) from None

    def _once(self, rows: Sequence[Row]) -> None:
        self._may_go_on()
        self._send([row.payload for row in rows])

    def _judged(self, error: errors.OutcomeUnknownError, rows: Sequence[Row]) -> errors.IntegrationError:
        """Take OutSmart's own fault, time and again at these very rows, for a refusal: one of them may be the cause.

        Not where more and more single rows meet it: then it is no row's fault.
        """
        is_their_fault = error.code == THEIR_FAULT or error.status == SERVER_FAULT
        self._stumbled += len(rows) == 1
        if not is_their_fault or self._stumbled > STUMBLED_AT_MOST:
            return error
        return errors.RejectedError(
            system=error.system,
            operation=error.operation,
            status=error.status,
            code=error.code,
            detail=error.detail or f"HTTP {error.status}",
        )
