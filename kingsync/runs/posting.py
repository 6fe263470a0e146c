"""Batches to OutSmart that survive a bad record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from integrations import errors
from integrations.outsmart.client import Client
from kingsync.models.wording import reason_of
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.records import Row
from kingsync.runs.patience import patiently

T = TypeVar("T")
BATCH = 200
REPEATS = 3


def post(outsmart: Client, kind: str, rows: Sequence[Row]) -> dict[str, Reason]:
    """Post rows of one kind by batch; return OutSmart code → reason for the rows that were refused.

    OutSmart refuses a whole batch for one bad row and does not say which: the batch is halved until the bad row
    stands alone. Posting again is harmless (an upsert), so a lost answer is repeated. Raises the errors that are not
    about one record.
    """
    send = _sender(outsmart, kind)
    refused: dict[str, Reason] = {}
    for start in range(0, len(rows), BATCH):
        for row, why in halving(lambda batch: _repeated(send, batch), rows[start : start + BATCH]):
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


def _repeated(send: Callable[[Sequence[Row]], None], rows: Sequence[Row]) -> None:
    for attempt in range(1, REPEATS + 1):
        try:
            patiently(lambda: send(rows))
        except (errors.OutcomeUnknownError, errors.ServerError):
            if attempt == REPEATS:
                raise
        else:
            return


def _sender(outsmart: Client, kind: str) -> Callable[[Sequence[Row]], None]:
    methods: dict[str, Callable[..., int]] = {
        "customer": outsmart.post_relations,
        "contact_person": outsmart.post_contact_persons,
        "address": outsmart.post_addresses,
        "product": outsmart.post_products,
        "hour_type": outsmart.post_hour_types,
        "warehouse": outsmart.post_warehouses,
    }
    method = methods[kind]

    def send(rows: Sequence[Row]) -> None:
        method([row.payload for row in rows])

    return send
