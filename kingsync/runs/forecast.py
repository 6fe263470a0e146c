"""What other settings would do with the work orders that wait: from what we know, without a call or a write.

The rules run twice over the work orders as they were read last, with the stored choices and with the new ones. King
and OutSmart are asked again when something is sent.
"""

from __future__ import annotations

import enum
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import msgspec
from django.utils.translation import gettext

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.sync_settings import TEXT_LINES, SyncSettings
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.rules import changes, orders
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import BookedLine, Plan
from kingsync.runs import adopted_lines, decisions, exports, ledger
from kingsync.runs.decisions import Decision
from kingsync.runs.facts import KnownFacts

LOOKED_AT, LISTED, DETAILS = 500, 50, 4
SECONDS = 2.0


class End(enum.StrEnum):
    """What the next export would make of a work order."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    HELD = "held"
    UNKNOWN = "unknown"  # only King can tell, or we do not have the work order as it was read


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    end: End
    reasons: tuple[Reason, ...] = ()
    plan: Plan | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A work order that ends otherwise; `differences` when it goes to King either way, but not the same."""

    pk: int
    number: str
    customer: str
    now: Verdict
    then: Verdict
    differences: tuple[str, ...]


class Forecast(msgspec.Struct, kw_only=True):
    """`waiting` work orders in all, of which the newest `looked_at` were gone through."""

    waiting: int
    looked_at: int = 0
    now: Counter[End] = msgspec.field(default_factory=Counter)
    then: Counter[End] = msgspec.field(default_factory=Counter)
    change_count: int = 0
    changed: list[Changed] = msgspec.field(default_factory=list)

    # What an export takes up, or would read at one of its triggers. `changed` waits for a person, not for settings.
    STATES: ClassVar = [
        LedgerState.WAITING,
        LedgerState.SENDING,
        LedgerState.INTERIM,
        LedgerState.INCOMPLETE,
        LedgerState.REJECTED,
        LedgerState.UNCERTAIN,
        LedgerState.HELD,
    ]


def forecast(stored: Exports, wanted: Exports, *, seconds: float = SECONDS) -> Forecast:
    """Return what the next export would do with `stored` and with `wanted` choices, after so many seconds at most."""
    until = time.monotonic() + seconds
    waiting = WorkOrder.objects.filter(state__in=Forecast.STATES)
    found = Forecast(waiting=waiting.count())
    sources = {row: _source(row) for row in waiting.order_by("-id")[:LOOKED_AT]}
    look = _Look(sources, stored, wanted)
    for row, source in sources.items():
        if found.looked_at and time.monotonic() > until:
            break
        _add(found, row, look.verdict(row, source, stored), look.verdict(row, source, wanted))
    return found


def _source(row: WorkOrder) -> Source | None:
    try:
        return payloads.work_order(row.source.encode()) if row.source else None
    except errors.PayloadError:
        return None


def _add(found: Forecast, row: WorkOrder, now: Verdict, then: Verdict) -> None:
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


class _Look:
    """Looks at work orders with any choices; what it reads, it reads once for all of them."""

    def __init__(self, sources: dict[WorkOrder, Source | None], *choices: Exports) -> None:
        self.facts = KnownFacts()
        known = [source for source in sources.values() if source]
        for each in choices:
            self.facts.read_ahead(known, each)
        ledger.read_ahead(list(sources))
        for row, source in sources.items():
            if source and (number := decisions.number_of(row, source)):
                adopted_lines.take_over(row, number, is_dry=True)

    def verdict(self, row: WorkOrder, source: Source | None, choices: Exports) -> Verdict:
        """Return how an export with these choices would end, as far as we know."""
        if source is None or _only_king_knows(row):
            return Verdict(end=End.UNKNOWN)
        stop = _not_taken_up(row, source, choices)
        return Verdict(end=End.HELD, reasons=(stop,)) if stop else self._judged(row, source, choices)

    def _judged(self, row: WorkOrder, source: Source, choices: Exports) -> Verdict:
        number = decisions.number_of(row, source)
        plan = orders.from_work_order(
            source,
            choices,
            facts=self.facts.of(source, choices),
            booked=ledger.booked_lines(row),
            king_order_number=number,
            is_new=not number,
        )
        decision = self._of_whom(row, source, choices, decisions.judged(row, plan, choices, number=number))
        reasons = decision.reasons
        if decision.is_rejected:
            return Verdict(end=End.REFUSED, reasons=reasons)
        if decision.is_held:
            return Verdict(end=End.HELD, reasons=reasons)
        if number and ledger.is_in_king(row, plan):
            return Verdict(end=End.UNCHANGED, reasons=reasons)
        return Verdict(end=End.UPDATED if number else End.CREATED, reasons=reasons, plan=plan)

    def _of_whom(self, row: WorkOrder, source: Source, choices: Exports, decision: Decision) -> Decision:
        """Add what is known of the order's customer, as it was read last."""
        found = decisions.customer_holds(self.facts, choices, row, source, seen=row.seen_order, number=decision.number)
        return msgspec.structs.replace(decision, holds=(*decision.holds, *found))


def _only_king_knows(row: WorkOrder) -> bool:
    """True while nobody can tell whether King made the order: it is asked before anything else."""
    return row.step == Step.PENDING and not row.king_order_number


def _not_taken_up(row: WorkOrder, source: Source, choices: Exports) -> Reason | None:
    """Return why an export would not even begin; sets for which trigger the work order counts, in memory only."""
    if not choices.orders:
        return reason("exports_off")
    row.is_interim = exports.is_interim(
        choices, status=source.status, work_status=source.work_status, before=row.is_interim
    )
    # What was begun is finished wherever it stands now; an interim order waits for its next turn at a trigger.
    is_free = row.step == Step.NEW or row.state == LedgerState.INTERIM
    if is_free and not exports.is_at_trigger(choices, source, is_interim=row.is_interim):
        return reason("left_the_trigger")
    return None


def _differences(now: Verdict, then: Verdict) -> Iterator[str]:
    if now.plan is None or then.plan is None:
        return
    yield from _header_differences(now.plan, then.plan)
    as_now = [BookedLine(reference=line.reference, key=line.origin.key, sent=line.content) for line in now.plan.lines]
    told = changes.since_export(as_now, then.plan)
    yield from map(_with_label, told[:DETAILS])
    if len(told) > DETAILS:
        yield "…"
    if _sequence(now.plan) != _sequence(then.plan):
        yield gettext("The lines stand in another sequence.")


def _header_differences(now: Plan, then: Plan) -> Iterator[str]:
    if now.header.debtor_number != then.header.debtor_number:
        yield gettext("Debtor: %(old)s → %(new)s") % {
            "old": now.header.debtor_number or "-",
            "new": then.header.debtor_number or "-",
        }
    if now.header.is_approved_at_once != then.header.is_approved_at_once:
        is_approved = then.header.is_approved_at_once
        yield gettext("It is approved at once.") if is_approved else gettext("It is not approved.")


def _sequence(plan: Plan) -> list[str]:
    """Return the kinds of lines in the order in which they follow each other."""
    return [kind for kind, _lines in itertools.groupby(line.origin.source.value for line in plan.lines)]


def _with_label(told: str) -> str:
    """Call a text line what the settings call it."""
    name, colon, rest = told.partition(":")
    if name not in ("work_description", *TEXT_LINES):
        return told
    return f"{getattr(SyncSettings._meta.get_field(name), 'verbose_name', name)}{colon}{rest}"
