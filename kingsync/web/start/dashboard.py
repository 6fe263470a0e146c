"""The dashboard of a tenant's start page: states of the work orders, what stops them, the last days."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.utils import timezone

from kingsync.exports.overview import at_trigger, causes, ledger_counts
from kingsync.exports.overview.at_trigger import AtTrigger
from kingsync.exports.overview.causes import Cause
from kingsync.exports.overview.ledger_counts import UNDER_WAY
from kingsync.imports import change_limit
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import notify
from kingsync.web.shared.tenant_status import RunCard, SystemCard, TenantStatus, listed_runs, run_cards, tenant_status
from kingsync.web.start import charts
from kingsync.web.start.charts import LastDays

LATEST_RUNS = 5
CAUSES_SHOWN = 5


@dataclass(frozen=True)
class StateCount:
    state: LedgerState
    count: int
    needs_a_person: bool


@dataclass(frozen=True)
class Figures:
    """Numbers of work orders; `today` and `this_month` came into King."""

    waiting: int
    under_way: list[StateCount]
    needs_a_person: list[StateCount]
    today: int
    this_month: int
    # From when on those are counted.
    first_of_today: datetime.date
    first_of_month: datetime.date

    @property
    def sending(self) -> int:
        return sum(part.count for part in self.under_way)

    @property
    def person(self) -> int:
        return sum(part.count for part in self.needs_a_person)


@dataclass(frozen=True)
class Dashboard:
    """`all_causes` is False when only the newest work orders were searched for causes."""

    status: TenantStatus
    cards: list[RunCard]
    figures: Figures
    listed: AtTrigger | None
    causes: list[Cause]
    all_causes: bool
    trips: list[ChangeLimitTrip]
    unsent: SentNotification | None
    days: LastDays
    latest_runs: list[SyncRun]

    @property
    def systems(self) -> list[SystemCard]:
        return self.status.systems


def dashboard() -> Dashboard:
    """Return the dashboard of the current tenant."""
    found, days = tenant_status(), charts.last_days(now=timezone.now())
    figures = _figures(days)
    return Dashboard(
        status=found,
        cards=run_cards(found),
        figures=figures,
        listed=at_trigger.at_trigger(),
        causes=causes.causes(newest=causes.OF_NEWEST)[:CAUSES_SHOWN] if figures.person else [],
        all_causes=figures.person <= causes.OF_NEWEST,
        trips=change_limit.open_trips(),
        unsent=notify.unsent(found.settings, now=timezone.now()),
        days=days,
        latest_runs=list(listed_runs().order_by("-pk")[:LATEST_RUNS]),
    )


def _figures(days: LastDays) -> Figures:
    """Count what is open; finished work orders are counted by day, since there may be a million of them."""
    open_states = [LedgerState.WAITING, *UNDER_WAY, *WorkOrder.NEEDS_A_PERSON]
    found, today = ledger_counts.by_state(open_states), days.days[-1].date
    return Figures(
        waiting=found.get(LedgerState.WAITING, 0),
        under_way=_state_counts(UNDER_WAY, found),
        needs_a_person=_state_counts(WorkOrder.NEEDS_A_PERSON, found),
        today=days.today,
        this_month=days.this_month,
        first_of_today=today,
        first_of_month=today.replace(day=1),
    )


def _state_counts(states: tuple[LedgerState, ...] | list[LedgerState], found: dict[str, int]) -> list[StateCount]:
    counts = [StateCount(state, found.get(state, 0), state in WorkOrder.NEEDS_A_PERSON) for state in states]
    return [part for part in counts if part.count]
