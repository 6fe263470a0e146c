"""Lists as CSV files for any program: read row by row, and without what Excel would take for a formula."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

from django.http import StreamingHttpResponse
from django.utils import formats

BATCH = 1000
# Excel and the like treat a cell with such a first character as a formula, even in a customer's name.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
# Dutch Excel expects the semicolon as separator, and the byte order mark for UTF-8.
_BEGIN, _DELIMITER = "\ufeff", ";"

Cell: TypeAlias = str | int | Decimal | datetime.date | datetime.datetime | None


def response(rows: Iterable[list[Cell]], name: str) -> StreamingHttpResponse:
    """Return a download of these rows; each is made when it is sent."""
    return StreamingHttpResponse(
        _lines(iter(rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(rows: Iterator[list[Cell]]) -> Iterator[str]:
    yield _BEGIN
    while batch := list(islice(rows, BATCH)):
        text = io.StringIO()
        csv.writer(text, delimiter=_DELIMITER).writerows([map(_as_text, row) for row in batch])
        yield text.getvalue()


def _as_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ", timespec="minutes")
    if isinstance(cell, Decimal):
        return formats.number_format(cell, 2, force_grouping=False)  # no formula, although it may begin with a minus
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
