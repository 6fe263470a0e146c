"""A list of work orders as a file, with the list's filters: CSV for any program, Excel for calculations."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

from django.http import FileResponse, Http404, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kingsync.messages.reason_texts import sentences
from kingsync.models import tenants
from kingsync.models.work_orders import LedgerState
from kingsync.web.shared import access, csv_files
from kingsync.web.shared.csv_files import BATCH, Cell
from kingsync.web.work_orders import excel_sheets, work_order_list

ROWS_AT_MOST = 100_000
_WIDTHS = (14, 16, 32, 12, 12, 18, 17, 60, 17, 17, 10, 18, 14, 14)

_COLUMNS = (
    "outsmart_id",
    "order_number",
    "customer_name",
    "work_date",
    "king_order_number",
    "state",
    "changed_at",
    "reasons",
    "exported_at",
    "confirmed_at",
    "attempts",
    "administration__name",
    "amount",
    "is_amount_least",
)


@require_safe
@access.members
def work_orders_file(request: access.TenantRequest, form: str) -> HttpResponse:
    """Send the filtered list in its order, without keeping all of it in memory."""
    if form not in ("csv", "xlsx"):
        raise Http404
    wanted, _form = work_order_list.wanted(request.GET, user_id=request.user.pk)
    rows = _rows(wanted, translation.get_language() or "nl")
    stem = _("work-orders")
    name = f"{stem}-{request.tenant.slug}-{timezone.localdate():%Y-%m-%d}.{form}"
    # Django types a streaming response differently; it supports everything we do with it.
    return cast(HttpResponse, csv_files.response(rows, name) if form == "csv" else _as_excel(rows, name))


def _rows(wanted: work_order_list.Wanted, language: str) -> Iterator[list[Cell]]:
    """Yield the header and the rows. The query is built now; it is read when the page's scope is closed."""
    found = wanted.rows().order_by(*wanted.order.whole()).values_list(*_COLUMNS)[: ROWS_AT_MOST + 1]
    return _labels_of(_batches(found.iterator(chunk_size=BATCH), tenants.current_id()), language)


def _batches(found: Iterator[tuple[Any, ...]], tenant_id: int) -> Iterator[list[tuple[Any, ...]]]:
    """Read each batch in the scope again, which is not left open while the visitor receives it."""
    while True:
        with tenants.scope(tenant_id):
            rows = list(islice(found, BATCH))
        if not rows:
            return
        yield rows


def _labels_of(batches: Iterator[list[tuple[Any, ...]]], language: str) -> Iterator[list[Cell]]:
    with translation.override(language):
        states = {state.value: str(state.label) for state in LedgerState}
        head, too_many = _head(), _too_many()
    yield head
    count = 0
    for rows in batches:
        with translation.override(language):
            lines = [_cells(row, states) for row in rows[: ROWS_AT_MOST - count]]
        yield from lines
        count += len(rows)
    if count > ROWS_AT_MOST:
        yield [too_many]


def _head() -> list[Cell]:
    return [
        _("OutSmart number"),
        _("Work order"),
        _("Customer"),
        _("Date"),
        _("King order"),
        _("State"),
        _("State since"),
        _("Why"),
        _("In King since"),
        _("Reported to OutSmart at"),
        _("Attempts"),
        _("Administration"),
        _("Amount excl. VAT"),
        _("Prices are missing"),
    ]


def _too_many() -> str:
    return _("There are more: this file contains the newest %(count)s. Narrow the list with the filters.") % {
        "count": ROWS_AT_MOST
    }


def _cells(row: tuple[Any, ...], states: Mapping[str, str]) -> list[Cell]:
    outsmart_id, number, customer, day, king_number, state, changed_at, reasons, exported_at, *others = row
    confirmed_at, tries, administration, amount, is_least = others
    return [
        outsmart_id,
        number,
        customer,
        day,
        king_number,
        states[state],
        _moment(changed_at),
        sentences(reasons),
        _moment(exported_at),
        _moment(confirmed_at),
        tries,
        administration,
        amount,
        _("yes") if is_least else "",
    ]


def _moment(at: datetime.datetime | None) -> datetime.datetime | None:
    """Return a moment in local time without a zone: Excel has no time zones."""
    return timezone.localtime(at).replace(tzinfo=None, microsecond=0) if at else None


# --- Excel ------------------------------------------------------------------------------------------------------------


def _as_excel(rows: Iterator[list[Cell]], name: str) -> FileResponse:
    # The response closes the file, which deletes it.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    with excel_sheets.book(file) as book:
        book.add(_("Work orders"), rows, widths=_WIDTHS)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=excel_sheets.CONTENT_TYPE)
