"""What is saved of each record of a scan: its link, and its row in the mirror."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Count, F, Func, Value
from django.utils import timezone

from kingsync.king_mirror.bulk_upsert import Same, Upsert
from kingsync.messages.reason_texts import stored
from kingsync.models import administrations, tenants
from kingsync.models.import_kinds import MASTER_DATA
from kingsync.models.links import ReadState, RecordLink
from kingsync.rules.imports.customers import SEPARATOR
from kingsync.rules.imports.records import Row
from kingsync.rules.outcomes import Reason

LINKED, REJECTED, SKIPPED, DELETED = (state.value for state in RecordLink.State)
_LINKS = Upsert(
    table="kingsync_recordlink",
    key=("tenant_id", "administration_id", "kind", "king_id"),
    changing=("outsmart_id", "name", "state", "is_active", "source_hash", "sent", "reason", "difference"),
    stamped=("synced_at",),
)
_NEWER_CONTENT = """
    UPDATE kingsync_recordlink AS mine SET sent = other.sent, is_active = other.is_active, source_hash = NULL
    FROM (
        SELECT DISTINCT ON (kind, outsmart_id) kind, outsmart_id, sent, is_active, synced_at, administration_id
        FROM kingsync_recordlink WHERE tenant_id = %(tenant)s AND kind <> 'order' AND sent <> ''
        ORDER BY kind, outsmart_id, synced_at DESC
    ) AS other
    WHERE mine.tenant_id = %(tenant)s AND mine.administration_id = %(present)s AND mine.sent <> ''
    AND mine.kind = other.kind AND mine.outsmart_id = other.outsmart_id
    AND other.administration_id <> mine.administration_id AND other.sent <> mine.sent
"""
LONGEST_NAME = 255
_encode = msgspec.json.Encoder().encode
_NO_REASON = "{}"
_NO_DIFFERENCE = "[]"


class Before(NamedTuple):
    """The stored state of a record when a scan sees it."""

    outsmart_id: str
    state: str
    is_active: bool
    source_hash: uuid.UUID | None
    sent: str
    reason: dict[str, Any]


class Link(NamedTuple):
    """What to save of one record."""

    kind: str
    king_id: str
    outsmart_id: str
    name: str
    state: str
    is_active: bool
    source_hash: bytes | None
    sent: str
    why: Reason | None = None


def of(kinds: Iterable[str], king_ids: Iterable[str]) -> dict[tuple[str, str], Before]:
    """Return the stored state of these records, by kind and King number."""
    found = RecordLink.objects.filter(kind__in=list(kinds), king_id__in=set(king_ids)).values_list(
        "kind", "king_id", "outsmart_id", "state", "is_active", "source_hash", "sent", "reason"
    )
    return {(row[0], row[1]): Before(*row[2:]) for row in found}


def of_former(kind_codes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Before]:
    """Return what OutSmart has of these records from a former administration, by kind and OutSmart code.

    As a record that King has changed since: it is compared with what was sent, and saved in any case.
    """
    if not kind_codes or not administrations.former().exists():
        return {}
    kinds, codes = zip(*kind_codes, strict=True)
    elsewhere = RecordLink.across_administrations.exclude(administration_id=tenants.current_administration_id())
    found = elsewhere.filter(kind__in=set(kinds), outsmart_id__in=set(codes)).exclude(sent="").order_by("synced_at")
    return {
        (kind, code): Before(code, "", is_active, None, sent, {})
        for kind, code, is_active, sent in found.values_list("kind", "outsmart_id", "is_active", "sent")
    }


def count_here(kind: str) -> int:
    """Return how many active records of a kind OutSmart has from the present administration: never more than in all."""
    return RecordLink.objects.filter(kind=kind, state=LINKED, is_active=True).count()


def count_in_outsmart(kind: str) -> int:
    """Return how many active records of a kind OutSmart has from us, from whichever administration."""
    linked = RecordLink.across_administrations.filter(kind=kind, state=LINKED, is_active=True)
    return linked.aggregate(count=Count("outsmart_id", distinct=True))["count"] or 0


def take_over_what_outsmart_has() -> None:
    """Note in the present administration's links what another administration sent meanwhile.

    Without it a switch there and back would leave the other one's content in OutSmart: our own counts as sent. The next
    import reads everything and compares.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEWER_CONTENT, {"tenant": tenants.current_id(), "present": tenants.current_administration_id()})
        has_changed = cursor.rowcount > 0
    if has_changed:
        ReadState.objects.filter(purpose__in=list(MASTER_DATA)).update(complete_at=None)


def forget_parts(kinds: Sequence[str], owners: Iterable[str]) -> None:
    """Remove the rejected parts of these owners from the list, before those that King has are saved.

    What OutSmart has of them stays as last sent, and counts as linked again.
    """
    owner = Func(F("king_id"), Value(f"{SEPARATOR}[^{SEPARATOR}]*$"), Value(""), function="regexp_replace")
    refused = RecordLink.objects.filter(kind__in=kinds[1:], state=REJECTED).alias(owner=owner)
    found = refused.filter(owner__in=list(owners))
    found.filter(sent="").delete()
    found.update(state=LINKED, reason={})


def sent_text(row: Row) -> str:
    """Return a row in the form in which it is stored and compared: JSON in the fields' own order."""
    return _encode(row.payload).decode()


def store(links: Iterable[Link], *, are_new: bool = False) -> bool:
    """Save links; the last one of a King number counts. Returns whether they were new, if expected to be."""
    same: Same = {
        "tenant_id": tenants.current_id(),
        "administration_id": tenants.current_administration_id(),
        "difference": _NO_DIFFERENCE,
        "synced_at": timezone.now(),
    }
    rows = {(link.kind, link.king_id): link for link in links}.values()
    if are_new and _LINKS.add(map(_columns, rows), same):
        return True
    _LINKS.write(map(_columns, rows), same)
    return False


def _columns(link: Link) -> tuple[object, ...]:
    kind, king_id, outsmart_id, name, state, is_active, source_hash, sent, why = link
    return (
        kind,
        king_id,
        outsmart_id,
        name[:LONGEST_NAME],
        state,
        is_active,
        None if source_hash is None else source_hash.hex(),
        sent,
        _NO_REASON if why is None else json.dumps(stored(why)),
    )
