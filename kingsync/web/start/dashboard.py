"""The dashboard of a tenant's start page: states of the work orders, what stops them, the last days."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from kingsync.exports.overview import at_trigger, causes, ledger_counts, trouble
from kingsync.exports.overview.at_trigger import AtTrigger
from kingsync.exports.overview.causes import Cause
from kingsync.exports.overview.ledger_counts import UNDER_WAY
from kingsync.exports.overview.trouble import Trouble
from kingsync.imports import change_limit
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import notify, silence
from kingsync.web.shared.tenant_status import RunCard, SystemCard, TenantStatus, listed_runs, run_cards, tenant_status
from kingsync.web.start import charts, kept_figures
from kingsync.web.start.charts import LastDays
from kingsync.web.start.kept_figures import MANY

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
    trouble: Trouble
    # Work orders that wait, those that only OutSmart has as well.
    number_waiting: int

    @property
    def systems(self) -> list[SystemCard]:
        return self.status.systems


def dashboard() -> Dashboard:
    """Return the dashboard of the current tenant."""
    now = timezone.now()
    found, is_open = tenant_status(), ledger_counts.by_state(ledger_counts.OPEN)
    days = kept_figures.kept(
        f"days-{now.date()}", is_open, lambda: charts.last_days(now=now), are_many=lambda days: days.total >= MANY
    )
    figures = _figures(days, is_open)
    listed = at_trigger.at_trigger()
    latest = list(listed_runs().order_by("-pk")[:LATEST_RUNS])
    return Dashboard(
        status=found,
        cards=run_cards(found, latest=latest),
        figures=figures,
        listed=listed,
        causes=_causes(is_open, figures.person) if figures.person else [],
        all_causes=figures.person <= causes.OF_NEWEST,
        trips=change_limit.open_trips(),
        unsent=notify.unsent(found.settings, now=now),
        days=days,
        latest_runs=latest,
        trouble=trouble.trouble(attention=figures.person),
        number_waiting=silence.number_waiting(is_open, listed),
    )


def _causes(is_open: Mapping[str, int], person: int) -> list[Cause]:
    def found() -> list[Cause]:
        return causes.biggest(CAUSES_SHOWN)

    return kept_figures.kept("causes", is_open, found, are_many=lambda _found: person >= MANY)


def _figures(days: LastDays, found: Mapping[str, int]) -> Figures:
    """Count what is open; finished work orders are counted by day, since there may be a million of them."""
    today = days.days[-1].date
    return Figures(
        waiting=found.get(LedgerState.WAITING, 0),
        under_way=_state_counts(UNDER_WAY, found),
        needs_a_person=_state_counts(WorkOrder.NEEDS_A_PERSON, found),
        today=days.today,
        this_month=days.this_month,
        first_of_today=today,
        first_of_month=today.replace(day=1),
    )


def _state_counts(states: tuple[LedgerState, ...] | list[LedgerState], found: Mapping[str, int]) -> list[StateCount]:
    counts = [StateCount(state, found.get(state, 0), state in WorkOrder.NEEDS_A_PERSON) for state in states]
    return [part for part in counts if part.count]
