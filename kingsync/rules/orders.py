"""Work order → King order: the central rule of the product (product.md, chapter 4)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from integrations import notation
from integrations.king import limits
from integrations.king.records import LineKind
from integrations.outsmart.records import Material, WorkOrder, WorkPeriod
from kingsync.rules import amounts, hours, matching, texts, travel
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import (
    ArticleData,
    Content,
    DroppedLine,
    Header,
    LineFacts,
    Origin,
    Plan,
    PlannedLine,
    RelevantMasterData,
    SavedLine,
    Source,
)

LABEL_LENGTH = 200
Line = PlannedLine | DroppedLine


def external_number(outsmart_id: str, part: int = 1) -> str:
    """Return our reference on the King order (ExternOrderNummer); parts above 1 are supplementary orders."""
    return f"OS-{outsmart_id}" if part == 1 else f"OS-{outsmart_id}-{part}"


def named_by(reference: str) -> tuple[str, int]:
    """Return the work order and the part that a reference of ours names."""
    outsmart_id, _, part = reference.removeprefix(external_number("")).partition("-")
    if outsmart_id and part.isascii() and part.isdecimal() and int(part) > 1:
        return outsmart_id, int(part)
    return reference.removeprefix(external_number("")), 1


def from_work_order(
    work_order: WorkOrder,
    choices: Exports,
    *,
    master_data: RelevantMasterData,
    booked: tuple[SavedLine, ...] = (),
    king_order_number: str = "",
    is_new: bool = True,
) -> Plan:
    """Return the King order that this work order should become.

    `king_order_number` fills the tag of that name ("" until it is known). `is_new` is False for an existing order,
    which keeps its debtor.
    """
    reader = _Reader(work_order, choices, master_data, booked)
    materials, periods = reader.materials(), reader.periods()
    total = sum(line.rounded_minutes or 0 for line in periods if isinstance(line, PlannedLine))
    timed = [*periods, *reader.travels(periods)]
    lines = _in_sequence(choices, materials, timed, reader.texts(hours.as_clock(total), king_order_number))
    dropped = tuple(line for line in lines if isinstance(line, DroppedLine))
    header = _header(work_order, choices)
    return Plan(
        header=header,
        lines=tuple(line for line in lines if isinstance(line, PlannedLine)),
        dropped=dropped,
        rejects=(
            *number_problems(header, lines),
            *(_debtor_problems(header, master_data) if is_new else ()),
            *reader.rejects,
            *_line_rejects(lines),
        ),
        holds=tuple(_holds(work_order, choices, lines)),
        facts=reader.facts,
    )


# --- Header -----------------------------------------------------------------------------------------------------------


def debtor_of(work_order: WorkOrder, choices: Exports) -> str:
    """Return the debtor number by `assign_relation`; an empty invoice debtor falls back to the customer's."""
    if choices.assign_relation == "invoice":
        return work_order.invoice_debtor_number.strip() or work_order.customer_debtor_number.strip()
    return work_order.customer_debtor_number.strip()


def finished_on(work_order: WorkOrder) -> datetime.date | None:
    """Return the day on which the work was finished, as far as the work order says."""
    days = [_date(work_order.work_end_date), _date(work_order.work_date)]
    days += [_date(period.work_date) for period in work_order.periods]
    known = [day for day in days if day]
    return max(known, default=None)


def _header(work_order: WorkOrder, choices: Exports) -> Header:
    start = _date(work_order.work_date)
    return Header(
        debtor_number=debtor_of(work_order, choices),
        external_number=external_number(work_order.outsmart_id),
        reference=_reference(work_order),
        order_date=start,
        delivery_date=_date(work_order.work_end_date) or start,
        is_approved_at_once=choices.approve_order,
    )


def _reference(work_order: WorkOrder) -> str:
    """Return the customer's reference of the job: the first of three that fits King's 40 characters."""
    names = (work_order.external_reference, work_order.reference, f"Werkbon {work_order.order_number}")
    fitting = (" ".join(name.split()) for name in names)
    return next((name for name in fitting if 0 < len(name) <= limits.REFERENCE_LENGTH), "")


def _date(text: str) -> datetime.date | None:
    try:
        return notation.parse_date(text)
    except ValueError:
        return None


def number_problems(header: Header, lines: Sequence[Line]) -> Iterator[Reason]:
    """Yield why King cannot hold our numbers."""
    longest = max(len(header.external_number), *(len(line.reference) for line in lines), 0)
    if longest > limits.EXTERNAL_NUMBER_LENGTH:
        yield reason("number_too_long", number=shown(header.external_number))


