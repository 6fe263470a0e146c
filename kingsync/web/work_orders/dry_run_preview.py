"""A stored dry run of one work order, for display."""

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

from kingsync.exports import dry_run
from kingsync.messages import reason_texts
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, OrderLine, WorkOrder
from kingsync.web.work_orders import line_labels

_SENTENCES: dict[str, str | Promise] = {
    "created": gettext_lazy("A new King order would be created."),
    "updated": gettext_lazy("King order %(number)s would be changed."),
    "adopted": gettext_lazy("King has order %(number)s of this work order already; it would be completed."),
    "unchanged": gettext_lazy("King order %(number)s would stay as it is: there is nothing new to send."),
    "rejected": gettext_lazy("Nothing would be sent: the work order would be rejected."),
    "skipped": gettext_lazy("Nothing would be sent: the work order would be held."),
    "uncertain": gettext_lazy("Nothing would be sent: it is not known whether King has the order."),
    "failed": gettext_lazy("The preview could not be calculated."),
}
_ACTIONS: dict[str, tuple[str | Promise, str]] = {
    "new": (gettext_lazy("would be added"), "good"),
    "changed": (gettext_lazy("would be changed"), "warn"),
    "conflict": (gettext_lazy("changed on both sides"), "bad"),
    "unchanged": (gettext_lazy("would stay as it is"), "calm"),
    "refused": (gettext_lazy("would be refused"), "bad"),
    "left_out": (gettext_lazy("would be left out"), "calm"),
    "removed": (gettext_lazy("would be removed"), "warn"),
}
_NOT_AGAIN = (LedgerState.DONE, LedgerState.EXCLUDED)


@dataclass(frozen=True)
class DryRunLine:
    """One line of the order as it would be; `place` is None for a line that would not be in it."""

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
class DryRunOrder:
    """One work order of a dry run; `row` is None when no export has seen it yet."""

    outsmart_id: str
    name: str
    result: DryRunResult
    row: WorkOrder | None
    would_be_sent: bool

    @property
    def may_be_exported(self) -> bool:
        return self.would_be_sent and (self.row is None or self.row.state not in _NOT_AGAIN)


@dataclass(frozen=True)
class DryRunResult:
    """The dry run of one work order."""

    sentence: str
    reasons: list[str]
    notices: list[str]
    header: list[tuple[str, str]]
    lines: list[DryRunLine]


def of(run: SyncRun, row: WorkOrder, booked: Mapping[str, OrderLine]) -> DryRunResult | None:
    """Return this work order's result in a dry run; None if it stored none. Takes its lines by our reference."""
    entries = run.dry_run_examples.get("work_orders", [])
    entry = next((each for each in entries if each.get("outsmart_id", row.outsmart_id) == row.outsmart_id), None)
    return None if entry is None else _of_entry(entry, booked)


def _of_entry(entry: Mapping[str, Any], booked: Mapping[str, OrderLine]) -> DryRunResult:
    number = entry.get("king_order_number") or ""
    return DryRunResult(
        sentence=str(_SENTENCES.get(entry["action"], "%(number)s")) % {"number": number},
        reasons=[reason_texts.sentence(why) for why in entry["reasons"]],
        notices=[reason_texts.sentence(why) for why in entry.get("notices", [])],
        header=_header(entry.get("header", {})) if entry["action"] == "created" else [],
        lines=_lines(entry, booked),
    )


def all_of(run: SyncRun) -> list[DryRunOrder]:
    """Return every work order that a dry run stored."""
    entries = [each for each in run.dry_run_examples.get("work_orders", []) if each.get("outsmart_id")]
    rows = _ledger_rows(entries, run.administration_id)
    lines = OrderLine.objects.filter(work_order__in=[row.pk for row in rows.values()])
    booked = {line.reference: line for line in lines}
    return [_dry_run_order(entry, rows.get(entry["outsmart_id"]), booked) for entry in entries]


def _ledger_rows(entries: list[dict[str, Any]], administration_id: int) -> dict[str, WorkOrder]:
    """Return the ledger rows of these entries, by OutSmart's id."""
    numbers = [entry["outsmart_id"] for entry in entries]
    rows = WorkOrder.across_administrations.filter(administration_id=administration_id, outsmart_id__in=numbers)
    return {row.outsmart_id: row for row in rows.defer("source")}


def _dry_run_order(entry: Mapping[str, Any], row: WorkOrder | None, booked: Mapping[str, OrderLine]) -> DryRunOrder:
    return DryRunOrder(
        outsmart_id=entry["outsmart_id"],
        name=entry.get("order_number") or entry["outsmart_id"],
        result=_of_entry(entry, booked),
        row=row,
        would_be_sent=entry["action"] in dry_run.SENT,
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


def _lines(entry: Mapping[str, Any], booked: Mapping[str, OrderLine]) -> list[DryRunLine]:
    places = iter(range(1, len(entry.get("lines", [])) + 1))
    found = [_line(line, next(places) if "reason" not in line else None) for line in entry.get("lines", [])]
    return found + [_removed(reference, booked.get(reference)) for reference in _really_removed(entry)]


def _really_removed(entry: Mapping[str, Any]) -> list[str]:
    """Return the removed lines, except those that are removed only to be sent again in their place."""
    sent = {line["reference"] for line in entry.get("lines", [])}
    return [reference for reference in entry.get("removed", []) if reference not in sent]


def _line(line: Mapping[str, Any], place: int | None) -> DryRunLine:
    action, tone = _ACTIONS.get(line["action"], (line["action"], "calm"))
    is_text = line["kind"] == OrderLine.Kind.TEXT
    quantity = Decimal(str(line["quantity"])) if line.get("quantity") is not None else None
    as_saved = OrderLine(
        registered_minutes=line.get("registered_minutes"),
        rounded_minutes=line.get("rounded_minutes"),
        quantity=quantity,
    )
    return DryRunLine(
        place=place,
        action=str(action),
        tone=tone,
        kind=str(OrderLine.Kind(line["kind"]).label),
        source=line_labels.text_label(line["source"]) if is_text else line["source"],
        article=line.get("article", ""),
        quantity=line_labels.number(quantity),
        text=line.get("text", ""),
        rounding=line_labels.rounding(as_saved, step=0),
        reason=reason_texts.sentence(line.get("reason", {})),
    )


def _removed(reference: str, line: OrderLine | None) -> DryRunLine:
    action, tone = _ACTIONS["removed"]
    return DryRunLine(
        place=None,
        action=str(action),
        tone=tone,
        kind=str(OrderLine.Kind(line.kind).label) if line else "",
        source=line_labels.origin(line) if line else reference,
        article="",
        quantity="",
        text="",
        rounding="",
        reason="",
    )
