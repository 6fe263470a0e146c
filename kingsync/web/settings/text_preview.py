"""Preview of the text lines as typed, filled in from a work order; static/settings/tags.js shows it as text."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.exports import sample_work_order
from kingsync.models.sync_settings import TEXT_LINES, Rounding
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import texts
from kingsync.web.shared import access

# Longer lines are refused when saving; longer values are of no use in a list.
LINE_LENGTH, VALUE_LENGTH = 500, 80


@require_POST
@access.members
def text_preview(request: access.TenantRequest) -> HttpResponse:
    """Return each line in parts, and the value of every tag in the chosen work order. Writes nothing."""
    row = sample_work_order.chosen(_number(request.POST.get("example", "")))
    value_of = sample_work_order.values_of(row, hour_rounding=_rounding(request.POST))
    return JsonResponse(
        {
            "lines": {name: _line(request.POST.get(name, ""), value_of) for name in TEXT_LINES},
            "values": {tag: " ".join(value_of(tag).split())[:VALUE_LENGTH] for tag in texts.TAGS},
            "example": row.pk if row else None,
            "examples": [{"pk": each.pk, "label": _label(each)} for each in sample_work_order.recent()],
        }
    )


def _line(template: str, value_of: Callable[[str], str]) -> dict[str, object]:
    parts = list(texts.pieces(template[:LINE_LENGTH], value_of))
    unknown = next((part for part in parts if part.is_unknown), None)
    problem = ""
    if unknown:
        problem = _("“%(text)s” (position %(position)s) is not a known tag.") % {
            "text": unknown.text,
            "position": unknown.position,
        }
    return {
        "parts": [{"text": part.text, "unknown": part.is_unknown} for part in parts],
        "is_empty": not "".join(part.text for part in parts).strip(),
        "problem": problem,
        "position": unknown.position if unknown else None,
    }


def _label(row: WorkOrder) -> str:
    return " · ".join(part for part in (row.order_number or row.outsmart_id, row.customer_name) if part)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _rounding(sent: QueryDict) -> int:
    wanted = _number(sent.get("hour_rounding", ""))
    return wanted if wanted in Rounding.values else Rounding.FIFTEEN
