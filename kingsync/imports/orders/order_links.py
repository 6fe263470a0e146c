"""What is stored about King's orders: which have a work order, what was posted, why others have none."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import Step, WorkOrder
from kingsync.rules.imports.records import label
from kingsync.rules.outcomes import Reason, reason

State = RecordLink.State
_CHANGING = ["outsmart_id", "name", "state", "source_hash", "sent", "difference", "reason", "synced_at"]


def of(numbers: Iterable[str]) -> dict[str, RecordLink]:
    found = RecordLink.objects.filter(kind=RecordKind.ORDER, king_id__in=list(numbers))
    return {link.king_id: link for link in found}


def made(
    number: str,
    *,
    state: State,
    outsmart_id: str = "",
    name: str = "",
    sent: str = "",
    source_hash: uuid.UUID | None = None,
    why: Reason | None = None,
) -> RecordLink:
    """Return a link that is not stored yet. One without a work order is keyed by King's own number."""
    return RecordLink(
        tenant_id=tenants.current_id(),
        administration_id=tenants.current_administration_id(),
        kind=RecordKind.ORDER,
        king_id=number,
        outsmart_id=outsmart_id or number,
        name=label(name),
        state=state,
        sent=sent,
        source_hash=source_hash,
        reason=dict(stored(why)) if why else {},
        synced_at=timezone.now(),
    )


def store(links: Sequence[RecordLink]) -> None:
    """Save links; the last one of each order counts.

    A link whose work order belongs to another order is saved as skipped, with that reason.
    """
    links = list({link.king_id: link for link in links}.values())
    owners = _owners(links)
    for link in links:
        owner = owners.setdefault(link.outsmart_id, link.king_id) if link.state == State.LINKED else link.king_id
        if owner != link.king_id:
            link.state = State.SKIPPED
            link.reason = dict(stored(reason("work_order_of_another", work_order=link.outsmart_id, other=owner)))
    RecordLink.objects.bulk_create(
        links,
        update_conflicts=True,
        unique_fields=["tenant", "administration", "kind", "king_id"],
        update_fields=_CHANGING,
    )


def _owners(links: Sequence[RecordLink]) -> dict[str, str]:
    """Return the orders that the work orders of these links already belong to."""
    wanted = [link.outsmart_id for link in links if link.state == State.LINKED]
    if not wanted:
        return {}
    found = RecordLink.objects.filter(kind=RecordKind.ORDER, state=State.LINKED, outsmart_id__in=wanted)
    return dict(found.values_list("outsmart_id", "king_id"))


def in_the_ledger(numbers: Iterable[str]) -> dict[str, bool]:
    """Return the orders that work orders of the ledger are on; True once the export of one has begun to write."""
    rows = WorkOrder.objects.filter(king_order_number__in=list(numbers))
    found: dict[str, bool] = {}
    for number, step in rows.values_list("king_order_number", "step"):
        if number:
            found[number] = found.get(number, False) or step != Step.NEW
    return found


def work_orders_of(link: RecordLink) -> list[str]:
    """Return the ids of the work order that the import made and of the follow-ups on the same order."""
    ids = OrderLink.objects.filter(king_order_number=link.king_id).values_list("work_order__outsmart_id", flat=True)
    return [link.outsmart_id, *ids]


def waiting_for_work() -> QuerySet[RecordLink]:
    """Return the links of orders that should be open in King: they have a work order that is not exported yet."""
    exported = WorkOrder.objects.filter(king_order_number=OuterRef("king_id")).exclude(step=Step.NEW)
    return RecordLink.objects.filter(~Exists(exported), kind=RecordKind.ORDER, state=State.LINKED)
