"""Silence: no export has succeeded for hours, or nothing has run that the schedule should have started.

The same answer for the page, which shows it first, and for the e-mails of `kingsync.notifications.silence_mails`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings as deployment
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kingsync.exports.overview import at_trigger, ledger_counts
from kingsync.exports.overview.at_trigger import AtTrigger
from kingsync.messages import reason_texts
from kingsync.models import import_kinds, tenants
from kingsync.models.connections import Connection
from kingsync.models.notifications import Silence
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.runs import schedule, wanted
from kingsync.runs.failures import GOOD
from kingsync.runs.schedule import Past

TITLES = {
    Silence.Kind.NOTHING_RAN: _("Nothing has run since %(since)s, although the schedule is on"),
    Silence.Kind.NO_EXPORT: _("No export has succeeded since %(since)s"),
}
_BEGAN = Q(ended_at=None)
# The silences whose owners an e-mail is due to; an all-clear goes to those who heard of the silence.
OWNERS_DUE = _BEGAN & Q(owners_mailed_at=None) | ~_BEGAN & Q(owners_mailed_at__isnull=False, owners_cleared_at=None)
WAITING = (LedgerState.WAITING, LedgerState.SENDING, LedgerState.UNCONFIRMED)


@dataclass(frozen=True)
class Silent:
    """What is silent since when; `run` is the newest attempt, if there was one."""

    kind: Silence.Kind
    since: datetime.datetime
    run: SyncRun | None = None


_ARE_IMPORTS_ON = " OR ".join(f"settings.{name}_enabled" for name in import_kinds.KINDS)
# A tenant that nothing is wrong with is not found; `of` decides about the others.
_DOUBTFUL = f"""
    SELECT DISTINCT settings.tenant_id
    FROM kingsync_syncsettings AS settings
    JOIN kingsync_tenant AS tenant ON tenant.id = settings.tenant_id AND tenant.is_licensed
        AND (tenant.licensed_until IS NULL OR tenant.licensed_until >= %(today)s) AND tenant.closing_at IS NULL
    CROSS JOIN LATERAL (VALUES
        ('{RunKind.IMPORT.value}', settings.import_minutes, settings.schedule_enabled AND ({_ARE_IMPORTS_ON}), false),
        ('{RunKind.EXPORT.value}', settings.export_minutes,
            settings.schedule_enabled AND settings.export_orders, settings.export_orders)
    ) AS expected (kind, minutes, is_scheduled, is_export)
    LEFT JOIN LATERAL (
        SELECT status, greatest(queued_at, heartbeat_at, finished_at) AS moved_at FROM kingsync_syncrun AS run
        WHERE run.tenant_id = settings.tenant_id AND run.kind = expected.kind AND NOT run.options ?| %(partial)s
        ORDER BY run.id DESC LIMIT 1
    ) AS newest ON true
    WHERE (is_export AND newest.status <> ALL (%(fine)s))
    OR (is_scheduled AND %(now)s > coalesce(newest.moved_at, (
            SELECT saved_at FROM kingsync_settingsversion AS saved WHERE saved.tenant_id = settings.tenant_id
            ORDER BY version DESC LIMIT 1
        )) + greatest(make_interval(hours => tenant.silence_hours), make_interval(mins => 2 * expected.minutes)))
