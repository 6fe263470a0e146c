"""Post new work orders to OutSmart, each exactly once.

PostWorkorders has no idempotency key and may never answer. So what is about to be posted is saved first; a later run
that finds it saved like that looks it up in OutSmart, and treats what it finds as what was posted. The journal serves a
restored database in the same way: without it the rows of the work order would be sent a second time, to the King order
that they came from.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.client import Client
from kingsync.imports import batch_post
from kingsync.imports.orders import order_links
from kingsync.imports.orders.order_links import State
from kingsync.king_mirror import imported_lines
from kingsync.models.links import RecordLink
from kingsync.rules.imports.imported_orders import NewWork
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.journal import Journal
from kingsync.runs.retry import with_retry

THEIR_FAULT = "1007"


@dataclass(frozen=True)
class Ready:
    """A work order to post, and the hash of the King record it was made from."""

    work: NewWork
    source_hash: uuid.UUID

    @property
    def number(self) -> str:
        return self.work.work_order.king_order_number


def find(outsmart: Client, number: str) -> str | None:
    """Return the id of the work order with this King order number. Raises `PayloadError`."""
    raw = with_retry(lambda: outsmart.find_work_order(king_order_number=number))
    return None if raw is None else payloads.outsmart_id(raw)


def post(outsmart: Client, batch: Sequence[Ready], journal: Journal) -> dict[str, Reason]:
    """Post work orders that OutSmart does not have, and save the result; return why some were refused.

    Raises the errors that are not about one record; what was saved before then leads the next run to the rest.
    """
    _save_intent(batch)
    journal.about_to_create_all(ready.number for ready in batch)
    ids: dict[str, str] = {}
    refusals = batch_post.halving(lambda part: ids.update(_sent(outsmart, part)), batch)
    refused = {ready.number: why for ready, why in refusals}
    made = [ready for ready in batch if ready.number in ids]
    refused |= {ready.number: reason("order_not_made") for ready in batch if ready.number not in {*refused, *ids}}
    with transaction.atomic():
        order_links.store([_link(ready, State.LINKED, outsmart_id=ids[ready.number]) for ready in made])
        imported_lines.forget(refused)
    return refused


def _save_intent(batch: Sequence[Ready]) -> None:
    why = reason("order_being_posted")
    with transaction.atomic():
        order_links.store([_link(ready, State.REJECTED, why=why) for ready in batch])
        imported_lines.store(ready.work for ready in batch)


def save_again(ready: Ready, outsmart_id: str) -> None:
    """Save a work order that was posted before the database was restored to an earlier state."""
    with transaction.atomic():
        order_links.store([_link(ready, State.LINKED, outsmart_id=outsmart_id)])
        imported_lines.store([ready.work])


def _link(ready: Ready, state: State, *, outsmart_id: str = "", why: Reason | None = None) -> RecordLink:
    work_order = ready.work.work_order
    return order_links.made(
        ready.number,
        state=state,
        outsmart_id=outsmart_id,
        name=work_order.customer_name,
        sent=msgspec.json.encode(work_order).decode(),
        source_hash=ready.source_hash,
        why=why,
    )


def _sent(outsmart: Client, batch: Sequence[Ready]) -> dict[str, str]:
    """Post work orders and return OutSmart's ids; after a lost answer, repeat only those that OutSmart does not have.

    Those that OutSmart had already may be absent from its answer, and are looked up.
    """
    try:
        ids = with_retry(lambda: outsmart.post_work_orders([ready.work.work_order for ready in batch]))
    except errors.OutcomeUnknownError:
        ids = _looked_up(outsmart, batch)
        missing = [ready for ready in batch if ready.number not in ids]
        ids |= _once_more(outsmart, missing)
    return ids | _looked_up(outsmart, [ready for ready in batch if ready.number not in ids])


def _once_more(outsmart: Client, batch: Sequence[Ready]) -> dict[str, str]:
    try:
        return with_retry(lambda: outsmart.post_work_orders([ready.work.work_order for ready in batch]))
    except errors.OutcomeUnknownError as error:
        if error.code != THEIR_FAULT:
            raise
        # OutSmart's own fault, twice, for these very rows: one of them may be the cause, so search for it.
        raise errors.RejectedError(
            system=error.system, operation=error.operation, code=error.code, detail=error.detail
        ) from None


def _looked_up(outsmart: Client, batch: Sequence[Ready]) -> dict[str, str]:
    found = {ready.number: find(outsmart, ready.number) for ready in batch}
    return {number: outsmart_id for number, outsmart_id in found.items() if outsmart_id}
