"""A work order and its King order side by side, line by line, for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.king.records import LineKind
from integrations.outsmart.records import Material, WorkPeriod
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger, supplements
from kingsync.exports.lines import ledger_lines
from kingsync.models.links import KingRecord, RecordKind, RecordLink, WorkStatus
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import hours, mapping, matching, orders, travel
from kingsync.rules.plans import Content, Plan, RelevantMasterData, SavedLine
from kingsync.web.shared.dates import as_written
from kingsync.web.work_orders import employees, line_labels, record_names
from kingsync.web.work_orders.record_names import Names

Fact = tuple[str, str]
_RECORD_KINDS: dict[str, KingRecord.Kind] = {
    LineKind.ARTICLE.value: KingRecord.Kind.ARTICLE,
    LineKind.RATE.value: KingRecord.Kind.RATE,
}

# OutSmart's fields of the whole work order, in the sequence of the page.
_SOURCE_DETAILS: tuple[tuple[str | Promise, str], ...] = (
    (gettext_lazy("Customer"), "customer_name"),
    (gettext_lazy("Debtor number"), "customer_debtor_number"),
    (gettext_lazy("Invoice to"), "invoice_customer_name"),
    (gettext_lazy("Debtor number of the invoice"), "invoice_debtor_number"),
    (gettext_lazy("Work date"), "work_date"),
    (gettext_lazy("Finished on"), "work_end_date"),
    (gettext_lazy("Type of work"), "type_of_work"),
    (gettext_lazy("Employee"), "employee_number"),
    (gettext_lazy("Project"), "project_number"),
    (gettext_lazy("External project number"), "external_project_number"),
    (gettext_lazy("Reference"), "reference"),
    (gettext_lazy("External reference"), "external_reference"),
    (gettext_lazy("External work order number"), "king_order_number"),
    (gettext_lazy("Status"), "status"),
    (gettext_lazy("Work order status"), "work_status"),
    (gettext_lazy("Signed by"), "signed_by"),
    (gettext_lazy("Comment"), "comment"),
)


@dataclass(frozen=True)
class OurSide:
    """One row of the work order. `detail` holds its other fields."""

    title: str
    detail: str = ""


@dataclass(frozen=True)
class KingSide:
    """What we sent as one line, or are about to send."""

    kind: str
    article: str
    quantity: str
    detail: str
    text: str
    name: str = ""


@dataclass(frozen=True)
class PairedLine:
    """One line on both sides. `ours` None: no longer in the work order; `line` None: no run has processed it yet."""

    kind: str
    ours: OurSide | None
    line: OrderLine | None
    king: KingSide | None
    rounding: str = ""
    amount: str = ""
    price: str = ""
    reasons: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """Both documents. `is_readable` is False when OutSmart's answer was not stored or could not be parsed."""

    is_readable: bool
    description: str
    ours: list[Fact]
    king: list[Fact]
    lines: list[PairedLine]
    imported: RecordLink | None
    has_king_prices: bool
    names: Names


def pair_of(row: WorkOrder) -> Pair:
    """Return both documents of a work order, in at most seven queries."""
    lines = list(OrderLine.objects.filter(work_order=row, part=row.part).order_by("position", "pk"))
    choices = _choices_of(row)
    source = ledger.source_of(row)
    booked = tuple(ledger_lines.as_saved(line) for line in lines)
    plan = _plan_of(row, source, choices, booked) if source else None
    names = employees.names_of(source) if source else {}
    of_king = _names_of(row, lines, plan, source)
    return Pair(
        is_readable=source is not None,
        description=source.work_description if source else "",
        ours=list(_source_details(source, names)),
        king=list(_king_details(row, plan, of_king)),
        lines=_paired(lines, source, plan, choices, names, of_king=of_king),
        imported=_imported(row),
        has_king_prices=any(line.price_of == OrderLine.PriceOf.KING for line in lines),
        names=of_king,
    )


