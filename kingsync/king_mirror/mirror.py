"""The mirror of King's master data: filled by imports, and by an export that finds it empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.king.limits import LARGEST_NUMBER, MOST_DECIMALS
from integrations.king.reader import KingReader
from integrations.king.records import Article, Debtor, Kind, Rate, Warehouse
from kingsync.king_mirror.bulk_upsert import Upsert
from kingsync.king_mirror.prefetch import prefetched
from kingsync.models import tenants
from kingsync.models.import_kinds import MASTER_DATA
from kingsync.models.links import KingRecord, ReadState
from kingsync.rules.plans import ArticleData

PURPOSE = "mirror"
AT_ONCE = 5000
LONGEST_NUMBER, LONGEST_EAN_CODE, LONGEST_NAME = 50, 14, 255  # kingsync.models.links.KingRecord
Mirrored = Article | Debtor | Rate | Warehouse
_DECODE: Mapping[Kind, Callable[[bytes], Mirrored]] = {kind.king_kind: kind.decode for kind in MASTER_DATA.values()}


class _Row(NamedTuple):
    number: str
    name: str
    ean_code: str
    decimals: int | None
    is_blocked: bool
    price: Decimal | None = None


_MIRROR = Upsert(
    table="kingsync_kingrecord",
    key=("tenant_id", "administration_id", "kind", "number"),
    changing=("name", "ean_code", "decimals", "is_blocked", "price"),
)


def filled() -> set[str]:
    """Return the kinds for which King has been read completely at least once."""
    complete = ReadState.objects.filter(purpose=PURPOSE, complete_at__isnull=False)
    return set(complete.values_list("kind", flat=True))


def is_filled(kind: Kind) -> bool:
    return kind.value in filled()


def mark_filled(kind: Kind) -> None:
    ReadState.objects.update_or_create(
        tenant_id=tenants.current_id(), purpose=PURPOSE, kind=kind.value, defaults={"complete_at": timezone.now()}
    )


def refresh(king: KingReader, kind: Kind) -> None:
    """Read one kind completely into the mirror."""
    are_new = not KingRecord.objects.filter(kind=kind.value).exists()
    waiting: list[Mirrored] = []
    with prefetched(king.iter_pages(kind), lambda page: _readable(kind, page.records), is_early=True) as pages:
        for records in pages:
            waiting += records
            if len(waiting) >= AT_ONCE:
                are_new = store_decoded(kind, waiting, are_new=are_new)
                waiting = []
    store_decoded(kind, waiting, are_new=are_new)
    mark_filled(kind)


def store(kind: Kind, records: Iterable[bytes]) -> None:
    """Write records into the mirror, leaving out unreadable ones: King's answer to a write decides then."""
    store_decoded(kind, _readable(kind, records))


def _readable(kind: Kind, records: Iterable[bytes | msgspec.Raw]) -> list[Mirrored]:
    readable = []
    for raw in records:
        try:
            readable.append(_DECODE[kind](raw))
        except errors.PayloadError:
            continue
    return readable


def store_decoded(kind: Kind, records: Iterable[Mirrored], *, are_new: bool = False) -> bool:
    """Write records into the mirror, leaving out or cutting what is too long; return whether all were new."""
    owner = {"tenant_id": tenants.current_id(), "administration_id": tenants.current_administration_id()}
    same = {**owner, "kind": kind.value}
    rows = {row[0]: row for row in map(_row, records) if len(row[0]) <= LONGEST_NUMBER}
    if are_new and rows and _MIRROR.add(rows.values(), same):
        return True
    if rows:
        _MIRROR.write(rows.values(), same)
    return False


def _row(record: Mirrored) -> _Row:
    if isinstance(record, Article):
        ean_code = record.ean_code if len(record.ean_code) <= LONGEST_EAN_CODE else ""
        name, price = _name(record.short_description), _price(record.sales_price)
        return _Row(record.number, name, ean_code, _decimals(record.decimals), record.is_blocked, price)
    if isinstance(record, Rate):
        name, price = _name(record.description), _price(record.price)
        return _Row(record.number, name, "", _decimals(record.decimals), record.is_blocked, price)
    if isinstance(record, Debtor):
        return _Row(record.number, _name(record.name), "", None, record.is_blocked)
    return _Row(record.number, _name(record.description), "", None, False)


def _decimals(number: int) -> int:
    return min(max(number, 0), MOST_DECIMALS)


def _price(number: Decimal | None) -> Decimal | None:
    """Return a price that fits its column; King itself has no larger ones."""
    return number if number is not None and abs(number) <= LARGEST_NUMBER else None


def _name(text: str) -> str:
    return text[:LONGEST_NAME]


def find(kind: Kind, codes: set[str]) -> Mapping[str, ArticleData]:
    """Return what the mirror knows, by the code asked for: a number, or an article's EAN code."""
    if not codes:
        return {}
    condition = Q(number__in=codes)
    if kind is Kind.ARTICLE:
        condition |= Q(ean_code__in=codes)
    found: dict[str, ArticleData] = {}
    by_number: set[str] = set()
    for row in KingRecord.objects.filter(condition, kind=kind.value):
        name = row.name if kind is Kind.DEBTOR else ""
        facts = ArticleData(
            number=row.number, name=name, decimals=row.decimals, is_blocked=row.is_blocked, price=row.price
        )
        if row.number in codes:
            found[row.number] = facts
            by_number.add(row.number)
        if row.ean_code in codes and row.ean_code not in by_number:
            found[row.ean_code] = facts
    return found
