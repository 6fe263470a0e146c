"""Filters and tags that every template may use (settings: `builtins`)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kingsync import __version__
from kingsync.exports.overview.causes import Affected
from kingsync.exports.overview.trouble import Trouble
from kingsync.exports.overview.trouble import trouble as trouble_of_tenant
from kingsync.messages.field_names import field_name
from kingsync.models import sync_settings
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import LedgerState, OrderLine, WorkOrder
from kingsync.statements.counting import StateSum, Totals
from kingsync.web.live import moves
from kingsync.web.shared import log_subjects, money, questions, run_labels
from kingsync.web.shared.dates import short_date

_TEXT_LINES = {"work_description", *sync_settings.TEXT_LINES}
register = template.Library()


@register.simple_tag
def errors_are_reported() -> bool:
    """Return True if our errors are reported to someone."""
    return bool(settings.SENTRY_DSN or settings.ADMINS)


@register.simple_tag
def followed(run: SyncRun | None, address: str) -> SafeString:
    return moves.followed(run, address)


_RUN_ROW = (
    '<tr><td class="nowrap"><a href="{}">{}</a>{}</td><td><span class="badge {}">{}</span></td>'
    '<td><span class="nowrap">{}</span><br><span class="muted">{}{}</span></td>'
    '<td class="nowrap" data-label="{}">{}</td><td class="wide">{}</td></tr>'
)


@register.simple_tag(takes_context=True)
def run_row(context: Mapping[str, Any], run: SyncRun) -> SafeString:
    """Return a row of a table of runs: cell by cell in a template it took twice as long."""
    options = run_labels.asked(run)
    return format_html(
        _RUN_ROW,
        _page_of(context, run),
        capfirst(str(run)),
        format_html(' <span class="muted">({})</span>', gettext("preview")) if run.is_dry else "",
        tone(run.status),
        run.get_status_display(),
        when(run.started_at or run.queued_at),
        run_labels.started_by(run),
        f": {options}" if options else "",
        gettext("Duration"),
        took(run),
        run_labels.going_on(run) if run.is_open else result_of(context, run),
    )


@register.simple_tag(takes_context=True)
def result_of(context: Mapping[str, Any], run: SyncRun) -> str:
    """Return the result of a run, each number a link to what it counts."""
    return run_labels.result(run, _links_of(context, run))


@register.simple_tag(takes_context=True)
def counted_of(context: Mapping[str, Any], run: SyncRun) -> str:
    """Return the counts of a run, each a link to what it counts."""
    return run_labels.counted(run, _links_of(context, run))


def _page_of(context: Mapping[str, Any], run: SyncRun) -> str:
    return reverse("run", args=[context["request"].tenant.slug, run.pk])


# What stays the same is not kept one by one, nor what an import reads.
_NOT_KEPT = {RunKind.EXPORT: frozenset[str](), RunKind.IMPORT: frozenset({"read", "unchanged", "failed"})}


def _links_of(context: Mapping[str, Any], run: SyncRun) -> Callable[[str, str], str]:
    """Return what makes a link of a number in words: the page of the run shows those records, or leads there."""
    if run.is_dry:
        return run_labels.plain
    page = _page_of(context, run)

    def linked(name: str, text: str) -> str:
        if name in _NOT_KEPT[RunKind(run.kind)]:
            return text
        return format_html('<a href="{}?outcome={}#head-orders">{}</a>', page, "all" if name == "read" else name, text)

    return linked


@register.simple_tag
def work_order_links(rows: Iterable[Affected], list_url: str) -> SafeString:
    """Return links to work orders with the names of their customers.

    The page of causes has hundreds: one by one in the template they took half of its time.
    """
    return format_html_join(
        " ",
        '<span><a href="{}{}/">{}</a>{}</span>',
        ((list_url, row.pk, row.order_number or row.outsmart_id, _customer_of(row)) for row in rows),
    )


def _customer_of(row: Affected) -> SafeString | str:
    return format_html(' <span class="muted">{}</span>', row.customer_name) if row.customer_name else ""


@register.simple_tag
def program_version() -> str:
    return __version__


@register.simple_tag(takes_context=True)
def trouble(context: Mapping[str, Any]) -> Trouble:
    """Return what is wrong at the tenant whose page this is, unless the page has counted it already."""
    known: Trouble | None = context.get("known_trouble")
    return known or trouble_of_tenant()


@register.simple_tag
def operator_contact() -> str:
    """Return whom a tenant asks about its licence."""
    return settings.OPERATOR_CONTACT


_RUN_TONES: dict[str, str] = {
    RunStatus.SUCCEEDED: "good",
    RunStatus.PARTLY: "warn",
    RunStatus.FAILED: "bad",
    RunStatus.RUNNING: "busy",
    RunStatus.QUEUED: "busy",
}
_LEDGER_TONES: dict[str, str] = {
    LedgerState.DONE: "good",
    LedgerState.WAITING: "busy",
    LedgerState.SENDING: "busy",
    LedgerState.INTERIM: "busy",
    LedgerState.UNCONFIRMED: "busy",
    LedgerState.REJECTED: "bad",
    LedgerState.UNCERTAIN: "bad",
    LedgerState.INCOMPLETE: "warn",
    LedgerState.HELD: "warn",
    LedgerState.CHANGED: "warn",
    OrderLine.State.SENT: "good",
    OrderLine.State.PLANNED: "busy",
    OrderLine.State.REFUSED: "bad",
    "error": "bad",
    "warning": "warn",
}
_MADE_BY = {True: _("created by kingsync"), False: _("already existed in King")}


@register.simple_tag(takes_context=True)
def log_lines(context: Mapping[str, Any], entries: Iterable[LogEntry]) -> list[log_subjects.Line]:
    """Return entries of the log with what they are about."""
    return log_subjects.lines(entries, context["request"].tenant.slug)


@register.filter
def origin(line: OrderLine) -> str:
    """Return where a line comes from; text lines by the names of their settings."""
    if line.kind == OrderLine.Kind.TEXT and line.source in _TEXT_LINES:
        return str(getattr(SyncSettings._meta.get_field(line.source), "verbose_name", line.source))
    return line.source


@register.filter
def signed_rounding(row: WorkOrder) -> str:
    """Return the rounding OutSmart applied for the customer's signature; "" if none."""
    parts = []
    if _is_some(row.minimum_hours):
        parts.append(gettext("at least %(hours)s hours") % {"hours": row.minimum_hours})
    if _is_some(row.rounding_amount):
        parts.append(gettext("rounded to %(minutes)s minutes") % {"minutes": row.rounding_amount})
    return ", ".join(parts)


