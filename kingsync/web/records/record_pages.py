"""The records of King's master data: what was rejected and why, and one record as it was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import formats
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from kingsync.messages.field_names import field_name
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.web.records import record_list
from kingsync.web.shared import access

LATEST_ENTRIES = 30
# OutSmart's flags: "0" and "1" in a row.
FLAGS = frozenset({"active", "cost_booking", "sale_booking"})
AMOUNTS = frozenset({"price", "quantity"})


@dataclass(frozen=True)
class Value:
    """One field of a row, in words; `lines` if it holds rows itself, else `text`."""

    label: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One field that differs: the value here, and the value that is or would be on the other side."""

    label: str
    before: str
    after: str


@require_safe
@access.members
def records(request: access.TenantRequest) -> HttpResponse:
    """Show the records of one state, the first that has any by default; filtered by kind, number or name."""
    asked = record_list.wanted(request.GET)
    rejected = record_list.rejected_counts()
    page = record_list.page(asked)
    context = {
        "asked": asked,
        "page": page,
        "tabs": record_list.TABS.items(),
        "kinds": [(kind, rejected.get(kind.value, 0)) for kind in RecordKind],
        "rejected_total": sum(rejected.values()),
        "search_length": record_list.SEARCH_LENGTH,
        "has_any": bool(page.rows) or RecordLink.objects.exists(),
    }
    return render(request, "records/records.html", context)


@require_safe
@access.members
def record(request: access.TenantRequest, record_id: int) -> HttpResponse:
    """Show one record: its two numbers, the row as sent, why it was rejected, its history."""
    found = get_object_or_404(RecordLink, pk=record_id)
    entries = LogEntry.objects.filter(outsmart_id=found.outsmart_id, record_kind=found.kind)
    context = {
        "record": found,
        "is_order": found.kind == RecordKind.ORDER,
        "sent": sent_values(found.sent),
        "differences": [
            Change(field_name(str(each.get("field", ""))), shown(each.get("sent")), shown(each.get("king")))
            for each in found.difference
        ],
        "entries": entries.order_by("-pk")[:LATEST_ENTRIES],
    }
    return render(request, "records/record.html", context)


def sent_values(sent: str) -> list[Value]:
    """Return the filled fields of a row as posted, in its own order."""
    row = json.loads(sent) if sent else {}
    return [_value(field, content) for field, content in row.items() if content not in ("", None, [])]


def changes_of(changes: Mapping[str, tuple[object, object]]) -> list[Change]:
    """Return the fields that differ in a stored entry, in words."""
    return [
        Change(field_name(field), shown(before, field=field), shown(after, field=field))
        for field, (before, after) in changes.items()
    ]


def _value(field: str, content: object) -> Value:
    if isinstance(content, list):
        return Value(field_name(field), "", tuple(_line(each) for each in content))
    return Value(field_name(field), shown(content, field=field))


def _line(row: object) -> str:
    if not isinstance(row, dict):
        return str(row)
    return " · ".join(
        f"{field_name(field)}: {shown(content, field=field)}" for field, content in row.items() if content != ""
    )


def shown(content: object, *, field: str = "") -> str:
    """Return a value for display; "" for nothing."""
    if content is None:
        return ""
    if field in FLAGS and str(content) in {"0", "1"}:
        return gettext("yes") if str(content) == "1" else gettext("no")
    return _amount(str(content)) if field in AMOUNTS else str(content)


def _amount(text: str) -> str:
    """Return an amount of either system with the language's decimal separator; its digits are unchanged."""
    return text.replace(".", str(formats.get_format("DECIMAL_SEPARATOR")))
