"""A statement as a file, with the evidence for each work order: Excel, and PDF for the archive."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from typing import IO, cast

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kingsync.models.statements.signed import SignedStatement
from kingsync.statements import periods
from kingsync.web.shared import access
from kingsync.web.shared.csv_files import Cell
from kingsync.web.statements import documents
from kingsync.web.statements.documents import Document
from kingsync.web.work_orders import excel_sheets

# A page holds a thread of the web server while it makes a PDF; Excel takes all rows in less time.
PDF_ROWS = 5_000
_WIDTHS = (14, 16, 32, 12, 16, 20, 14, 10, 14, 28, 17, 17, 17, 17, 17, 10, 10, 60, 34)
_SUMMARY_WIDTHS = (34, 70, 20, 20)
_PDF = "application/pdf"


@require_safe
@access.members
def statement_file(request: access.TenantRequest, period: str, document: str) -> HttpResponse:
    """Send a day or month as it is now."""
    found = periods.of_key(period)
    if found is None:
        raise Http404
    return _file(documents.of_period(request.tenant, found), document)


@require_safe
@access.members
def signed_statement_file(request: access.TenantRequest, statement_id: uuid.UUID, document: str) -> HttpResponse:
    """Send what was signed of a month: the same bytes each time, in one language."""
    found = get_object_or_404(SignedStatement.objects.select_related("administration"), pk=statement_id)
    return _file(documents.of_signed(request.tenant, found), document)


def _file(found: Document, form: str) -> HttpResponse:
    """Write the file to disk first, row by row; the response closes it, which deletes it."""
    if form not in ("xlsx", "pdf"):
        raise Http404
    file = tempfile.TemporaryFile()  # noqa: SIM115
    if form == "pdf":
        _write_pdf(found, file)
    else:
        _write_excel(found, file)
    file.seek(0)
    kind = _PDF if form == "pdf" else excel_sheets.CONTENT_TYPE
    answer = FileResponse(file, as_attachment=True, filename=f"{found.stem}.{form}", content_type=kind)
    # Django types a streaming response differently; it supports everything we do with it.
    return cast(HttpResponse, answer)


def _write_pdf(found: Document, file: IO[bytes]) -> None:
    from kingsync.web.statements import pdf  # noqa: PLC0415 (its library takes a while to load)

    pdf.write(found, file, rows_at_most=PDF_ROWS)


def _write_excel(found: Document, file: IO[bytes]) -> None:
    with excel_sheets.book(file, made_at=documents.moment(found.made_at)) as book:
        book.add(_("Statement"), _summary(found), widths=_SUMMARY_WIDTHS)
        book.add(_("Work orders"), _evidence(found), widths=_WIDTHS)


def _summary(found: Document) -> Iterator[list[Cell]]:
    yield [found.title]
    for fact in found.facts:
        yield [*fact]
    yield []
    yield from documents.sums(found)
    yield []
    for told in found.agreement:
        yield [*told]


def _evidence(found: Document) -> Iterator[list[Cell]]:
    yield [*documents.head()]
    for row in found.rows:
        yield documents.cells(row)