def _is_some(number: str) -> bool:
    return any(digit in number for digit in "123456789")


@register.filter
def tone(state: str) -> str:
    """Return the class of the colour in which a state is shown."""
    return _RUN_TONES.get(state) or _LEDGER_TONES.get(state, "calm")


@register.filter
def when(moment: datetime.datetime | None) -> str:
    """Return a moment in short form: the time for today, else with the date."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    clock = formats.time_format(local, "H:i")
    days = (timezone.localdate() - local.date()).days
    if days == 0:
        return gettext("today %(time)s") % {"time": clock}
    if days == 1:
        return gettext("yesterday %(time)s") % {"time": clock}
    return f"{short_date(local.date())} {clock}"


@register.filter
def day(date: datetime.date | None) -> str:
    """Return a date, or the local date of a moment, in the format of lists."""
    if isinstance(date, datetime.datetime):
        date = timezone.localdate(date)
    return short_date(date) if date else ""


@register.filter
def minutes(amount: int | None) -> str:
    """Return minutes as hours and minutes: 95 → 1:35."""
    return "" if amount is None else f"{amount // 60}:{amount % 60:02}"


@register.filter
def took(run: SyncRun) -> str:
    """Return the duration of a run, so far if it is still open."""
    if run.started_at is None:
        return ""
    seconds = round(((run.finished_at or timezone.now()) - run.started_at).total_seconds())
    if seconds < 60:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    return ngettext("%(count)s minute", "%(count)s minutes", seconds // 60) % {"count": seconds // 60}


@register.filter
def amount(row: WorkOrder) -> str:
    """Return what a work order comes to, as far as prices are known."""
    return money.total(row.amount, is_least=row.is_amount_least)


@register.filter
def total(found: StateSum | Totals) -> str:
    """Return what work orders come to together, as far as prices are known."""
    return money.total(found.amount, is_least=found.is_least)


@register.filter
def cents(row: WorkOrder) -> str:
    """Return the same for scripts; "" if nothing is known."""
    return "" if row.amount is None else str(int(row.amount * 100))


@register.filter
def made_by(work_order: WorkOrder) -> str:
    return str(_MADE_BY[work_order.is_created_by_us])


for _filter in (
    *(run_labels.started_by, run_labels.going_on),
    *(run_labels.has_total, run_labels.pace, run_labels.asked, run_labels.kind_label),
):
    register.filter(_filter)
register.filter("field_label", field_name)
register.filter("question", questions.of)
register.filter("euros", money.amount)
