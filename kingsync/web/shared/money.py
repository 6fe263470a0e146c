"""Amounts and prices in euros, in the format of the reader's language."""

from __future__ import annotations

from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _

from kingsync.rules import hours

UNKNOWN = "–"
_CENTS = 2


def amount(value: Decimal | None) -> str:
    """Return an amount with cents; a dash for an unknown one."""
    return UNKNOWN if value is None else _euros(value, _CENTS)


def price(value: Decimal) -> str:
    """Return a price with all its decimals, at least two."""
    exponent = hours.plain(value).as_tuple().exponent
    return _euros(value, max(_CENTS, -exponent if isinstance(exponent, int) else 0))


def total(value: Decimal | None, *, is_least: bool) -> str:
    """Return a sum, of which `is_least` says that parts are missing."""
    if value is None or not is_least:
        return amount(value)
    return _("at least %(amount)s") % {"amount": amount(value)}


def _euros(value: Decimal, decimals: int) -> str:
    return f"€\N{NO-BREAK SPACE}{formats.number_format(value, decimals, force_grouping=True)}"
