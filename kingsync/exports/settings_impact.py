"""What other settings would do with the waiting work orders, from what we know, without a call or a write.

The rules run twice over the work orders as last read, with the stored settings and with the new ones. King and OutSmart
are asked again when something is sent.
"""

from __future__ import annotations

import enum
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from django.utils.translation import gettext

from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger, review_holds, supplements
from kingsync.exports import verdict as verdicts
from kingsync.exports.lines import adopted_lines, ledger_lines
from kingsync.exports.master_data import MirroredMasterData
from kingsync.models.former_orders import FormerOrder, FormerOrders
from kingsync.models.sync_settings import TEXT_LINES, SyncSettings
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import changes, orders, triggers
from kingsync.rules.mapping import Exports
from kingsync.rules.next_step import Act, Known, follow
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Plan, SavedLine
from kingsync.rules.plans import Source as LineSource

LOOKED_AT, LISTED, DETAILS = 500, 50, 4
SECONDS = 2.0


class End(enum.StrEnum):
    """The outcome of a work order in the next export."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    HELD = "held"
    UNKNOWN = "unknown"  # only King knows, or we do not have the work order's data


ENDS = {
    Act.LEAVE: End.HELD,
    Act.WAIT_FOR_TRIGGER: End.HELD,
    Act.WAIT_FOR_KING: End.UNKNOWN,
    Act.ASK_KING: End.UNKNOWN,
    Act.SAVE_AS_DONE: End.UNCHANGED,
    Act.REJECT: End.REFUSED,
    Act.HOLD: End.HELD,
    Act.LEAVE_CHANGED: End.HELD,
    Act.KEEP: End.UNCHANGED,
    Act.UPDATE: End.UPDATED,
    Act.ADOPT: End.UPDATED,
    Act.LOOK_FOR_LOST: End.CREATED,
}


_SUCCESS = frozenset({End.CREATED, End.UPDATED, End.UNCHANGED})
# What King answered, or what happened in between: no rule foresees it, and only a new attempt shows that it is over.
_ONLY_AN_ATTEMPT_TELLS = frozenset(
    {
        "order_refused",
        "refused_by_king",
        "approval_refused",
        "move_refused",
        "move_from_closed_order",
        "move_of_changed_lines",
        "order_delivered",
        "order_of_another",
        "several_orders",
        "unknown_order",
        "order_busy",
        "still_locked",
        "differs_after_sending",
        "line_conflict",
        "line_removed",
        "line_dropped",
        "not_looked_up",
        "internal",
    }
)


class SettingsOutcome(msgspec.Struct, frozen=True, kw_only=True):
    end: End
    reasons: tuple[Reason, ...] = ()
    plan: Plan | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A work order with another outcome; `differences` when it goes to King either way, but with other content."""

    pk: int
    number: str
    customer: str
    now: SettingsOutcome
    then: SettingsOutcome
    differences: tuple[str, ...]


class SettingsImpact(msgspec.Struct, kw_only=True):
    """The effect on `waiting` work orders, of which only the newest were processed."""

    waiting: int
    looked_at: int = 0
    now: Counter[End] = msgspec.field(default_factory=Counter)
    then: Counter[End] = msgspec.field(default_factory=Counter)
    change_count: int = 0
    changed: list[Changed] = msgspec.field(default_factory=list)

    # What an export picks up, or would read at one of its triggers. `changed` waits for a person, not for settings.
    STATES: ClassVar = [
        LedgerState.WAITING,
        LedgerState.SENDING,
        LedgerState.INTERIM,
        LedgerState.INCOMPLETE,
        LedgerState.REJECTED,
        LedgerState.UNCERTAIN,
        LedgerState.HELD,
    ]


def settings_impact(stored: Exports, wanted: Exports, *, seconds: float = SECONDS) -> SettingsImpact:
    """Return what the next export would do with the `stored` and with the `wanted` settings, within a time limit."""
    until = time.monotonic() + seconds
    waiting = WorkOrder.objects.filter(state__in=SettingsImpact.STATES)
    found = SettingsImpact(waiting=waiting.count())
    sources = {row: ledger.source_of(row) for row in waiting.order_by("-id")[:LOOKED_AT]}
    evaluation = _Evaluation(sources, stored, wanted)
    for row, source in sources.items():
        if found.looked_at and time.monotonic() > until:
            break
        _add(found, row, evaluation.outcome(row, source, stored), evaluation.outcome(row, source, wanted))
    return found


def _add(found: SettingsImpact, row: WorkOrder, now: SettingsOutcome, then: SettingsOutcome) -> None:
    found.looked_at += 1
    found.now[now.end] += 1
    found.then[then.end] += 1
    if now == then:
        return
    found.change_count += 1
    if len(found.changed) < LISTED:
        differences = tuple(_differences(now, then))
        found.changed.append(
            Changed(
                pk=row.pk,
                number=row.order_number or row.outsmart_id,
                customer=row.customer_name,
                now=now,
                then=then,
                differences=differences,
            )
        )