"""  # noqa: S608  (constants only)


def doubtful(*, now: datetime.datetime) -> set[int]:
    """Return the tenants of all that may be silent, by one statement, and those of whose silence someone is to hear."""
    fine = [*GOOD, RunStatus.CANCELLED]
    values: dict[str, Any] = {
        "today": timezone.localdate(now),
        "now": now,
        "partial": SyncRun.PARTIAL,
        "fine": [str(each) for each in fine],
    }
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_DOUBTFUL, values)
        found = {tenant_id for (tenant_id,) in cursor.fetchall()}
    known = Silence.across_tenants.filter(Q(ended_at=None) | OWNERS_DUE)
    return found | set(known.values_list("tenant_id", flat=True))


def title(kind: Silence.Kind, since: str) -> str:
    return str(TITLES[kind]) % {"since": since}


def detail(found: Silent, *, waiting: int | None = None) -> str:
    """Return why as far as we know, and how many work orders wait: what OutSmart has was perhaps never read."""
    parts = []
    if found.kind == Silence.Kind.NOTHING_RAN:
        contact = deployment.OPERATOR_CONTACT
        parts.append(
            gettext("The background service may be down. Notify the operator: %(contact)s.") % {"contact": contact}
        )
    elif found.run and found.run.error:
        parts.append(reason_texts.sentence(found.run.error))
    return " ".join(part for part in (*parts, waiting_text(waiting)) if part)


def waiting_text(waiting: int | None = None) -> str:
    """Return how many work orders wait, which is counted here unless it is known; "" if none."""
    if waiting is None:
        waiting = number_waiting(ledger_counts.by_state(WAITING), at_trigger.at_trigger())
    text = ngettext("At least %(count)s work order waits.", "At least %(count)s work orders wait.", waiting)
    return text % {"count": waiting} if waiting else ""


def number_waiting(by_state: Mapping[str, int], listed: AtTrigger | None) -> int:
    """Return how many work orders wait, here and in OutSmart as far as we know."""
    return sum(by_state.get(state, 0) for state in WAITING) + (listed.unseen if listed else 0)


def of(
    settings: SyncSettings | None,
    *,
    now: datetime.datetime,
    connections: Iterable[Connection] | None = None,
    past: Past | None = None,
) -> Silent | None:
    """Return the silence of the current tenant; None when there is none, or nothing is expected to run.

    `connections` are the tenant's, and `past` what its schedule counts from, if they are read already.
    """
    if settings is None or wanted.why_nothing_runs(settings.tenant):
        return None
    if connections is None:
        connections = Connection.objects.defer("credentials")
    past = past or Past()
    return (
        _nothing_ran(settings, list(connections), past, now) or _no_export(settings, past, now) or _not_over(settings)
    )


def is_expected(settings: SyncSettings | None) -> bool:
    """Return whether anything is expected to run for the current tenant: its exports, or what its schedule starts."""
    if settings is None:
        return False
    return wanted.why_not(RunKind.EXPORT, settings, {}) is None or bool(schedule.intervals(settings))


def _nothing_ran(
    settings: SyncSettings, connections: list[Connection], past: Past, now: datetime.datetime
) -> Silent | None:
    """Return the silence of a schedule that starts nothing although nothing keeps it from doing so."""
    for kind, minutes in schedule.intervals(settings).items():
        if not schedule.is_connected(kind, connections):
            continue
        run = past.complete_runs.get(kind)
        since = _last_moved(run) if run else past.saved_at
        # The interval may be longer than the patience: then a run that was left out counts, not one that is to come.
        if since and since + max(_patience(settings), datetime.timedelta(minutes=2 * minutes)) < now:
            return Silent(Silence.Kind.NOTHING_RAN, since, run)
    return None


def _last_moved(run: SyncRun) -> datetime.datetime:
    return max(each for each in (run.queued_at, run.heartbeat_at, run.finished_at) if each)


def _no_export(settings: SyncSettings, past: Past, now: datetime.datetime) -> Silent | None:
    """Return the silence of exports that are attempted and fail, or never end."""
    if wanted.why_not(RunKind.EXPORT, settings, {}) is not None:
        return None
    newest = past.complete_runs.get(RunKind.EXPORT)
    if newest is None or newest.status in (*GOOD, RunStatus.CANCELLED):
        return None
    since = _failing_since(newest)
    return Silent(Silence.Kind.NO_EXPORT, since, newest) if since + _patience(settings) < now else None


def _failing_since(newest: SyncRun) -> datetime.datetime:
    """Return when the first export was asked for since the last one that ended well.

    If that is the one that is still running: when it last moved, since a first export may take a day.
    """
    exports = SyncRun.objects.filter(kind=RunKind.EXPORT).exclude(options__has_any_keys=SyncRun.PARTIAL)
    good = exports.filter(status__in=GOOD).order_by("-id").values_list("pk", flat=True).first()
    first = exports.filter(pk__gt=good or 0).order_by("id").only("queued_at").first()
    if first is None or first.pk == newest.pk:
        return _last_moved(newest) if newest.is_open else newest.queued_at
    return first.queued_at


def _not_over(settings: SyncSettings) -> Silent | None:
    """Return a silence that was noticed and has not ended: an attempt is no success, nor is one that is cancelled."""
    known = Silence.objects.filter(ended_at=None).first() if is_expected(settings) else None
    if known is None:
        return None
    kinds = [RunKind.EXPORT] if wanted.why_not(RunKind.EXPORT, settings, {}) is None else list(RunKind)
    runs = SyncRun.objects.filter(kind__in=kinds).exclude(options__has_any_keys=SyncRun.PARTIAL)
    runs = runs.defer(*SyncRun.LARGE)
    if runs.filter(status__in=GOOD, finished_at__gt=known.since).exists():
        return None
    return Silent(Silence.Kind(known.kind), known.since, runs.order_by("-id").first())


def _patience(settings: SyncSettings) -> datetime.timedelta:
    return datetime.timedelta(hours=settings.tenant.silence_hours)


# --- What was noticed -------------------------------------------------------------------------------------------------


def watch(*, now: datetime.datetime) -> Silence | None:
    """Save that the current tenant fell silent, or works again; return the silence whose e-mails may be due."""
    settings = SyncSettings.objects.select_related("tenant").first()
    found = of(settings, now=now)
    with transaction.atomic():
        # The clock and a worker that stands in for it may both look.
        Tenant.objects.select_for_update().get(pk=tenants.current_id())
        known = Silence.objects.filter(ended_at=None).first()
        if found:
            return _save_found(known, found, now)
        if known:
            return _save_ended(known, now, is_recovered=is_expected(settings))
    return Silence.objects.order_by("-id").first()


def _save_found(known: Silence | None, found: Silent, now: datetime.datetime) -> Silence:
    if known is None:
        return Silence.objects.create(kind=found.kind, since=found.since, noticed_at=now)
    known.kind = found.kind
    known.save(update_fields=["kind"])
    return known


def _save_ended(known: Silence, now: datetime.datetime, *, is_recovered: bool) -> Silence:
    known.ended_at, known.is_recovered = now, is_recovered
    known.save(update_fields=["ended_at", "is_recovered"])
    return known
