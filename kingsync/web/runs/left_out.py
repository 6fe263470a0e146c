"""Records that an import leaves out on purpose: each import would log them again, so they are listed instead."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from kingsync.messages.reason_texts import sentence
from kingsync.models.links import RecordKind, RecordLink
from kingsync.web.shared import log_subjects

AT_MOST = 10


@dataclass(frozen=True)
class LeftOut:
    subject: log_subjects.Subject
    why: str


def records(slug: str, *, kind: str, number: str) -> list[LeftOut]:
    """Return the first records of a kind, or with a number, that were left out."""
    rows = RecordLink.objects.filter(state=RecordLink.State.SKIPPED, kind__in=[kind] if kind else RecordKind.values)
    if number:
        rows = rows.filter(Q(king_id=number) | Q(outsmart_id=number))
    shown = rows.only("kind", "king_id", "name", "reason").order_by("kind", "king_id")[:AT_MOST]
    return [LeftOut(log_subjects.record(row, slug), sentence(row.reason)) for row in shown]
