"""A statement as PDF on A4: the summary, then a line for each work order. The same document gives the same bytes."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import IO, Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.web.shared import money
from kingsync.web.shared.csv_files import Cell
from kingsync.web.statements import documents
from kingsync.web.statements.documents import Document

_WIDTH, _HEIGHT = landscape(A4)
_MARGIN, _BOTTOM = 36, 44
_FONT, _BOLD = "Helvetica", "Helvetica-Bold"
_SIZE, _LINE = 7.5, 11
_GREY = 0.35
# Of a work order's line, in points; together what fits between the margins.
_COLUMNS = (54, 72, 138, 50, 74, 82, 62, 122, 72, 44)
_RIGHT = {6}
_SETTLED = (*WorkOrder.COMPLETE, LedgerState.EXCLUDED)
# Letters that Unicode does not take apart, and the standard fonts of PDF do not have.
_LIKE = str.maketrans({"ı": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "ŧ": "t", "\N{NO-BREAK SPACE}": " "})


def write(document: Document, file: IO[bytes], *, rows_at_most: int) -> None:
    """Write the document; of more rows than that it names what is open, and says where the others are."""
    paper = _Paper(document, file)
    _write_summary(paper, document)
    is_short = document.count > rows_at_most
    if is_short:
        paper.text(
            _("There are more than %(count)s work orders: this file names only those that are open.")
            % {"count": rows_at_most}
        )
        paper.text(_("The Excel file of the same statement has every work order with its evidence."))
    _write_rows(paper, document, only_open=is_short, rows_at_most=rows_at_most)
    paper.end()


class _Paper:
    """Pages, filled from top to bottom, each with a heading and its number."""

    def __init__(self, document: Document, file: IO[bytes]) -> None:
        self._document = document
        self._canvas: Any = Canvas(file, pagesize=landscape(A4), invariant=1, pageCompression=1)
        self._canvas.setTitle(_drawn(document.title))
        self._canvas.setProducer("kingsync")
        self._page, self._head = 0, list[str]()
        self._begin()

    def end(self) -> None:
        self._canvas.showPage()
        self._canvas.save()

    def heading(self, text: str, size: float = 11) -> None:
        self._need(size + 2 * _LINE)
        self._y -= size
        self._canvas.setFont(_BOLD, size)
        self._canvas.drawString(_MARGIN, self._y, _drawn(text))
        self._y -= _LINE

    def text(self, text: str, *, grey: bool = False, indent: float = 0) -> None:
        self._need(_LINE)
        self._canvas.setFont(_FONT, _SIZE)
        self._canvas.setFillGray(_GREY if grey else 0)
        self._canvas.drawString(_MARGIN + indent, self._y, _fitted(text, _WIDTH - 2 * _MARGIN - indent, _FONT))
        self._canvas.setFillGray(0)
        self._y -= _LINE

    def head(self, cells: Sequence[str]) -> None:
        """Begin a table, whose head is repeated on every page."""
        self._head = list(cells)
        self._need(3 * _LINE)
        self._draw_head()

    def row(self, cells: Sequence[str], widths: Sequence[int] = _COLUMNS, *, font: str = _FONT) -> None:
        self._need(_LINE)
        self._cells(cells, widths, font)

    def _cells(self, cells: Sequence[str], widths: Sequence[int], font: str) -> None:
        self._canvas.setFont(font, _SIZE)
        x = float(_MARGIN)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            if cell:
                fitted = _fitted(cell, width - 4, font)
                is_right = place in _RIGHT and widths is _COLUMNS
                draw = self._canvas.drawRightString if is_right else self._canvas.drawString
                draw(x + (width - 6 if is_right else 0), self._y, fitted)
            x += width
        self._y -= _LINE

    def _need(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._canvas.showPage()
            self._begin()
            if self._head:
                self._draw_head()

    def _begin(self) -> None:
        self._page += 1
        self._y = _HEIGHT - _MARGIN
        self._canvas.setFont(_FONT, _SIZE)
        self._canvas.setFillGray(_GREY)
        title = self._document.title
        self._canvas.drawString(_MARGIN, 24, _fitted(f"{title} · {self._document.facts[0][1]}", 600, _FONT))
        self._canvas.drawRightString(_WIDTH - _MARGIN, 24, _drawn(_("page %(number)s") % {"number": self._page}))
        self._canvas.setFillGray(0)

    def _draw_head(self) -> None:
        self._cells(self._head, _COLUMNS, _BOLD)
        self._canvas.line(_MARGIN, self._y + 8, _WIDTH - _MARGIN, self._y + 8)


def _write_summary(paper: _Paper, document: Document) -> None:
    paper.heading(document.title, 16)
    for name, value in document.facts:
        paper.row([name, value], (180, 580))
    paper.heading(_("States"))
    for number, row in enumerate(documents.sums(document)):
        paper.row([_text(cell) for cell in row], (180, 100, 120, 120), font=_FONT if number else _BOLD)
    paper.heading(_("Agreement with OutSmart and King"))
    for system, sentence in document.agreement:
        paper.row([system, sentence], (60, 700))


def _write_rows(paper: _Paper, document: Document, *, only_open: bool, rows_at_most: int) -> None:
    paper.heading(_("Open work orders") if only_open else _("Work orders"))
    paper.head(_head())
    written = 0
    for row in document.rows:
        is_open = row["state"] not in _SETTLED
        if written >= rows_at_most or (only_open and not is_open):
            continue
        written += 1
        paper.row(_cells(row))
        if is_open and row["reasons"]:
            paper.text(documents.why(row), grey=True, indent=_COLUMNS[0])


def _head() -> list[str]:
    return [
        _("OutSmart number"),
        _("Work order"),
        _("Customer"),
        _("Date"),
        _("State"),
        _("King orders"),
        _("Amount"),
        _("Decided by"),
        _("In King since"),
        _("Settings"),
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    decision = str(ManualAction.Kind(row["decision"]).label) if row["decision"] else ""
    return [
        row["outsmart_id"],
        row["order_number"],
        row["customer_name"],
        _text(row["work_date"]),
        str(LedgerState(row["state"]).label),
        row["king_order_numbers"],
        money.total(row["amount"], is_least=row["is_amount_least"]),
        f"{decision}: {row['decided_by']}" if decision else "",
        _text(documents.moment(row["exported_at"])),
        _text(row["settings_version"]),
    ]


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return date_format(cell, "d-m-Y H:i")
    if isinstance(cell, datetime.date):
        return date_format(cell, "d-m-Y")
    return money.amount(cell) if isinstance(cell, Decimal) else str(cell)


def _fitted(text: str, width: float, font: str) -> str:
    """Return as much of a text as is that wide."""
    drawn = _drawn(text)
    if stringWidth(drawn, font, _SIZE) <= width:
        return drawn
    fits = len(drawn)
    while fits and stringWidth(drawn[:fits] + "…", font, _SIZE) > width:
        fits -= max(1, fits // 20)
    return drawn[:fits].rstrip() + "…"


def _drawn(text: str) -> str:
    """Return a text in the letters of PDF's standard fonts, without accents where they lack one."""
    text = " ".join(text.translate(_LIKE).split())
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return "".join(map(_letter, unicodedata.normalize("NFC", text)))
    return text


def _letter(letter: str) -> str:
    for form in (letter, unicodedata.normalize("NFKD", letter)[:1]):
        try:
            form.encode("cp1252")
        except UnicodeEncodeError:
            continue
        return form
    return "?"
