"""King rate → OutSmart hour type."""

from __future__ import annotations

from decimal import Decimal

from integrations import notation
from integrations.king.records import Rate
from integrations.outsmart import records as outsmart
from kingsync.rules.mapping import HourTypes
from kingsync.rules.records import Answer, Row, impossible, one_line, skipped


def from_rate(rate: Rate, choices: HourTypes) -> list[Answer]:
    if rate.is_blocked and choices.inactive == "skip":
        return [skipped("hour_type", rate.number, "skipped_inactive")]
    name = one_line(rate.description) or rate.search_code.strip()
    if not name:
        return [impossible("hour_type", rate.number, "name")]
    is_active = not (rate.is_blocked and choices.inactive == "deactivate")
    payload = outsmart.HourType(
        code=rate.number,
        name=name,
        sale_price=notation.write_decimal(rate.price or Decimal(0)),
        active="1" if is_active else "0",
    )
    return [Row(kind="hour_type", king_id=rate.number, outsmart_id=rate.number, payload=payload, is_active=is_active)]
