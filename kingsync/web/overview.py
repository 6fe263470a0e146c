"""What a tenant's start page shows: connections, when runs come, where the work orders stand."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone

from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import schedule

LATEST_RUNS = 8
IMPORT_SWITCHES = (
    "customers_enabled",
    "products_enabled",
    "hour_types_enabled",
    "warehouses_enabled",
    "orders_enabled",
)


@dataclass(frozen=True)
class SystemCard:
    """One system as the page shows it; `connection` is None when nobody filled it in yet."""

    system: System
    connection: Connection | None

    @property
    def is_paused(self) -> bool:
        return self.connection is not None and self.connection.state == Connection.State.PAUSED


@dataclass(frozen=True)
class StateCount:
    state: LedgerState
    count: int
    needs_a_person: bool


@dataclass(frozen=True)
class RunCard:
    """One kind of run: the newest one, and when the schedule starts the next.

    `next_at` is None when the schedule does not start it, and while one is open.
    """

    kind: RunKind
    run: SyncRun | None
    next_at: datetime.datetime | None
    is_due: bool
    waits_for_connections: bool


@dataclass(frozen=True)
class Overview:
    systems: list[SystemCard]
    needs_a_person: list[StateCount]
    others: list[StateCount]
    latest_runs: list[SyncRun]

    @property
    def needs_a_person_count(self) -> int:
        return sum(part.count for part in self.needs_a_person)

    @property
    def missing_systems(self) -> list[System]:
        return [card.system for card in self.systems if card.connection is None]

    @property
    def paused(self) -> list[SystemCard]:
        return [card for card in self.systems if card.is_paused]


def overview() -> Overview:
    """Return the state of the tenant whose scope is open."""
    counts = state_counts()
    return Overview(
        systems=_systems(),
        needs_a_person=[part for part in counts if part.needs_a_person and part.count],
        others=[part for part in counts if not part.needs_a_person],
        latest_runs=list(SyncRun.objects.select_related("requested_by").order_by("-pk")[:LATEST_RUNS]),
    )


def state_counts() -> list[StateCount]:
    """Return every state of the ledger with its number of work orders, those that need a person first."""
    rows = WorkOrder.objects.order_by().values_list("state").annotate(number=Count("pk"))
    found: dict[str, int] = dict(rows)
    person = [StateCount(LedgerState(state), found.get(state, 0), True) for state in WorkOrder.NEEDS_A_PERSON]
    others = [
        StateCount(state, found.get(state, 0), False) for state in LedgerState if state not in WorkOrder.NEEDS_A_PERSON
    ]
    return person + others


def run_cards(kinds: Iterable[RunKind] = RunKind) -> list[RunCard]:
    """Return the newest run of each kind and the moment of the next."""
    minutes = _scheduled_minutes()
    is_connected = bool(minutes) and _is_connected()
    now = timezone.now()
    cards = []
    for kind in kinds:
        newest = SyncRun.objects.filter(kind=kind).select_related("requested_by").order_by("-pk").first()
        next_at = schedule.next_at(kind, minutes=minutes[kind]) if kind in minutes and is_connected else None
        cards.append(
            RunCard(
                kind,
                newest,
                next_at,
                is_due=next_at is not None and next_at <= now,
                waits_for_connections=kind in minutes and not is_connected,
            )
        )
    return cards


def _systems() -> list[SystemCard]:
    # The credentials stay closed: this page shows none of them.
    found = {row.system: row for row in Connection.objects.defer("credentials")}
    return [SystemCard(system, found.get(system)) for system in System]


def _scheduled_minutes() -> dict[RunKind, int]:
    """Return the kinds of run that the schedule starts, each with its interval."""
    settings = SyncSettings.objects.first()
    if settings is None or not settings.schedule_enabled:
        return {}
    minutes = {}
    if any(getattr(settings, column) for column in IMPORT_SWITCHES):
        minutes[RunKind.IMPORT] = settings.import_minutes
    if settings.export_orders:
        minutes[RunKind.EXPORT] = settings.export_minutes
    return minutes


def _is_connected() -> bool:
    return not any(card.connection is None or card.is_paused for card in _systems())
