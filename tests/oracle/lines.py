"""Rows of a work order → lines of a King order (product.md §4, rules 4 and 5, and the settled cases)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from tests.oracle import notation
from tests.oracle.values import (
    KINGS_WAREHOUSE,
    LARGEST,
    STORED_DECIMALS,
    Item,
    LeftOut,
    Line,
    Outcome,
    Refused,
    Row,
    Sent,
    Settings,
    World,
)


class Reasons:
    """Collects what is wrong with one row."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()

    def add(self, kind: str) -> None:
        self.kinds.add(kind)

    def number(self, kind: str, written: str, decimals: int) -> Decimal | None:
        """Return the number; add a reason where King does not accept it as it is."""
        value = notation.number(written)
        if not written:
            self.add(f"no_{kind}")
        elif value is None:
            self.add(f"unreadable_{kind}")
        elif abs(value) > LARGEST:
            self.add(f"large_{kind}")
        elif notation.decimals_of(value) > decimals:
            self.add(f"decimals_{kind}")
        return value

    def item(self, kind: str, code: str, found: Item | None) -> None:
        if not code:
            self.add(f"no_{kind}")
        elif found is None:
            self.add(f"unknown_{kind}")
        elif found.is_blocked:
            self.add(f"blocked_{kind}")


def material(row: Row, settings: Settings, king: World) -> Outcome:
    written = notation.text(row, "MaterialNr")
    if notation.number(written) == 0:
        return LeftOut()
    why = Reasons()
    is_free = not notation.text(row, "MaterialCode")
    code = notation.text(row, "MaterialCode") or settings.free_line_article
    article = king.article(code)
    why.item("article", code, article)
    quantity = why.number("quantity", written, min(article.decimals, 3) if article else STORED_DECIMALS)
    warehouse = _warehouse(row, settings, king, why)
    price = _price(row, settings, is_free=is_free, why=why)
    if why.kinds or article is None:
        return Refused(frozenset(why.kinds))
    name = notation.text(row, "MaterialName") if is_free else ""
    price = article.price if price is None else price
    line = Line("ART", article.number, name, quantity, price, warehouse)
    return Sent(line, review=_review(line, is_free=is_free, warranty=notation.text(row, "MaterialWarrantyCode")))


def _review(line: Line, *, is_free: bool = False, warranty: str = "") -> frozenset[str]:
    """Return what a person may want to see of a line before it is sent."""
    found = {
        "credit": line.is_credit,
        "warranty": bool(warranty),
        "zero_price": line.price == 0,
        "free_line": is_free,
    }
    return frozenset(name for name, is_so in found.items() if is_so)


def travel(row: Row, settings: Settings, king: World) -> Outcome | None:
    """Return the outcome of a period's travel distance; None where there is none, or no article for it."""
    written = notation.text(row, "Travel")
    distance = notation.number(written)
    if not settings.travel_article or not written or distance == 0:
        return None
    why = Reasons()
    article = king.article(settings.travel_article)
    why.item("article", settings.travel_article, article)
    why.number("quantity", written, min(article.decimals, 3) if article else STORED_DECIMALS)
    if distance is None:
        why.kinds = why.kinds - {"unreadable_quantity"} | {"unreadable_distance"}
    elif distance < 0:
        why.add("negative_distance")
    number = notation.whole(settings.default_warehouse)
    if settings.default_warehouse and number not in king.warehouses:
        why.add("unknown_warehouse")
    if why.kinds or article is None:
        return Refused(frozenset(why.kinds))
    line = Line("ART", article.number, "", distance, article.price, KINGS_WAREHOUSE if number is None else number)
    return Sent(line, review=_review(line))


def _warehouse(row: Row, settings: Settings, king: World, why: Reasons) -> int | None:
    """Return the row's own warehouse, else the default one; none at all stops the work order."""
    code = notation.text(row, "MaterialWarehouseCode") or settings.default_warehouse
    number = notation.whole(code)
    if not code:
        why.add("no_warehouse")
    elif number not in king.warehouses:
        why.add("unknown_warehouse")
    return number


def _price(row: Row, settings: Settings, *, is_free: bool, why: Reasons) -> Decimal | None:
    """Return the price that we send; None where King's own counts."""
    written = notation.text(row, "MaterialPrice")
    value = notation.number(written)
    is_sent = settings.send_prices or (is_free and written and (value is None or value > 0))
    if not is_sent or not written:
        return None
    if value is not None and value < 0:
        why.add("negative_price")
    return why.number("price", written, STORED_DECIMALS)


def is_free_with_price(row: Row) -> bool:
    """Return whether a line without a code has a price above zero, or one that cannot be read."""
    written = notation.text(row, "MaterialPrice")
    price = notation.number(written)
    return not notation.text(row, "MaterialCode") and written != "" and (price is None or price > 0)


def period(row: Row, settings: Settings, king: World) -> Outcome:
    why = Reasons()
    minutes = _minutes(row, why)
    if minutes == 0:
        return LeftOut()
    code = notation.text(row, "HourType")
    rate = king.rates.get(code)
    why.item("rate", code, rate)
    rounded = _rounded(minutes or 0, settings.hour_rounding)
    if why.kinds or rate is None:
        return Refused(frozenset(why.kinds), rounded)
    hours = (Decimal(rounded) / 60).quantize(Decimal(1).scaleb(-min(rate.decimals, 3)), ROUND_HALF_UP)
    if abs(hours * 60 - rounded) > Decimal("0.5"):
        return Refused(frozenset({"time_does_not_fit"}), rounded)
    line = Line("TAR", rate.number, "", hours, rate.price)
    return Sent(line, rounded, _review(line))


def _minutes(row: Row, why: Reasons) -> int | None:
    total = notation.text(row, "TotalTime")
    if total:
        minutes = notation.duration(total)
        if minutes is None:
            why.add("unreadable_time")
        return minutes
    return _between(row, why)


def _between(row: Row, why: Reasons) -> int | None:
    """Return End - Begin - Break in minutes, across midnight too."""
    begin, end = notation.text(row, "BeginTime"), notation.text(row, "EndTime")
    pause = notation.text(row, "Break") or "0"
    if not begin or not end:
        why.add("no_time")
        return None
    first, last, without = notation.clock(begin), notation.clock(end), notation.whole(pause)
    if first is None or last is None or without is None:
        why.add("unreadable_time")
        return None
    minutes = (last - first) % (24 * 60) - without
    if minutes < 0:
        why.add("break_too_long")
    return minutes


def _rounded(minutes: int, step: int) -> int:
    return -(-minutes // step) * step if step else minutes
