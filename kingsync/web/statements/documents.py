"""The content of a statement's file, whether of what was signed or of what is now: facts, sums, and the evidence."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from kingsync.messages.reason_texts import sentences
from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement, SignedWorkOrder
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction
from kingsync.statements import agreement, counting, evidence
from kingsync.statements.counting import StateSum
from kingsync.statements.periods import Period, month_of
from kingsync.web.shared.csv_files import Cell
from kingsync.web.statements import labels

BATCH = 1000


@dataclass(frozen=True)
class Document:
    """`rows` are read once, as they are written. `made_at` of what was signed is when it was."""

    title: str
    facts: Sequence[tuple[str, str]]
    states: Sequence[StateSum]
    agreement: Sequence[tuple[str, str]]
    rows: Iterable[dict[str, Any]]
    count: int
    made_at: datetime.datetime
    stem: str


def of_period(tenant: Tenant, period: Period) -> Document:
    """Return a day or month as it is now."""
    totals, now = counting.together(counting.by_day(period).values()), timezone.now()
    undated = counting.undated().count()
    administration = tenants.Administration.objects.get(pk=tenants.current_administration_id())
    facts = [
        *_company(tenant, administration.name),
        (_("Signed"), _("Not signed: this is what it was when the file was made.")),
        (_("Made at"), moment_text(now)),
        *_counts(totals.total, totals.open, undated),
    ]
    rows = evidence.of(period).iterator(chunk_size=BATCH)
    told = list(labels.of_agreement(agreement.of(period)))
    stem = f"{_('statement')}-{tenant.slug}-{period.key}"
    return Document(_title(labels.name_of(period)), facts, totals.states, told, rows, totals.total, now, stem)


def of_signed(tenant: Tenant, statement: SignedStatement) -> Document:
    """Return what was signed: the same in every file of it."""
    month = month_of(statement.month)
    facts = [
        *_company(tenant, statement.administration.name),
        (_("Signed"), labels.version_of(statement)),
        (_("Signed by"), statement.signed_by_name),
        (_("Signed at"), moment_text(statement.signed_at)),
        (_("Remark"), statement.remark or "–"),
        *_counts(statement.total, statement.open_count, statement.undated_count),
        (_("SHA-256 of the statement"), statement.digest),
        (_("SHA-256 of the statement before"), statement.previous_digest or "–"),
    ]
    rows = SignedWorkOrder.objects.filter(statement=statement).order_by(*evidence.ORDER).values(*evidence.COLUMNS)
    totals = counting.from_json(statement.sums)
    told = list(labels.of_agreement(agreement.from_json(statement.agreement)))
    stem = f"{_('statement')}-{tenant.slug}-{month.key}-{statement.version}"
    found = rows.iterator(chunk_size=BATCH)
    title = _title(labels.name_of(month))
    return Document(title, facts, totals.states, told, found, statement.total, statement.signed_at, stem)


def _title(name: str) -> str:
    return _("Statement of %(period)s") % {"period": name}


def _company(tenant: Tenant, administration: str) -> list[tuple[str, str]]:
    return [(_("Company"), tenant.name), (_("Administration"), administration or "–")]


def _counts(total: int, open_count: int, undated: int) -> list[tuple[str, str]]:
    return [
        (_("Work orders"), str(total)),
        (_("Open"), str(open_count)),
        (_("Without a date, in no month"), str(undated)),
    ]


# --- Rows -------------------------------------------------------------------------------------------------------------


def head() -> list[str]:
    return [
        _("OutSmart number"),
        _("Work order"),
        _("Customer"),
        _("Date"),
        _("State"),
        _("King orders"),
        _("Amount excl. VAT"),
        _("Prices are missing"),
        _("Decision"),
        _("Decided by"),
        _("Decided at"),
        _("In King since"),
        _("Reported to OutSmart at"),
        _("Compared with OutSmart at"),
        _("Read back from King at"),
        _("Different in King"),
        _("Settings version"),
        _("Why"),
        _("Fingerprint of the work order"),
    ]


def cells(row: dict[str, Any]) -> list[Cell]:
    """Return a row of the evidence, in the order of `head`."""
    return [
        row["outsmart_id"],
        row["order_number"],
        row["customer_name"],
        row["work_date"],
        str(LedgerState(row["state"]).label),
        row["king_order_numbers"],
        row["amount"],
        _("yes") if row["amount"] is None or row["is_amount_least"] else "",
        str(ManualAction.Kind(row["decision"]).label) if row["decision"] else "",
        row["decided_by"],
        moment(row["decided_at"]),
        moment(row["exported_at"]),
        moment(row["confirmed_at"]),
        moment(row["verified_at"]),
        moment(row["king_checked_at"]),
        _("yes") if row["is_king_different"] else "",
        row["settings_version"],
        why(row),
        row["source_fingerprint"],
    ]


def why(row: dict[str, Any]) -> str:
    return sentences(row["reasons"])


def sums(document: Document) -> Iterator[list[Cell]]:
    """Yield the states with how many work orders each has and what they amount to, and all of them."""
    yield [_("State"), _("Work orders"), _("Amount excl. VAT"), _("Prices are missing")]
    for each in document.states:
        yield [str(each.state.label), each.count, each.amount, _("yes") if each.is_least else ""]
    amount = counting.added(each.amount for each in document.states)
    is_least = any(each.is_least for each in document.states)
    yield [_("All states"), document.count, amount, _("yes") if is_least else ""]


def moment(at: datetime.datetime | None) -> datetime.datetime | None:
    """Return a moment in local time without a zone: Excel has no time zones."""
    return timezone.localtime(at).replace(tzinfo=None, microsecond=0) if at else None


def moment_text(at: datetime.datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
