"""A kept dry run of one work order, as the page shows it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kingsync.models import wording
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.web import line_words

_SENTENCES: dict[str, str | Promise] = {
    "created": gettext_lazy("A new King order would be made."),
    "updated": gettext_lazy("King order %(number)s would be changed."),
    "unchanged": gettext_lazy("King order %(number)s would stay as it is: there is nothing new to send."),
    "rejected": gettext_lazy("Nothing would be sent: the work order would be rejected."),
    "skipped": gettext_lazy("Nothing would be sent: the work order would be held back."),
    "failed": gettext_lazy("Nothing could be foreseen."),
}
_ACTIONS: dict[str, tuple[str | Promise, str]] = {
    "new": (gettext_lazy("new"), "good"),
    "changed": (gettext_lazy("changed"), "warn"),
    "conflict": (gettext_lazy("changed on both sides"), "bad"),
    "unchanged": (gettext_lazy("as it is"), "calm"),
    "refused": (gettext_lazy("refused"), "bad"),
    "left_out": (gettext_lazy("left out"), "calm"),
    "removed": (gettext_lazy("removed"), "warn"),
}


@dataclass(frozen=True)
class ForeseenLine:
    """One line of the order as it would be; `place` is None for what would not stand in it."""

    place: int | None
    action: str
    tone: str
    kind: str
    source: str
    article: str
    quantity: str
    text: str
    rounding: str
    reason: str


@dataclass(frozen=True)
class Foreseen:
    """What an export would do with the work order."""

    sentence: str
    reasons: list[str]
    header: list[tuple[str, str]]
    lines: list[ForeseenLine]


def of(run: SyncRun, row: WorkOrder, booked: Mapping[str, OrderLine]) -> Foreseen | None:
    """Return what a dry run found of this work order; None when it kept nothing. `booked`: our reference → line."""
    entries = run.samples.get("work_orders", [])
    entry = next((each for each in entries if each.get("outsmart_id", row.outsmart_id) == row.outsmart_id), None)
    if entry is None:
        return None
    number = entry.get("king_order_number") or ""
    return Foreseen(
        sentence=str(_SENTENCES.get(entry["action"], "%(number)s")) % {"number": number},
        reasons=[wording.sentence(why) for why in entry["reasons"]],
        header=_header(entry.get("header", {})) if entry["action"] == "created" else [],
        lines=_lines(entry, booked),
    )


def _header(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_("Debtor number"), header.get("debtor_number") or "–"),
        (_("Our reference"), header.get("external_number") or "–"),
        (_("Reference"), header.get("reference") or "–"),
        (_("Order date"), _day(header.get("order_date"))),
        (_("Delivery date"), _day(header.get("delivery_date"))),
        (_("Approve and release"), _("yes") if header.get("is_approved_at_once") else _("no")),
    ]


def _day(text: str | None) -> str:
    return formats.date_format(datetime.date.fromisoformat(text), "j F Y") if text else "–"


def _lines(entry: Mapping[str, Any], booked: Mapping[str, OrderLine]) -> list[ForeseenLine]:
    places = iter(range(1, len(entry.get("lines", [])) + 1))
    told = [_line(line, next(places) if "reason" not in line else None) for line in entry.get("lines", [])]
    return told + [_removed(reference, booked.get(reference)) for reference in _really_removed(entry)]


def _really_removed(entry: Mapping[str, Any]) -> list[str]:
    """Leave out lines that are taken out only to be sent again in their place."""
    sent = {line["reference"] for line in entry.get("lines", [])}
    return [reference for reference in entry.get("removed", []) if reference not in sent]


def _line(line: Mapping[str, Any], place: int | None) -> ForeseenLine:
    action, tone = _ACTIONS.get(line["action"], (line["action"], "calm"))
    is_text = line["kind"] == OrderLine.Kind.TEXT
    quantity = Decimal(str(line["quantity"])) if line.get("quantity") is not None else None
    as_booked = OrderLine(
        registered_minutes=line.get("registered_minutes"),
        rounded_minutes=line.get("rounded_minutes"),
        quantity=quantity,
    )
    return ForeseenLine(
        place=place,
        action=str(action),
        tone=tone,
        kind=str(OrderLine.Kind(line["kind"]).label),
        source=line_words.text_label(line["source"]) if is_text else line["source"],
        article=line.get("article", ""),
        quantity=line_words.number(quantity),
        text=line.get("text", ""),
        rounding=line_words.rounding(as_booked, step=0),
        reason=wording.sentence(line.get("reason", {})),
    )


def _removed(reference: str, line: OrderLine | None) -> ForeseenLine:
    action, tone = _ACTIONS["removed"]
    return ForeseenLine(
        place=None,
        action=str(action),
        tone=tone,
        kind=str(OrderLine.Kind(line.kind).label) if line else "",
        source=line_words.origin(line) if line else reference,
        article="",
        quantity="",
        text="",
        rounding="",
        reason="",
    )