class _Evaluation:
    """Evaluates work orders under any settings; reads everything once for all of them."""

    def __init__(self, sources: dict[WorkOrder, Source | None], *choices: Exports) -> None:
        self.master_data = MirroredMasterData()
        known = [source for source in sources.values() if source]
        for each in choices:
            self.master_data.prefetch_rows(known, each)
        ledger_lines.prefetch_rows(list(sources))
        numbers = {row: verdicts.number_of(row, source) for row, source in sources.items() if source}
        self._former = FormerOrders().of({row.outsmart_id: number for row, number in numbers.items()})
        for row, number in numbers.items():
            if number:
                adopted_lines.take_over(row, number, is_dry=True)

    def outcome(self, row: WorkOrder, source: Source | None, choices: Exports) -> SettingsOutcome:
        """Return the outcome of an export with these settings, as far as we know."""
        if source is None:
            return SettingsOutcome(end=End.UNKNOWN)
        former = self._former.get(row.outsmart_id)
        known, step = follow(_known(row, source, choices, former), self._ways_to_learn(row, source, choices))
        end = ENDS[step.act]
        standing = _standing(row) if end in _SUCCESS else ()
        if standing:
            return SettingsOutcome(end=End.UNKNOWN, reasons=standing)
        plan = known.verdict.plan if known.verdict and end in (End.CREATED, End.UPDATED) else None
        return SettingsOutcome(end=end, reasons=step.reasons, plan=plan)

    def _ways_to_learn(self, row: WorkOrder, source: Source, choices: Exports) -> dict[Act, Callable[[Known], Known]]:
        return {
            Act.JUDGE: lambda known: self._judged(known, row, source, choices),
            # Only King can say whether its lines may leave their order.
            Act.MOVE: lambda known: msgspec.structs.replace(known, number=known.moves_to, moves_to=""),
            Act.READ: lambda known: self._as_read_last(known, row, source, choices),
        }

    def _judged(self, known: Known, row: WorkOrder, source: Source, choices: Exports) -> Known:
        if row.part > 1:
            plan = supplements.of_part(row, source, choices, self.master_data.of(source, choices))
            return verdicts.with_plan(known, row, source, plan, choices)
        plan = orders.from_work_order(
            source,
            choices,
            master_data=self.master_data.of(source, choices),
            booked=ledger_lines.saved_lines(row),
            king_order_number=known.number,
            is_new=not known.number,
        )
        return verdicts.with_plan(known, row, source, plan, choices)

    def _as_read_last(self, known: Known, row: WorkOrder, source: Source, choices: Exports) -> Known:
        """Add what is known of King's order as last read: its customer, and what is new since."""
        verdict = known.verdict
        assert verdict is not None  # noqa: S101  (judged before; for the type checker)
        found = verdicts.customer_holds(
            self.master_data, choices, row, source, seen=row.seen_order, number=known.number
        )
        reviews = review_holds.of_order_as_last_read(choices, row, verdict.plan, number=known.number)
        verdict = msgspec.structs.replace(verdict, holds=(*verdict.holds, *found, *reviews))
        return msgspec.structs.replace(known, is_order_read=True, verdict=verdict)


def _standing(row: WorkOrder) -> tuple[Reason, ...]:
    """Return the known reasons that still hold whatever the settings are, until a new attempt."""
    return tuple(msgspec.convert(why, Reason) for why in row.reasons if _code(why) in _ONLY_AN_ATTEMPT_TELLS)


def _code(why: Mapping[str, Any]) -> str:
    """Return the code of a reason; of a refused line, the one behind it."""
    code: str = why["code"]
    return str(why.get("params", {}).get("code", code)) if code == "line_refused" else code


def _known(row: WorkOrder, source: Source, choices: Exports, former: FormerOrder | None) -> Known:
    """Return what we know; sets `is_interim` for these settings, in memory only."""
    row.is_interim = triggers.is_interim(
        choices, status=source.status, work_status=source.work_status, before=row.is_interim
    )
    return verdicts.known_of(
        row,
        source,
        is_switched_on=choices.orders,
        is_at_trigger=triggers.is_at_trigger(choices, source, is_interim=row.is_interim),
        is_resting=row.state == LedgerState.INTERIM,
        may_ask=False,
        former=former,
    )


def _differences(now: SettingsOutcome, then: SettingsOutcome) -> Iterator[str]:
    if now.plan is None or then.plan is None:
        return
    yield from _header_differences(now.plan, then.plan)
    as_now = [SavedLine(reference=line.reference, key=line.origin.key, sent=line.content) for line in now.plan.lines]
    text = changes.since_export(as_now, then.plan)
    yield from map(_labelled, text[:DETAILS])
    if len(text) > DETAILS:
        yield "…"
    if _sequence(now.plan) != _sequence(then.plan):
        yield gettext("The lines are in a different order.")


def _header_differences(now: Plan, then: Plan) -> Iterator[str]:
    if now.header.debtor_number != then.header.debtor_number:
        yield gettext("Debtor: %(old)s → %(new)s") % {
            "old": now.header.debtor_number or "-",
            "new": then.header.debtor_number or "-",
        }
    if now.header.is_approved_at_once != then.header.is_approved_at_once:
        is_approved = then.header.is_approved_at_once
        yield gettext("The order is approved right away.") if is_approved else gettext("The order is not approved.")


def _sequence(plan: Plan) -> list[str]:
    """Return the kinds of lines in their sequence; travel always follows the hours."""
    kinds = (line.origin.source.value for line in plan.lines if line.origin.source is not LineSource.TRAVEL)
    return [kind for kind, _lines in itertools.groupby(kinds)]


def _labelled(text: str) -> str:
    """Label a text line as the settings do."""
    name, colon, rest = text.partition(":")
    if name not in ("work_description", *TEXT_LINES):
        return text
    return f"{getattr(SyncSettings._meta.get_field(name), 'verbose_name', name)}{colon}{rest}"
