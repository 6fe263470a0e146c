"""Sizes of King's fields: the ONE table. Anything larger is refused before King is called."""

from __future__ import annotations

from decimal import Decimal

MOST_DECIMALS = 3  # of every number
LARGEST_NUMBER = Decimal("9999999999.999")
ORDER_NUMBER_DIGITS = 10
EXTERNAL_NUMBER_LENGTH = 20  # ExternOrderNummer, ExternOrderRegelNummer
REFERENCE_LENGTH = 40
RECORD_NUMBER_LENGTH = 20  # of an article or a rate
LARGEST_WAREHOUSE = 999
TEXT_LENGTH = 32_000  # TekstOpFactuur