def _debtor_problems(header: Header, master_data: RelevantMasterData) -> Iterator[Reason]:
    number = header.debtor_number
    if not number:
        yield reason("no_debtor")
    elif number in master_data.debtors:
        debtor = master_data.debtors[number]
        if debtor is None:
            yield reason("unknown_debtor", debtor=shown(number))
        elif debtor.is_blocked:
            yield reason("blocked_debtor", debtor=number)


# --- All lines together -----------------------------------------------------------------------------------------------


def _in_sequence(choices: Exports, materials: list[Line], periods: list[Line], lines: list[Line]) -> list[Line]:
    groups = {"materials": materials, "hours": periods, "text": lines}
    return [line for name in choices.order_line_sequence.split("_") for line in groups[name]]


def _counting(lines: list[Line]) -> list[Line]:
    """Return the lines that make an order worth sending: all but texts and what was deliberately left out."""
    return [
        line
        for line in lines
        if line.origin.source is not Source.TEXT and not (isinstance(line, DroppedLine) and not line.is_refused)
    ]


def _line_rejects(lines: list[Line]) -> Iterator[Reason]:
    counting = _counting(lines)
    if counting and all(isinstance(line, DroppedLine) for line in counting):
        yield reason("all_lines_refused")


def _holds(work_order: WorkOrder, choices: Exports, lines: list[Line]) -> Iterator[Reason]:
    if not _counting(lines):
        yield reason("nothing_to_invoice")
    day = finished_on(work_order)
    if choices.from_date and day and day < choices.from_date:
        yield reason("before_from_date", date=day.isoformat(), from_date=choices.from_date.isoformat())
    refused = any(isinstance(line, DroppedLine) and line.is_refused for line in lines)
    if refused and choices.incomplete_orders == "hold":
        yield reason("waits_for_lines")