def _names_of(row: WorkOrder, lines: Sequence[OrderLine], plan: Plan | None, source: Source | None) -> Names:
    """Return the names of King's records on both documents and in the reasons."""
    records = {(KingRecord.Kind.DEBTOR, plan.header.debtor_number)} if plan else set()
    for line in lines:
        kind = _RECORD_KINDS.get(line.sent.get("kind", ""))
        records |= {(kind, str(line.sent.get("article", "")))} if kind else set()
    for why in (*row.reasons, *(each for line in lines for each in line.reasons)):
        records |= record_names.named_in(why.get("params", {}))
    sources = [source] if source else []
    return record_names.read(records, sources=sources, administration_id=row.administration_id)


def _source_details(source: Source | None, names: Mapping[str, str]) -> Iterator[Fact]:
    for label, name in _SOURCE_DETAILS:
        value = str(getattr(source, name, "")).strip()
        if value and name == "employee_number":
            yield str(label), employees.shown(value, names)
        elif value:
            yield str(label), _status_name(value) if name == "work_status" else as_written(value)


def _status_name(code: str) -> str:
    """Return a work order status as OutSmart shows it, "1 - Naar King"; an unknown one as its code."""
    return str(WorkStatus.objects.filter(code=code).first() or code)


def _choices_of(row: WorkOrder) -> mapping.Exports:
    """Return the settings of the work order's last run; the current ones if those were not kept."""
    version = SettingsVersion.objects.filter(version=row.settings_version).first() if row.settings_version else None
    if version is not None:
        return msgspec.convert(version.document, mapping.Mapping).exports
    current = SyncSettings.objects.first()
    return current.as_mapping().exports if current else mapping.Exports()


def _plan_of(row: WorkOrder, source: Source, choices: mapping.Exports, booked: tuple[SavedLine, ...]) -> Plan:
    """Return the order according to the rule, without asking what King knows."""
    if row.part > 1:
        return supplements.of_part(row, source, choices, RelevantMasterData())
    number = row.king_order_number or ""
    return orders.from_work_order(
        source, choices, master_data=RelevantMasterData(), booked=booked, king_order_number=number
    )


def _imported(row: WorkOrder) -> RecordLink | None:
    """Return the link of the order import, if the work order was made from a King order."""
    if not row.king_order_number:
        return None
    links = RecordLink.across_administrations.filter(administration_id=row.administration_id)
    found = links.filter(kind=RecordKind.ORDER, king_id=row.king_order_number)
    return found.filter(outsmart_id=row.outsmart_id).first()


# --- King's header ----------------------------------------------------------------------------------------------------


def _king_details(row: WorkOrder, plan: Plan | None, names: Names) -> Iterator[Fact]:
    if not row.king_order_number:
        return
    yield _("King order"), row.king_order_number
    if not row.is_created_by_us:
        yield _("Header"), _("Maintained in King: in an order that kingsync did not create, it only changes lines.")
        return
    yield _("Our reference"), orders.external_number(row.outsmart_id, row.part)
    if plan is None:
        return
    header = plan.header
    yield _("Debtor number"), names.beside(KingRecord.Kind.DEBTOR, header.debtor_number) or "–"
    yield _("Reference"), header.reference or "–"
    yield _("Order date"), formats.date_format(header.order_date, "j F Y") if header.order_date else "–"
    yield _("Delivery date"), formats.date_format(header.delivery_date, "j F Y") if header.delivery_date else "–"
    yield _("Approved"), _("yes") if row.is_approved else _("no")


# --- Lines ------------------------------------------------------------------------------------------------------------


def _paired(
    lines: Sequence[OrderLine],
    source: Source | None,
    plan: Plan | None,
    choices: mapping.Exports,
    names: Mapping[str, str],
    *,
    of_king: Names,
) -> list[PairedLine]:
    """Return the lines in the sequence of the settings; those that are no longer in the work order come last."""
    by_key = {line.key: line for line in lines}
    keys = matching.Keys.of(source, map(ledger_lines.as_saved, lines)) if source else matching.Keys()
    rows = _rows_of(source, plan, choices, keys, names) if source and plan else {}
    paired = [_pair(kind, ours, by_key.get(key), choices, of_king) for key, (kind, ours) in rows.items()]
    gone = [line for line in lines if line.key not in rows]
    return paired + [_pair(line.kind, _by_label(line, is_gone=bool(rows)), line, choices, of_king) for line in gone]


