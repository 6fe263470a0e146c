"""The rules of product.md §3 and §4 for one work order: the expected state of King, OutSmart and the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tests.oracle import lines, notation, texts
from tests.oracle.values import (
    LONGEST_REFERENCE,
    Expected,
    Header,
    LeftOut,
    Line,
    Outcome,
    Refused,
    Row,
    Sent,
    Settings,
    World,
)

# The states in which the order is in King.
IN_KING = ("done", "incomplete", "interim")


def expected(work_order: Row, settings: Settings, king: World) -> Expected:
    """Return what one export makes of a work order that it has not seen before."""
    trigger = trigger_of(work_order, settings)
    status = notation.text(work_order, "WorkStatus")
    if trigger is None:
        return Expected(None, status)
    return seen(work_order, settings, king, is_interim=trigger == "interim")


def trigger_of(work_order: Row, settings: Settings) -> str | None:
    """Return at which trigger a work order is: `final`, `interim` or none."""
    status, work_status = work_order.get("status"), work_order.get("WorkStatus")
    if notation.text(work_order, "Archived") == "1":
        return None
    if status == "Compleet" and work_status == settings.work_order_status:
        return "final"
    if settings.interim_updates and status != "Afgehandeld" and work_status == settings.order_update_status:
        return "interim"
    return None


def seen(
    work_order: Row,
    settings: Settings,
    king: World,
    *,
    is_interim: bool,
    is_ours: bool = False,
    before: tuple[Line, ...] | None = None,
) -> Expected:
    """Return what an export makes of a work order that it looks at.

    `is_ours`: it already has its own King order; `before` are the lines that King has of it, None if it never got any.
    """
    status = notation.text(work_order, "WorkStatus")
    if not is_readable(work_order):
        return _stopped(work_order, settings, "rejected", frozenset({"unreadable"}), (), frozenset({"unreadable"}))
    found = _Found(work_order, settings, king)
    rejected = found.rejections(is_ours=is_ours)
    held = found.holds(is_interim=is_interim, is_ours=is_ours) | found.reviews(before)
    features = found.features(rejected, held)
    if rejected or held:
        state = "rejected" if rejected else "held"
        return _stopped(work_order, settings, state, rejected | held, found.refused, features)
    state = "incomplete" if found.refused else "interim" if is_interim else "done"
    is_done = state == "done"
    return Expected(
        state,
        (settings.success_status or status) if is_done else status,
        is_confirmed=is_done,
        is_sent=True,
        is_approved=is_done and settings.approve_order and not found.linked and not found.has_credit,
        king_order=found.linked,
        header=None if found.linked else header(work_order, settings),
        lines=tuple(each.line for each in found.in_sequence() if isinstance(each, Sent)),
        refused=found.refused,
        features=features,
        sent_kin=tuple(kin for kin, each in found.kin() if isinstance(each, Sent)),
        refused_kin=tuple(kin for kin, each in found.kin() if isinstance(each, Refused)),
    )


def after(was: Expected, now: Expected) -> Expected:
    """Return what a second export makes of a work order: a line in King stays when its row is now refused.

    Rows have no numbers, so among several of one kin it is unknown which of them the line was.
    """
    sent, refused = Counter(was.sent_kin), Counter(now.refused_kin)
    most = sum((sent & refused).values())
    alone = Counter(was.sent_kin + was.refused_kin), Counter(now.sent_kin + now.refused_kin)
    least = sum(all(kins[kin] == 1 for kins in (sent, refused, *alone)) for kin in refused)
    is_other = Counter(was.sent_kin) != Counter(now.sent_kin)
    return replace(now, kept=(least, most), is_other=is_other, is_moved=_is_moved(was.sent_kin, now.sent_kin))


def _is_moved(was: tuple[str, ...], now: tuple[str, ...]) -> bool:
    """Return whether rows that stayed are in another sequence, or too much alike to know."""
    both = Counter(was) & Counter(now)
    return any(count > 1 for count in both.values()) or [kin for kin in was if kin in both] != [
        kin for kin in now if kin in both
    ]


def _stopped(
    work_order: Row,
    settings: Settings,
    state: str,
    reasons: frozenset[str],
    refused: tuple[tuple[str, frozenset[str]], ...],
    features: frozenset[str],
) -> Expected:
    status = notation.text(work_order, "WorkStatus")
    if state == "rejected" and settings.failure_status:
        status = settings.failure_status
    return Expected(state, status, reasons=reasons, refused=refused, features=features)


def debtor_of(work_order: Row, settings: Settings) -> str:
    customer = notation.text(work_order, "CustomerDebtorNr")
    if settings.assign_relation == "customer":
        return customer
    return notation.text(work_order, "CustomerDebtorNrInvoice") or customer


def header(work_order: Row, settings: Settings) -> Header:
    """Return the header of a new order (docs/decisions/0004: the reference and the dates)."""
    texts_of = [notation.text(work_order, name) for name in ("ExternalReference", "Reference")]
    texts_of.append(f"Werkbon {notation.text(work_order, 'OrderNr')}")
    begin = notation.date(notation.text(work_order, "WorkDate"))
    end = notation.date(notation.text(work_order, "WorkEndDate"))
    return Header(
        debtor=debtor_of(work_order, settings),
        external=f"OS-{work_order['id']}",
        reference=next((each for each in texts_of if each and len(each) <= LONGEST_REFERENCE), ""),
        order_date=begin.isoformat() if begin else "",
        delivery_date=end.isoformat() if end else begin.isoformat() if begin else "",
    )


def is_readable(work_order: Row) -> bool:
    """Return whether the shape is that of a work order and every text can be written."""
    rows = [work_order.get(name) or [] for name in ("Materials", "Workperiods")]
    if not all(isinstance(each, list) and all(isinstance(row, dict) for row in each) for each in rows):
        return False
    scalars = [
        value
        for row in [work_order, *_rows(work_order, "Materials"), *_rows(work_order, "Workperiods")]
        for name, value in row.items()
        if name not in {"Materials", "Workperiods", "FreeFields"}
    ]
    return not any(isinstance(each, list | dict) for each in scalars) and not _has_half_surrogate(work_order)


def _has_half_surrogate(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_half_surrogate, value.values()))
    if isinstance(value, list):
        return any(map(_has_half_surrogate, value))
    return isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value)


def _rows(work_order: Row, name: str) -> list[Row]:
    value = work_order.get(name)
    return value if isinstance(value, list) else []


def _is_refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.why != {"no_warehouse"}


class _Found:
    """Everything there is to say about one work order, before it is weighed."""

    def __init__(self, work_order: Row, settings: Settings, king: World) -> None:
        self.work_order, self.settings, self.king = work_order, settings, king
        self.linked = notation.text(work_order, "WorkorderNo")
        self.material_rows = _rows(work_order, "Materials")
        self.materials = [lines.material(row, settings, king) for row in self.material_rows]
        self.hours = [lines.period(row, settings, king) for row in _rows(work_order, "Workperiods")]
        self.distances = [lines.travel(row, settings, king) for row in _rows(work_order, "Workperiods")]
        self.travel = [each for each in self.distances if each]
        minutes = sum(each.minutes for each in self.hours if not isinstance(each, LeftOut))
        self.texts = texts.lines(work_order, settings, minutes=minutes)
        # A line without any warehouse is not a refused line: it stops the work order.
        self.refused = tuple(
            (kind, each.why - {"no_warehouse"})
            for kind, group in (
                ("material", self.materials),
                ("hours", self.hours),
                ("travel", self.travel),
                ("text", self.texts),
            )
            for each in group
            if isinstance(each, Refused) and _is_refused(each)
        )

    def kin(self) -> Iterator[tuple[str, Outcome]]:
        """Yield what identifies each row, with what becomes of it."""
        for row, outcome in zip(self.material_rows, self.materials, strict=True):
            code = notation.text(row, "MaterialCode")
            article = self.king.article(code)
            free = f"free {notation.text(row, 'MaterialName')}"
            yield f"material {article.number if article else code}" if code else free, outcome
        periods = _rows(self.work_order, "Workperiods")
        for row, outcome, distance in zip(periods, self.hours, self.distances, strict=True):
            names = ("WorkDate", "BeginTime", "EmployeeNr")
            kin = notation.text(row, "Id") or " ".join(notation.text(row, name) for name in names)
            yield kin, outcome
            if distance:
                yield f"travel {kin}", distance
        yield from ((f"text {place}", outcome) for place, outcome in enumerate(self.texts))

    @property
    def billable(self) -> list[Outcome]:
        return [each for each in (*self.materials, *self.hours, *self.travel) if not isinstance(each, LeftOut)]

    @property
    def has_credit(self) -> bool:
        return any(isinstance(each, Sent) and each.line.is_credit for each in self.materials)

    def in_sequence(self) -> list[Outcome]:
        groups = {"materials": self.materials, "hours": [*self.hours, *self.travel], "text": self.texts}
        return [each for name in self.settings.order_line_sequence.split("_") for each in groups[name]]

    def rejections(self, *, is_ours: bool) -> frozenset[str]:
        kinds = set()
        if self.linked:
            kinds |= self._order_rejections()
        elif not is_ours:
            kinds |= self._debtor_rejections()
        if any(isinstance(each, Refused) and "no_warehouse" in each.why for each in self.materials):
            kinds.add("no_warehouse")
        if self.billable and all(map(_is_refused, self.billable)):
            kinds.add("all_lines_refused")
        return frozenset(kinds)

    def _order_rejections(self) -> set[str]:
        order = self.king.orders.get(self.linked)
        if order is None or not order.is_open:
            return {"unknown_order"}
        return {"blocked_debtor"} if self.king.debtors[order.debtor].is_blocked else set()

    def _debtor_rejections(self) -> set[str]:
        number = debtor_of(self.work_order, self.settings)
        debtor = self.king.debtors.get(number)
        if not number:
            return {"no_debtor"}
        if debtor is None:
            return {"unknown_debtor"}
        return {"blocked_debtor"} if debtor.is_blocked else set()

    def holds(self, *, is_interim: bool, is_ours: bool) -> frozenset[str]:
        settings, kinds = self.settings, set()
        if not self.billable:
            kinds.add("nothing_to_invoice")
        if not self.linked and not is_ours:
            may_create = settings.create_interim_order if is_interim else settings.create_new_order
            kinds |= set() if may_create else {"not_linked"}
        if self._is_before_the_start():
            kinds.add("before_from_date")
        if settings.incomplete_orders == "hold" and self.refused:
            kinds.add("waits_for_lines")
        if self._is_of_another_customer() and settings.order_of_other_customer == "hold":
            kinds.add("order_of_other_customer")
        return frozenset(kinds)

    def reviews(self, before: tuple[Line, ...] | None) -> frozenset[str]:
        """Return what a person must see first: of the lines that would be new in King, or other than they are there."""
        sent = [each for each in self.in_sequence() if isinstance(each, Sent)]
        there = Counter(before or ())
        new = []
        for each in sent:
            if there[each.line]:
                there[each.line] -= 1
            else:
                new.append(each)
        kinds = {name for each in new for name in each.review}
        if before is None and new and self._has_debtor():
            kinds.add("first_order_of_customer")  # the first run has no other orders of ours, and sends none of these
        return frozenset(f"review.{name}" for name in kinds & set(self.settings.review))

    def _has_debtor(self) -> bool:
        order = self.king.orders.get(self.linked)
        return bool(order and order.is_open) if self.linked else bool(debtor_of(self.work_order, self.settings))

    def _is_before_the_start(self) -> bool:
        days, start = self._days_of_work(), self.settings.from_date
        return start is not None and any(day < start for day in days)

    def _days_of_work(self) -> set[str]:
        """Return every day that may count as the one on which the work was finished."""
        rows = [(self.work_order, "WorkEndDate"), (self.work_order, "WorkDate")]
        rows += [(row, "WorkDate") for row in _rows(self.work_order, "Workperiods")]
        days = [notation.date(notation.text(row, name)) for row, name in rows]
        return {day.isoformat() for day in days if day}

    def _is_of_another_customer(self) -> bool:
        order = self.king.orders.get(self.linked)
        own = {notation.text(self.work_order, name) for name in ("CustomerDebtorNr", "CustomerDebtorNrInvoice")}
        return order is not None and order.is_open and order.debtor not in own

    def features(self, rejected: frozenset[str], held: frozenset[str]) -> frozenset[str]:
        """Return what the work order needs of the product, by the names of `tests.oracle.features`."""
        settings, found = self.settings, set()
        if any(map(lines.is_free_with_price, self.material_rows)) and settings.free_line_article:
            found.add("free_line_price")
        if self.has_credit and settings.approve_order:
            found.add("credit_approval")
        if self._is_of_another_customer():
            found.add("other_customer")
        told_by_king = {"decimals_price", "large_price", "long_text"} & {one for _, why in self.refused for one in why}
        if told_by_king:
            found.add("refused_by_king")
        if self.linked and "blocked_debtor" in rejected:
            found.add("blocked_debtor_of_linked")
        if any("large" in one for _, why in self.refused for one in why):
            found.add("large_number")
        if len(rejected | held) > 1 or ((rejected | held) - {"all_lines_refused", "waits_for_lines"} and self.refused):
            found.add("several_reasons")
        if any(isinstance(each, Refused) and each.minutes for each in self.hours) and self._tells_total_hours():
            found.add("silent_total_hours")
        start = settings.from_date
        if start is not None and len({day < start for day in self._days_of_work()}) > 1:
            found.add("silent_finished_on")
        return frozenset(found)

    def _tells_total_hours(self) -> bool:
        return any("{total_hours}" in each for each in self.settings.extra_text_lines)