# --- Single lines -----------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the rows of one work order into lines.

    Collects reasons to reject the whole of it in `rejects`, and what else is known of the lines in `facts`.
    """

    def __init__(
        self, work_order: WorkOrder, choices: Exports, master_data: RelevantMasterData, booked: tuple[SavedLine, ...]
    ) -> None:
        self.work_order, self.choices, self.master_data = work_order, choices, master_data
        self.rejects: list[Reason] = []
        self.facts: dict[str, LineFacts] = {}
        self._keys = matching.Keys.of(work_order, booked, self._number_of)
        self._references = matching.References(work_order.outsmart_id, booked)

    def _number_of(self, code: str) -> str:
        article = self.master_data.articles.get(code.strip())
        return article.number if article else code

    def materials(self) -> list[Line]:
        return [self._material(material) for material in self.work_order.materials]

    def periods(self) -> list[Line]:
        return [self._period(period) for period in self.work_order.periods]

    def texts(self, total_hours: str, king_order_number: str) -> list[Line]:
        value_of = texts.values_of(self.work_order, total_hours=total_hours, king_order_number=king_order_number)
        found = [("work_description", self.work_order.work_description)] if self.choices.work_description else []
        for number, template in enumerate(self.choices.extra_text_lines, 1):
            found.append((f"extra_text_line_{number}", texts.fill(template, value_of)))
        return [self._text(name, text) for name, text in found if text.strip()]

    def _text(self, name: str, text: str) -> Line:
        origin = Origin(source=Source.TEXT, key=self._keys.text(name), label=name)
        problem = _text_problem(text)
        if problem:
            return self._dropped(origin, problem, refused=True)
        return self._planned(origin, Content(kind=LineKind.TEXT, text=text))

    def _planned(self, origin: Origin, content: Content, minutes: tuple[int, int] | None = None) -> PlannedLine:
        registered, rounded = minutes or (None, None)
        return PlannedLine(
            origin=origin,
            reference=self._references.of(origin.source, origin.key),
            content=content,
            registered_minutes=registered,
            rounded_minutes=rounded,
        )

    def _dropped(self, origin: Origin, why: Reason, *, refused: bool, minutes: int | None = None) -> DroppedLine:
        return DroppedLine(
            origin=origin,
            reference=self._references.of(origin.source, origin.key),
            reason=why,
            is_refused=refused,
            registered_minutes=minutes,
        )

    # Materials

    def _material(self, material: Material) -> Line:
        label = shown(material.code or material.name or f"{material.position}", LABEL_LENGTH)
        row = matching.fingerprint_of(material)
        origin = Origin(source=Source.MATERIAL, key=self._keys.material(material), label=label, row=row)
        amount = _quantity(material)
        if isinstance(amount, Decimal) and amount == 0:
            return self._dropped(origin, reason("zero_quantity"), refused=False)
        warehouse = notation.canonical_number(material.warehouse.strip() or self.choices.default_warehouse.strip())
        if not warehouse:
            self.rejects.append(reason("no_warehouse", material=label))
        content = self._material_content(material, amount, warehouse)
        if isinstance(content, Reason):
            return self._dropped(origin, content, refused=True)
        is_price_kings = content.price is None and self._sends_price(material)
        line = msgspec.structs.replace(self._planned(origin, content), is_price_kings=is_price_kings)
        self.facts[line.reference] = LineFacts(
            is_warranty=bool(material.warranty.strip()),
            is_free=not material.code.strip(),
            king_price=self._king_price(self.master_data.articles, self._article_code(material)),
            outsmart_price=amounts.price_in_outsmart(material),
        )
        return line

    def _article_code(self, material: Material) -> str:
        return material.code.strip() or self.choices.free_line_article.strip()

    def _king_price(self, known: dict[str, ArticleData | None], code: str) -> Decimal | None:
        found = known.get(code)
        return found.price if found else None

    def _material_content(self, material: Material, amount: Decimal | Reason, warehouse: str) -> Content | Reason:
        code = self._article_code(material)
        text = "" if material.code.strip() else material.name
        if not code:
            return reason("no_article_code")
        article = _known(self.master_data.articles, code, "article")
        if isinstance(article, Reason):
            return article
        if isinstance(amount, Reason):
            return amount
        problem = _amount_problem(amount, article) or self._warehouse_problem(warehouse) or _text_problem(text)
        if problem:
            return problem
        price = self._price(material)
        if isinstance(price, Reason):
            return price
        return Content(
            kind=LineKind.ARTICLE, article=article.number, text=text, quantity=amount, price=price, warehouse=warehouse
        )

    def _warehouse_problem(self, warehouse: str) -> Reason | None:
        known = self.master_data.warehouses
        may_be = _may_be_warehouse(warehouse) if known is None else warehouse in known
        return None if may_be or not warehouse else reason("unknown_warehouse", warehouse=shown(warehouse))

    def _price(self, material: Material) -> Decimal | Reason | None:
        """Return the price to send, None for King's own."""
        if not self._sends_price(material):
            return None
        try:
            price = notation.parse_decimal(material.price)
        except ValueError:
            return reason("unreadable_price", value=shown(material.price))
        if price is None or (price <= 0 and not self.choices.send_prices):
            return None
        return _price_problem(price, material.price) or hours.plain(price)

    def _sends_price(self, material: Material) -> bool:
        # A line without a code has no price in King except that of its substitute article.
        return self.choices.send_prices or not material.code.strip()

    # Hours

    def _period(self, period: WorkPeriod) -> Line:
        label = shown(_period_label(period), LABEL_LENGTH)
        row = matching.fingerprint_of(period)
        origin = Origin(source=Source.HOURS, key=self._keys.period(period), label=label, row=row)
        minutes = hours.registered_minutes(period)
        if minutes == 0:
            return self._dropped(origin, reason("zero_time"), refused=False, minutes=0)
        known = minutes if isinstance(minutes, int) else None
        rate = self._rate(period)
        if isinstance(rate, Reason):
            return self._dropped(origin, rate, refused=True, minutes=known)
        if isinstance(minutes, Reason):
            return self._dropped(origin, minutes, refused=True)
        return self._booked_time(origin, rate, minutes)

    def _rate(self, period: WorkPeriod) -> ArticleData | Reason:
        code = period.hour_type.strip()
        return _known(self.master_data.rates, code, "rate") if code else reason("no_hour_type")

    def _booked_time(self, origin: Origin, rate: ArticleData, minutes: int) -> Line:
        rounded = hours.round_up(minutes, self.choices.hour_rounding)
        amount = hours.quantity(rounded, rate.decimals)
        if amount is None:
            why = reason("time_does_not_fit", rate=rate.number, decimals=str(rate.decimals), minutes=str(rounded))
            return self._dropped(origin, why, refused=True, minutes=minutes)
        content = Content(kind=LineKind.RATE, article=rate.number, quantity=amount)
        line = self._planned(origin, content, (minutes, rounded))
        self.facts[line.reference] = LineFacts(king_price=rate.price)
        return line

    # Travel

    def travels(self, periods: list[Line]) -> list[Line]:
        """Return a line for each period with a distance; `periods` are the hour lines, one for each period."""
        if not self.choices.travel_article.strip():
            return []
        pairs = zip(self.work_order.periods, periods, strict=True)
        return [found for period, line in pairs if (found := self._travel(period, line.origin.key))]

    def _travel(self, period: WorkPeriod, period_key: str) -> Line | None:
        amount = travel.distance(period)
        if amount is None:
            return None
        parts = (self.choices.travel_article.strip(), period.work_date, period.begin_time)
        label = shown(" ".join(filter(None, parts)), LABEL_LENGTH)
        # Without a fingerprint of its own: its key follows from that of its period.
        origin = Origin(source=Source.TRAVEL, key=self._keys.travel(period_key), label=label)
        content = self._travel_content(amount)
        if isinstance(content, Reason):
            return self._dropped(origin, content, refused=True)
        line = self._planned(origin, content)
        price = self._king_price(self.master_data.articles, self.choices.travel_article.strip())
        self.facts[line.reference] = LineFacts(king_price=price)
        return line

    def _travel_content(self, amount: Decimal | Reason) -> Content | Reason:
        """Return an article line from the default warehouse; without one it is left to King."""
        article = _known(self.master_data.articles, self.choices.travel_article.strip(), "article")
        if isinstance(article, Reason):
            return article
        if isinstance(amount, Reason):
            return amount
        warehouse = notation.canonical_number(self.choices.default_warehouse.strip())
        problem = _amount_problem(amount, article) or self._warehouse_problem(warehouse)
        if problem:
            return problem
        return Content(kind=LineKind.ARTICLE, article=article.number, quantity=amount, warehouse=warehouse)


