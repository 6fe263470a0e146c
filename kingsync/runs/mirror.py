"""The mirror of King's master data: filled by imports, and by an export that finds it empty."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping

from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.king import payloads
from integrations.king.reader import KingReader
from integrations.king.records import Kind
from kingsync.models import tenants
from kingsync.models.links import KingRecord, ReadState
from kingsync.rules.plans import ArticleFacts

PURPOSE = "mirror"
BATCH = 500


def hash_of(content: bytes) -> uuid.UUID:
    """Return 16 bytes that tell two contents apart, as the database keeps them."""
    return uuid.UUID(bytes=hashlib.blake2b(content, digest_size=16).digest())


def is_filled(kind: Kind) -> bool:
    """True when King has been read completely for this kind at least once."""
    return ReadState.objects.filter(purpose=PURPOSE, kind=kind.value, complete_at__isnull=False).exists()


def mark_filled(kind: Kind) -> None:
    ReadState.objects.update_or_create(
        tenant_id=tenants.current_id(), purpose=PURPOSE, kind=kind.value, defaults={"complete_at": timezone.now()}
    )


def refresh(king: KingReader, kind: Kind) -> None:
    """Read one kind completely into the mirror."""
    for page in king.iter_pages(kind):
        store(kind, [bytes(raw) for raw in page.records])
    mark_filled(kind)


def store(kind: Kind, records: Iterable[bytes]) -> None:
    """Write records into the mirror; one that cannot be read is left out, King's answer to a write decides then."""
    rows = {}
    for raw in records:
        try:
            row = _row(kind, raw)
        except errors.PayloadError:
            continue
        rows[row.number] = row
    KingRecord.objects.bulk_create(
        rows.values(),
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["tenant", "kind", "number"],
        update_fields=["name", "ean_code", "decimals", "is_blocked", "raw_hash"],
    )


def _row(kind: Kind, raw: bytes) -> KingRecord:
    row = KingRecord(tenant_id=tenants.current_id(), kind=kind.value, raw_hash=hash_of(raw))
    if kind is Kind.ARTICLE:
        article = payloads.article(raw)
        row.number, row.name, row.ean_code = article.number, article.short_description, article.ean_code
        row.decimals, row.is_blocked = article.decimals, article.is_blocked
    elif kind is Kind.RATE:
        rate = payloads.rate(raw)
        row.number, row.name, row.decimals, row.is_blocked = (
            rate.number,
            rate.description,
            rate.decimals,
            rate.is_blocked,
        )
    elif kind is Kind.DEBTOR:
        debtor = payloads.debtor(raw)
        row.number, row.name, row.is_blocked = debtor.number, debtor.name, debtor.is_blocked
    else:
        warehouse = payloads.warehouse(raw)
        row.number, row.name = warehouse.number, warehouse.description
    return row


def find(kind: Kind, codes: set[str]) -> Mapping[str, ArticleFacts]:
    """Return what the mirror knows, by the code asked for: a number, or an article's EAN code."""
    if not codes:
        return {}
    condition = Q(number__in=codes)
    if kind is Kind.ARTICLE:
        condition |= Q(ean_code__in=codes)
    found: dict[str, ArticleFacts] = {}
    by_number: set[str] = set()
    for row in KingRecord.objects.filter(condition, kind=kind.value):
        facts = ArticleFacts(number=row.number, decimals=row.decimals, is_blocked=row.is_blocked)
        if row.number in codes:
            found[row.number] = facts
            by_number.add(row.number)
        if row.ean_code in codes and row.ean_code not in by_number:
            found[row.ean_code] = facts
    return found
