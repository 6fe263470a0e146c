"""Excel files, written row by row: dates, amounts and numbers as such, never a formula."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import xlsxwriter

from kingsync.web.shared.csv_files import Cell

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CELL_LENGTH = 32_767  # Excel's maximum
_NAME_LENGTH = 31


class Book:
    """A file with one or more sheets; the memory that it takes does not grow with their rows."""

    def __init__(self, file: object, made_at: datetime.datetime | None) -> None:
        self._book: Any = xlsxwriter.Workbook(file, {"constant_memory": True})
        if made_at:
            self._book.set_properties({"created": made_at})
        formats = {"bold": {"bold": True}, "day": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm", "money": "#,##0.00"}
        self._formats = {
            name: self._book.add_format({"num_format": value} if isinstance(value, str) else value)
            for name, value in formats.items()
        }

    def add(
        self, name: str, rows: Iterable[Sequence[Cell]], *, widths: Sequence[int], headings: Sequence[int] = (0,)
    ) -> None:
        """Add a sheet; the rows with these numbers are headings, and a first one stays in view."""
        sheet = self._book.add_worksheet(name[:_NAME_LENGTH])
        if 0 in headings:
            sheet.freeze_panes(1, 0)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                self._write(sheet, place, column, cell, is_heading=place in headings)

    def close(self) -> None:
        self._book.close()

    def _write(self, sheet: Any, place: int, column: int, cell: Cell, *, is_heading: bool) -> None:
        if isinstance(cell, datetime.datetime):
            sheet.write_datetime(place, column, cell, self._formats["moment"])
        elif isinstance(cell, datetime.date):
            sheet.write_datetime(place, column, cell, self._formats["day"])
        elif isinstance(cell, Decimal):
            sheet.write_number(place, column, float(cell), self._formats["money"])
        elif isinstance(cell, int):
            sheet.write_number(place, column, cell)
        elif cell:
            sheet.write_string(place, column, cell[:_CELL_LENGTH], self._formats["bold"] if is_heading else None)


@contextmanager
def book(file: object, *, made_at: datetime.datetime | None = None) -> Iterator[Book]:
    """Write an Excel file; with `made_at` the same rows always give the same bytes."""
    made = Book(file, made_at)
    yield made
    made.close()