def _quantity(material: Material) -> Decimal | Reason:
    try:
        amount = notation.parse_decimal(material.quantity)
    except ValueError:
        return reason("unreadable_quantity", value=shown(material.quantity))
    return reason("no_quantity") if amount is None else hours.plain(amount)


def _known(master_data: dict[str, ArticleData | None], code: str, kind: str) -> ArticleData | Reason:
    """Return what King knows of the code; if nothing is known, King's answer to the write decides."""
    found = master_data.get(code, ArticleData(number=code))
    if found is None or len(found.number) > limits.RECORD_NUMBER_LENGTH:
        return reason(f"unknown_{kind}", **{kind: shown(code)})
    if found.is_blocked:
        return reason(f"blocked_{kind}", **{kind: found.number})
    return found


def _amount_problem(amount: Decimal, article: ArticleData) -> Reason | None:
    allowed = limits.MOST_DECIMALS if article.decimals is None else article.decimals
    if abs(amount) > limits.LARGEST_NUMBER:
        return reason("quantity_too_large", value=shown(str(amount)))
    if _decimals_of(amount) <= allowed:
        return None
    quantity = shown(str(amount))
    return reason("too_many_decimals", number=article.number, decimals=str(allowed), quantity=quantity)


def _price_problem(price: Decimal, written: str) -> Reason | None:
    if price < 0:
        return reason("negative_price", value=shown(written))
    if price > limits.LARGEST_NUMBER:
        return reason("price_too_large", value=shown(written))
    if _decimals_of(hours.plain(price)) > limits.MOST_DECIMALS:
        return reason("price_decimals", value=shown(written), decimals=str(limits.MOST_DECIMALS))
    return None


def _decimals_of(plain: Decimal) -> int:
    exponent = plain.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _text_problem(text: str) -> Reason | None:
    if len(text) <= limits.TEXT_LENGTH:
        return None
    return reason("line_text_too_long", length=str(len(text)), limit=str(limits.TEXT_LENGTH))


def _may_be_warehouse(code: str) -> bool:
    return code.isascii() and code.isdigit() and len(code) <= len(str(limits.LARGEST_WAREHOUSE))


def fingerprint(plan: Plan) -> bytes:
    """Return the part of a plan that decides whether King must be called again, as bytes to hash."""
    return msgspec.json.encode([plan.header, plan.lines, [line.reference for line in plan.refused]])


def _period_label(period: WorkPeriod) -> str:
    """Return the label of a work period; without an hour type also its end and its employee."""
    parts = [period.hour_type, period.work_date, period.begin_time]
    if not period.hour_type:
        span = "–".join(filter(None, (period.begin_time, period.end_time)))
        parts = [period.work_date, span, f"({period.employee_number})" if period.employee_number else ""]
    return " ".join(filter(None, parts)) or f"{period.position}"
