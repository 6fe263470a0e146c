"""A tenant's status, read once per page: its settings, its two systems, and its next runs."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from kingsync.messages.reason_texts import StoredReason, stored
from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.runs import schedule, wanted
from kingsync.web.shared.template_tags import when

# A queued run begins within seconds and the clock ticks four times a minute: after this long something is stuck.
STALLED = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class SystemCard:
    """One system on the page; `connection` is None until it is filled in."""

    system: System
    connection: Connection | None

    @property
    def is_missing(self) -> bool:
        return self.connection is None or not self.connection.base_url

    @property
    def is_paused(self) -> bool:
        return self.connection is not None and self.connection.state == Connection.State.PAUSED

    @property
    def has_worked(self) -> bool:
        """Return whether this address has ever answered, with these credentials."""
        return self.connection is not None and self.connection.last_success_at is not None

    @property
    def problem(self) -> StoredReason | None:
        """Return why it is paused, or why the last attempt failed, if so."""
        if self.connection is None:
            return None
        return self.connection.paused_reason or self.connection.last_attempt_problem or None

    @property
    def label(self) -> str:
        """Return how the last attempt ended, in a word or two."""
        if self.is_paused:
            return gettext("paused")
        if self.problem:
            return gettext("failed")
        return gettext("works") if self.has_worked else gettext("has not answered yet")

    @property
    def tone(self) -> str:
        if self.is_paused or self.problem:
            return "bad"
        return "good" if self.has_worked else "calm"


@dataclass(frozen=True)
class TenantStatus:
    settings: SyncSettings | None
    systems: list[SystemCard]

    def is_connected(self, kind: RunKind) -> bool:
        """Return whether a run of this kind has the connections that it needs."""
        return schedule.is_connected(kind, [card.connection for card in self.systems if card.connection])

    @cached_property
    def past(self) -> schedule.Past:
        return schedule.Past()

    @property
    def imports_something(self) -> bool:
        why = self.refusal(RunKind.IMPORT)
        return why is None or why["code"] != "imports_off"

    def refusal(self, kind: RunKind) -> StoredReason | None:
        """Return why an ordinary run of this kind is refused, if so."""
        return _refusal(kind, self.settings)


@dataclass(frozen=True)
class RunCard:
    """One kind of run: the newest one, when the schedule starts the next, and why its button is refused, if so.

    `next_at` is None when the schedule does not start it, and while one is open.
    """

    kind: RunKind
    run: SyncRun | None
    next_at: datetime.datetime | None
    is_due: bool
    is_scheduled: bool
    waits_for_connections: bool
    refusal: StoredReason | None

    @property
    def is_overdue(self) -> bool:
        """Return whether the schedule should have started it long ago."""
        return self.next_at is not None and self.next_at < timezone.now() - STALLED

    @property
    def next_text(self) -> str:
        """Return when the schedule starts the next run, or why it does not."""
        if self.waits_for_connections:
            return gettext("The schedule waits until both connections work.")
        if self.is_overdue:
            return gettext("Next run: overdue since %(when)s.") % {"when": when(self.next_at)}
        if self.is_due:
            return gettext("Next run: within a minute.")
        if self.next_at:
            return gettext("Next run: %(when)s.") % {"when": when(self.next_at)}
        if self.kind == RunKind.IMPORT:
            return gettext("Automatic import is off.")
        return gettext("Automatic export is off.")


def tenant_status() -> TenantStatus:
    """Return the status of the current tenant."""
    return TenantStatus(settings=SyncSettings.objects.select_related("tenant").first(), systems=_systems())


def run_cards(
    now_status: TenantStatus, kinds: Iterable[RunKind] = RunKind, *, latest: Sequence[SyncRun] = ()
) -> list[RunCard]:
    """Return the newest run of each kind and the time of the next; `latest` are the newest of all, as far as read."""
    minutes = schedule.intervals(now_status.settings)
    now = timezone.now()
    cards = []
    for kind in kinds:
        is_connected = now_status.is_connected(kind)
        newest = next((run for run in latest if run.kind == kind), None)
        newest = newest or listed_runs().filter(kind=kind).order_by("-pk").first()
        is_started = kind in minutes and is_connected
        next_at = schedule.next_at(kind, minutes=minutes[kind], past=now_status.past) if is_started else None
        cards.append(
            RunCard(
                kind,
                newest,
                next_at,
                is_due=next_at is not None and next_at <= now,
                is_scheduled=kind in minutes,
                waits_for_connections=kind in minutes and not is_connected,
                refusal=now_status.refusal(kind),
            )
        )
    return cards


def refusal(kind: RunKind) -> StoredReason | None:
    """Return why the current tenant is refused an ordinary run of this kind, if so."""
    return _refusal(kind, SyncSettings.objects.select_related("tenant").first())


def _refusal(kind: RunKind, settings: SyncSettings | None) -> StoredReason | None:
    why = wanted.why_not(kind, settings, {})
    return stored(why) if why else None


def listed_runs() -> QuerySet[SyncRun]:
    """Return the tenant's runs for lists, without columns that may be large."""
    return SyncRun.objects.select_related("requested_by").defer(*SyncRun.LARGE)


def _systems() -> list[SystemCard]:
    # The credentials stay encrypted: this page shows none of them.
    found = {row.system: row for row in Connection.objects.defer("credentials")}
    return [SystemCard(system, found.get(system)) for system in System]
