"""King rate → OutSmart hour type."""

from __future__ import annotations

from decimal import Decimal

from integrations import notation
from integrations.king.records import Rate
from integrations.outsmart import records as outsmart
from kingsync.rules.imports.records import Answer, Row, checked, one_line, refused, skipped
from kingsync.rules.mapping import HourTypes
from kingsync.rules.outcomes import reason


def from_rate(rate: Rate, choices: HourTypes) -> list[Answer]:
    name = one_line(rate.description) or one_line(rate.search_code)
    if rate.is_blocked and choices.inactive == "skip":
        return [skipped("hour_type", rate.number, "skipped_inactive", name=name)]
    price = notation.write_decimal(rate.price or Decimal(0))
    if price.startswith("-"):
        return [refused("hour_type", rate.number, reason("negative_hour_price", value=price[:20]), name=name)]
    is_active = not (rate.is_blocked and choices.inactive == "deactivate")
    payload = outsmart.HourType(code=rate.number, name=name, sale_price=price, active="1" if is_active else "0")
    row = Row(
        kind="hour_type",
        king_id=rate.number,
        outsmart_id=rate.number,
        payload=payload,
        is_active=is_active,
        name=name,
    )
    return [checked(row)]