def _by_label(line: OrderLine, *, is_gone: bool) -> OurSide | None:
    return None if is_gone else OurSide(line_labels.origin(line))


def _pair(
    kind: str, ours: OurSide | None, line: OrderLine | None, choices: mapping.Exports, of_king: Names
) -> PairedLine:
    return PairedLine(
        kind=str(OrderLine.Kind(kind).label),
        ours=ours,
        line=line,
        king=_king_side(line, of_king) if line else None,
        reasons=[of_king.in_reason(why) for why in line.reasons] if line else [],
        rounding=line_labels.rounding(line, step=choices.hour_rounding) if line else "",
        amount=line_labels.amount(line) if line else "",
        price=line_labels.price(line) if line else "",
    )


def _rows_of(
    source: Source, plan: Plan, choices: mapping.Exports, keys: matching.Keys, names: Mapping[str, str]
) -> dict[str, tuple[str, OurSide]]:
    """Return key of a line → its row in the work order, in the sequence of the settings."""
    periods = {keys.period(row): row for row in source.periods}
    hours_of = {key: ("hours", _period(row, names)) for key, row in periods.items()}
    if choices.travel_article.strip():
        hours_of |= {
            keys.travel(key): ("travel", OurSide(row.travel, row.work_date))
            for key, row in periods.items()
            if travel.distance(row) is not None
        }
    groups: dict[str, dict[str, tuple[str, OurSide]]] = {
        "materials": {keys.material(row): ("material", _material(row)) for row in source.materials},
        "hours": hours_of,
        "text": {
            line.origin.key: ("text", OurSide(line_labels.text_label(line.origin.label), line.content.text))
            for line in plan.lines
            if line.content.kind == LineKind.TEXT and line.origin.key.startswith("text|")
        },
    }
    return {key: row for name in choices.order_line_sequence.split("_") for key, row in groups[name].items()}


def _material(row: Material) -> OurSide:
    amount = " ".join(part for part in (row.quantity, row.unit) if part)
    parts = [
        amount,
        _("warehouse %(code)s") % {"code": row.warehouse} if row.warehouse else "",
        _("warranty %(code)s") % {"code": row.warranty} if row.warranty.strip() else "",
    ]
    title = " · ".join(part for part in (row.code, row.name) if part)
    return OurSide(title or f"{row.position}", " · ".join(part for part in parts if part))


def _period(row: WorkPeriod, names: Mapping[str, str]) -> OurSide:
    span = "–".join(part for part in (row.begin_time, row.end_time) if part)
    pause = _("break of %(minutes)s minutes") % {"minutes": row.break_minutes} if row.break_minutes.strip("0 ") else ""
    total = _("time %(time)s") % {"time": row.total_time} if row.total_time else ""
    distance = _("travel distance %(distance)s") % {"distance": row.travel} if row.travel.strip("0 ") else ""
    work_object = _("object %(code)s") % {"code": row.object_code} if row.object_code else ""
    number = row.employee_number.strip()
    who = _("employee %(number)s") % {"number": employees.shown(number, names)} if number else ""
    parts = [row.work_date, span, pause, total, distance, work_object, who, row.remark]
    return OurSide(row.hour_type or _("no hour type"), " · ".join(part for part in parts if part))


def _king_side(line: OrderLine, names: Names) -> KingSide | None:
    """Return what was sent last, or what is planned as far as we know; None if nothing goes to King."""
    if line.sent:
        sent = msgspec.convert(line.sent, Content, strict=False)
        quantity = line_labels.number(sent.quantity)
        detail = [
            _("warehouse %(code)s") % {"code": sent.warehouse} if sent.warehouse else "",
            _("price %(price)s") % {"price": line_labels.number(sent.price)} if sent.price is not None else "",
        ]
        kind = _RECORD_KINDS.get(sent.kind)
        return KingSide(
            kind=line_labels.king_kind(sent.kind),
            article=sent.article,
            quantity=quantity,
            detail=" · ".join(filter(None, detail)),
            text=sent.text,
            name=names.of(kind, sent.article) if kind else "",
        )
    if line.state == OrderLine.State.PLANNED and line.quantity is not None:
        return KingSide(line_labels.king_kind(None), "", line_labels.number(hours.plain(line.quantity)), "", "")
    return None
