"""OutSmart's JSON notation: everything is text, decimals with a comma or a point, PHP's escapes."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, TypeAlias

from sandboxes.messages import Record

DecimalMark: TypeAlias = Literal["mixed", "comma", "point"]

_DECIMAL = re.compile(r"-?[0-9]+([.,][0-9]+)?", re.ASCII)
_DATE = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})", re.ASCII)
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class RefusalError(Exception):
    """OutSmart refuses: `code` is not 200."""

    def __init__(self, code: int, *messages: str) -> None:
        super().__init__(code, *messages)
        self.code = code
        self.messages = list(messages)


def encode_php(value: object) -> bytes:
    """Encode as PHP does: ASCII only, slashes escaped. The result can be assembled from parts."""
    return json.dumps(value, separators=(",", ":"), default=_plain).replace("/", "\\/").encode("ascii")


def envelope(response: bytes, *, code: int = 200, messages: Iterable[str] = ()) -> bytes:
    """Return the envelope around an encoded response."""
    return b'{"code":%d,"messages":%b,"response":%b}' % (code, encode_php(list(messages)), response)


def stored(value: object) -> object:
    """Return a value as OutSmart keeps it: scalars as text, null as null, lists and objects likewise inside."""
    match value:
        case None | str():
            return value
        case bool():
            return str(int(value))
        case list():
            return [stored(one) for one in value]
        case dict():
            return {str(name): stored(one) for name, one in value.items()}
        case _:
            return str(value)


def is_filled(value: object) -> bool:
    """Return whether a value counts as given: absent, null and "" do not."""
    return value is not None and value != ""


def is_decimal(text: str) -> bool:
    """Return whether a text is a number with a point or a comma, without thousands separators."""
    return _DECIMAL.fullmatch(text) is not None


def to_decimal(value: object) -> Decimal:
    """Return the number in a text; 0 when it is not a number."""
    text = str(value)
    return Decimal(text.replace(",", ".")) if is_decimal(text) else Decimal(0)


def euros(amount: Decimal) -> str:
    """Return an amount with two decimals, rounded half up, with a point."""
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


def marked(value: object, mark: DecimalMark, *, usual: DecimalMark) -> object:
    """Return a decimal with the mark that is switched on; in `mixed` with the one this field usually has."""
    wanted = usual if mark == "mixed" else mark
    if not isinstance(value, str) or wanted == "mixed" or not is_decimal(value):
        return value
    return value.replace(".", ",") if wanted == "comma" else value.replace(",", ".")


def read_date(text: str) -> datetime.date | None:
    """Parse `d-m-Y`; None when it is not a date."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    day, month, year = map(int, found.groups())
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def is_time(text: str) -> bool:
    """Return whether a text is `H:i`."""
    return _TIME.fullmatch(text) is not None


def is_iso_date(text: str) -> bool:
    """Return whether a text is `Y-m-d`."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2025-01-31")


def text_of(record: Record, name: str) -> str:
    """Return a field as text; absent and null are ""."""
    value = record.get(name)
    return "" if value is None else str(value)


def _plain(value: object) -> object:
    # Only work orders that a test loaded "as they are" contain decimals; they go out as numbers again.
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
