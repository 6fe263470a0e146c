"""Start, claim, heartbeat, finish and expire runs. Nothing else changes a run.

A run is claimed twice over: by a conditional UPDATE under an attempt number with a lease, and by PostgreSQL's advisory
locks (`kingsync.runs.lease`). They go with a killed process at once, so that the next one need not wait for the lease;
when the lease runs out first, the worker is frozen, and its sessions are ended. The attempt number stops a worker that
lost its connection but is still running.
"""

from __future__ import annotations

import datetime
import json
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, OuterRef, Subquery, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from kingsync import webhooks
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.api.webhooks import Event
from kingsync.models.runs import COUNTS, NEW_PROBLEM, STILL_WAITING, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import advisory_locks, lease, processes, queues, run_answers, schedule, wanted
from kingsync.runs.keeping import leases
from kingsync.runs.lease import LostClaimError
from kingsync.watch import runs as watch

if TYPE_CHECKING:
    from kingsync.models.users import User

logger = logging.getLogger(__name__)

TAKE_OVER_SECONDS = 1.0
EXAMPLES_AT_MOST = 20
# A run that loses so many workers in a row is not given to another that has other runs, or to none at all.
LOST_WORKERS_SHARED = 2
LOST_WORKERS_AT_MOST = 4
QUEUED_TOO_LONG = datetime.timedelta(minutes=1)
Value = datetime.datetime | int | str | None


class CancelRequestedError(Exception):
    """Cancellation was requested; raised between two records."""


@dataclass(frozen=True)
class Requested:
    """The run of a request: a new one, or the one of this kind that was already in progress."""

    run: SyncRun
    already_running: bool

    def covers(self, options: Mapping[str, object]) -> bool:
        """Return whether the run does all that a request with these options asked for."""
        is_partial = any(self.run.options.get(name) for name in SyncRun.PARTIAL)
        return self.run.options == options or not (options or is_partial)


def request(
    *,
    kind: RunKind,
    trigger: SyncRun.Trigger,
    requested_by: User | None = None,
    options: dict[str, object] | None = None,
) -> Requested:
    """Queue a run for the current tenant, or join the open one. Raises `NotWantedError`."""
    choices = wanted.require(kind, options or {})
    version = choices.version if choices else 0
    while True:
        try:
            with transaction.atomic():
                run = SyncRun(
                    kind=kind,
                    trigger=trigger,
                    requested_by_id=requested_by.pk if requested_by else None,
                    settings_version=version,
                    options=options or {},
                )
                run.save()
            return Requested(run, already_running=False)
        except IntegrityError:
            open_run = SyncRun.objects.filter(kind=kind, status__in=SyncRun.OPEN).first()
            if open_run:
                return Requested(open_run, already_running=True)
            # It ended between the two statements: ask again.


@dataclass(frozen=True)
class Scheduled:
    """A run that the schedule wants: of which tenant and kind, by which version of the settings."""

    tenant_id: int
    kind: RunKind
    settings_version: int


def queue_scheduled(wanted: Iterable[Scheduled]) -> list[SyncRun]:
    """Queue runs of several tenants at once, in the open transaction, which may see all tenants.

    A tenant that another process is giving a run just now is left out, and so is a kind with an open run.
    """
    wanted = list(wanted)
    free = _lock_free({each.tenant_id for each in wanted})
    rows = SyncRun.across_tenants.filter(tenant_id__in=free, status__in=SyncRun.OPEN)
    is_open = set(rows.values_list("tenant_id", "kind"))
    newest = SyncRun.across_tenants.filter(tenant_id=OuterRef("pk")).order_by("-number").values("number")[:1]
    numbers = dict(Tenant.objects.filter(pk__in=free).annotate(newest=Subquery(newest)).values_list("pk", "newest"))
    runs = []
    for each in wanted:
        if each.tenant_id not in free or (each.tenant_id, each.kind.value) in is_open:
            continue
        number = numbers[each.tenant_id] = (numbers[each.tenant_id] or 0) + 1
        runs.append(
            SyncRun(
                tenant_id=each.tenant_id,
                administration_id=free[each.tenant_id],
                number=number,
                kind=each.kind.value,
                trigger=SyncRun.Trigger.SCHEDULE,
                settings_version=each.settings_version,
            )
        )
    return SyncRun.across_tenants.bulk_create(runs)


def _lock_free(tenant_ids: set[int]) -> dict[int, int]:
    """Lock the tenants that nobody else has locked, as each new run does; return their administrations."""
    if not tenant_ids:
        return {}
    rows = Tenant.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=tenant_ids)
    return dict(rows.exclude(administration=None).values_list("pk", "administration_id"))


def mark_sent(runs: Iterable[SyncRun], *, is_sent: bool) -> None:
    """Save whether the broker has accepted the runs' messages; outside a tenant scope too."""
    changed = [run for run in runs if run.is_unsent == is_sent]
    for run in changed:
        run.is_unsent = not is_sent
    if changed:
        SyncRun.across_tenants.filter(pk__in=[run.pk for run in changed]).update(is_unsent=not is_sent)


def mark_resent(runs: Iterable[SyncRun]) -> None:
    """Save that the messages of these runs of all tenants are sent once more, just before they are."""
    SyncRun.across_tenants.filter(pk__in=[run.pk for run in runs], status__in=SyncRun.OPEN).update(
        resent_at=timezone.now()
    )


def unsent_runs() -> list[SyncRun]:
    """Return the runs of all tenants whose message the broker did not accept, oldest first."""
    return list(SyncRun.across_tenants.filter(status__in=SyncRun.OPEN, is_unsent=True).order_by("id"))


class Progress(TypedDict, total=False):
    """What a heartbeat writes beside the counts; what is left out stays."""

    kind: str
    done: int
    total: int | None
    cursor: dict[str, object]
    kinds_left: list[str]
    listed: dict[str, object]


def never() -> bool:
    """Return False: nobody waits for the place of what no worker does."""
    return False


@dataclass
class Claim:
    """One worker's right to work on a run; counts are kept here and written with each heartbeat."""

    run: SyncRun
    attempt: int
    ends_at: float  # by `time.monotonic`: a clock that is set back would make the slice endless
    limit_at: float = math.inf  # from then on the run is another worker's
    gives_way: Callable[[], bool] = never  # asked between two records: whether somebody else is to have the place
    # The entries of a dry run, one per record (`--dry-run --json`).
    plan: list[dict[str, object]] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _is_cancelled: bool = False
    _unsaved_outcomes: int = 0

    def count(self, outcome: str, number: int = 1, *, needs_attention: bool = False) -> None:
        """Add to one of the contract's counts; `needs_attention` marks a new problem in any case."""
        for name in (outcome, "attention", "new_problems") if needs_attention else (outcome,):
            self._counts[name] = self._counts.get(name, 0) + number
        if outcome in COUNTS and self.run.kind == RunKind.IMPORT and self.run.progress_kind:
            of_kind = self.run.counts_by_kind.setdefault(self.run.progress_kind, {})
            of_kind[outcome] = of_kind.get(outcome, 0) + number

    def ended(self, record: str, outcome: str) -> None:
        """Keep how a record ended, for the page of the run: a work order by OutSmart's number, else "kind number"."""
        if record and not self.run.is_dry:
            self._unsaved_outcomes += self.run.keep(outcome, record)

    def problem(self, *, is_new: bool, about: str = "") -> None:
        """Count a record that needs attention; `is_new`: since this run, or for another reason than before."""
        self.count("attention")
        if is_new:
            self.count("new_problems")
        self.ended(about, NEW_PROBLEM if is_new else STILL_WAITING)

    def sample(self, outcome: str, entry: dict[str, object]) -> None:
        """Keep an example of what a dry run would do to records of the current kind, for the page."""
        examples = self.run.dry_run_examples.setdefault(self.run.progress_kind, {}).setdefault(outcome, [])
        if len(examples) < EXAMPLES_AT_MOST:
            examples.append(entry)

    def heartbeat(self, **progress: Unpack[Progress]) -> None:
        """Write counts and progress and renew the lease. Raises `LostClaimError`, `CancelRequestedError`."""
        self.save(**progress)
        self.raise_if_cancelled()

    def save(self, **progress: Unpack[Progress]) -> None:
        """Write counts and progress and renew the lease, without checking for cancellation.

        For use in a transaction that must commit first. `cursor` is stored with the counts, so that neither runs ahead
        of the other. Raises `LostClaimError`.
        """
        values = _heartbeat_values()
        kind, done, cursor = progress.get("kind"), progress.get("done"), progress.get("cursor")
        if kind is not None:
            values |= {"progress_kind": kind, "progress_total": progress.get("total")}
            if kind != self.run.progress_kind:
                values["progress_began_at"] = values["heartbeat_at"]
            self.run.progress_kind = kind
        if done is not None:
            values["progress_done"] = self.run.progress_done = done
        if cursor is not None:
            self.run.cursor = cursor
            values["cursor"] = json.dumps(cursor)
        if (kinds_left := progress.get("kinds_left")) is not None:
            values["kinds_left"] = json.dumps(kinds_left)
        if (listed := progress.get("listed")) is not None:
            self.run.listed = listed
            values["listed"] = json.dumps(listed)
        if self.run.counts_by_kind:
            values["counts_by_kind"] = json.dumps(self.run.counts_by_kind)
        # Each time the whole list is written: of a long one, an export's, only after every twentieth part.
        spared = len(self.run.outcomes) // 20 if self.run.kind == RunKind.EXPORT else 0
        if self._unsaved_outcomes > spared:
            values["outcomes"] = json.dumps(self.run.outcomes)
            self._unsaved_outcomes = 0
        self._write(values, self._counts)
        watch.counted(self.run, self._counts)
        self._counts.clear()

    def start_again(self) -> None:
        """Forget what earlier slices counted, of a run that begins from the start in each."""
        nothing = dict.fromkeys([f"{name}_count" for name in (*COUNTS, "attention", "new_problems")], 0)
        SyncRun.objects.filter(pk=self.run.pk, attempt=self.attempt).update(**nothing, progress_done=0)
        self.run.progress_done = 0

    def renew_lease(self) -> None:
        """Renew the lease in the middle of work that is counted later. Raises as a heartbeat does."""
        self._write(_heartbeat_values(), {})
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise `CancelRequestedError` if cancellation was requested by the last heartbeat."""
        if self._is_cancelled:
            raise CancelRequestedError

    def require_time(self) -> None:
        """Raise `LostClaimError` when this slice has gone on for longer than a worker may take."""
        if time.monotonic() >= self.limit_at:
            raise LostClaimError(str(LostClaimError.__doc__))

    def _write(self, values: dict[str, Value], counts: dict[str, int]) -> None:
        """Write values and counts and read the cancel flag, in one statement: it runs for every work order."""
        self.require_time()
        assignments = [f"{name} = %s" for name in values] + [f"lease_until = {leases.UNTIL}"]
        assignments += [f"{name}_count = {name}_count + %s" for name in counts]
        statement = (
            f"UPDATE kingsync_syncrun SET {', '.join(assignments)}"  # noqa: S608  (columns of the model)
            " WHERE id = %s AND attempt = %s AND status = %s"
            # Counts need not be on disk before the next work order begins.
            " AND set_config('synchronous_commit', 'off', true) = 'off' RETURNING cancel_requested"
        )
        mine: list[Value] = [self.run.pk, self.attempt, RunStatus.RUNNING.value]
        with connection.cursor() as cursor:
            cursor.execute(statement, [*values.values(), settings.RUN_LEASE_SECONDS, *counts.values(), *mine])
            row = cursor.fetchone()
        if row is None:
            raise LostClaimError(str(LostClaimError.__doc__))
        self._is_cancelled = row[0]

    @property
    def is_slice_over(self) -> bool:
        """Return whether the slice has lasted long enough, or somebody else is to have its place."""
        if time.monotonic() < self.ends_at and self.gives_way():
            self.ends_at = 0.0
        return time.monotonic() >= self.ends_at


def _heartbeat_values() -> dict[str, Value]:
    return {"heartbeat_at": timezone.now()}


def needs_process(run: SyncRun) -> bool:
    """Return whether a run shares no process with others: it needs much memory, or may be what ended two in a row."""
    lost = run.lost_workers + (run.status == RunStatus.RUNNING)
    return run.is_large or lost >= LOST_WORKERS_SHARED


@contextmanager
def claimed(
    run_id: int, *, slice_seconds: float, limit_seconds: float = math.inf, gives_way: Callable[[], bool] = never
) -> Iterator[Claim | None]:
    """Claim a queued run, or one whose worker is dead; yield None when another worker has it or it has ended.

    A message may also be older than the deletion of its tenant: then there is no run. And one that is older than the
    loss of a worker may arrive where the run does not belong any more: the sweeper sends it to its place.
    """
    run = SyncRun.objects.select_related("tenant").filter(pk=run_id).first()
    if run is None:
        logger.info("run.unknown: there is no run %s any more", run_id)
        yield None
        return
    if processes.is_shared() and needs_process(run):
        logger.info("run.elsewhere: run %s needs a process for itself, which is not this one", run_id)
        yield None
        return
    slug = run.tenant.slug
    with lease.worker_lock(run.tenant_id, RunKind(run.kind), patience_seconds=TAKE_OVER_SECONDS) as is_ours:
        claim = _claim(run, slice_seconds, limit_seconds) if is_ours else None
        if claim is None:
            yield None
            return
        claim.gives_way = gives_way
        with watch.slice_of(claim.run, tenant=slug), lease.kept(claim.run, until=claim.limit_at):
            yield claim


def _claim(run: SyncRun, slice_seconds: float, limit_seconds: float) -> Claim | None:
    now, began = timezone.now(), time.monotonic()
    taken = SyncRun.objects.filter(pk=run.pk, status__in=SyncRun.OPEN).update(
        status=RunStatus.RUNNING,
        # It may have been requested just before a switch.
        administration_id=tenants.current_administration_id(),
        attempt=F("attempt") + 1,
        lost_workers=F("lost_workers") + Case(When(status=RunStatus.RUNNING, then=1), default=0),
        started_at=Coalesce("started_at", now),
        heartbeat_at=now,
        resent_at=None,
        lease_until=Now() + datetime.timedelta(seconds=settings.RUN_LEASE_SECONDS),
    )
    if not taken:
        return None
    run.refresh_from_db()
    return Claim(run, run.attempt, began + slice_seconds, began + limit_seconds)


def put_back(claim: Claim) -> None:
    """Put an unfinished run back in the queue, for the next slice."""
    _write_counts(claim)
    _queue_again(claim, lost_workers=0)


def put_aside(claim: Claim) -> None:
    """Put a run back in the queue for a worker that gives it a process of its own: an answer is too large for this one.

    As after a kill, what was counted since the last heartbeat is counted again.
    """
    _queue_again(claim, is_large=True)


def release(claim: Claim) -> None:
    """Put a run back whose slice was cut short by trouble of our own; it is sent again a minute later.

    As after a kill, what was counted since the last heartbeat is counted again by the next slice.
    """
    _queue_again(claim)


def _queue_again(claim: Claim, **values: int) -> None:
    SyncRun.objects.filter(pk=claim.run.pk, attempt=claim.attempt, status=RunStatus.RUNNING).update(
        status=RunStatus.QUEUED, heartbeat_at=timezone.now(), lease_until=None, **values
    )


def finish(claim: Claim, *, error: Reason | None = None, cancelled: bool = False) -> SyncRun | None:
    """End a run and return it, or None when it is another worker's by now.

    Its state follows from its error and counts; what was read and not processed counts as failed.
    """
    _write_counts(claim)
    run = SyncRun.objects.get(pk=claim.run.pk)
    if run.attempt != claim.attempt or not run.is_open:
        return None
    counts = run.counts()
    dealt_with = sum(number for name, number in counts.items() if name != "read")
    unfinished = max(0, counts["read"] - dealt_with)
    run.failed_count += unfinished
    run.status = _final_status(run, error, cancelled=cancelled)
    run.error = dict(stored(error)) if error else {}
    run.finished_at, run.lease_until = timezone.now(), None
    _save_ended(run, "failed_count", "lease_until")
    watch.counted(run, {"failed": unfinished})
    return run


def _save_ended(run: SyncRun, *columns: str) -> None:
    """Save the end of a run, and the webhooks' event of it; previews are nobody else's concern."""
    run.listed = None
    with transaction.atomic():
        run.save(update_fields=["status", "error", "finished_at", "listed", *columns])
        if not run.is_dry:
            webhooks.emit(Event.RUN_ENDED, run_answers.of(run) | {"error": run.error})
    watch.ended(run)


def _write_counts(claim: Claim) -> None:
    changes: dict[str, Any] = {f"{name}_count": F(f"{name}_count") + number for name, number in claim._counts.items()}
    if claim.run.counts_by_kind:
        changes["counts_by_kind"] = claim.run.counts_by_kind
    if claim.run.dry_run_examples:
        changes["dry_run_examples"] = claim.run.dry_run_examples
    if claim._unsaved_outcomes:
        changes["outcomes"] = claim.run.outcomes
    if changes:
        if SyncRun.objects.filter(pk=claim.run.pk, attempt=claim.attempt).update(**changes):
            watch.counted(claim.run, claim._counts)
        claim._counts.clear()


def _final_status(run: SyncRun, error: Reason | None, *, cancelled: bool) -> RunStatus:
    if cancelled:
        return RunStatus.CANCELLED
    if error:
        return RunStatus.FAILED
    return RunStatus.PARTLY if run.new_problems_count + run.failed_count else RunStatus.SUCCEEDED


def request_cancel(run: SyncRun) -> None:
    """Ask a run to stop between two records; a queued one ends at once."""
    SyncRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(cancel_requested=True)
    with transaction.atomic():
        queued = SyncRun.objects.select_for_update().filter(pk=run.pk, status=RunStatus.QUEUED).first()
        if queued is not None:
            queued.status, queued.finished_at = RunStatus.CANCELLED, timezone.now()
            queued.error = dict(stored(reason("cancelled")))
            _save_ended(queued)


def interrupt_dead(kind: RunKind) -> None:
    """End the open run of this kind when no worker is on it: the worker was killed, or never came."""
    if not SyncRun.objects.filter(kind=kind, status__in=SyncRun.OPEN).exists():
        return
    with lease.worker_lock(tenants.current_id(), kind, patience_seconds=TAKE_OVER_SECONDS) as is_ours:
        if not is_ours:
            return
        for run in SyncRun.objects.filter(kind=kind, status__in=SyncRun.OPEN):
            if run.status == RunStatus.RUNNING or _waits_too_long(run):
                run.status, run.finished_at, run.error = RunStatus.FAILED, timezone.now(), stored(reason("interrupted"))
                _save_ended(run)


def _waits_too_long(run: SyncRun) -> bool:
    since, now = max(run.queued_at, run.heartbeat_at or run.queued_at), timezone.now()
    return since < now - QUEUED_TOO_LONG or since > now + schedule.CLOCKS_DIFFER


_SILENT = f"""
    SELECT id FROM kingsync_syncrun AS run
    WHERE status IN ('queued', 'running') AND (
        (status = 'running' AND lease_until < clock_timestamp())
        OR (
            (status = 'running' OR greatest(queued_at, heartbeat_at) NOT BETWEEN %(oldest)s AND %(newest)s)
            AND NOT EXISTS (
                SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND objsubid = {advisory_locks.TWO_NUMBERS}
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = (CASE run.kind {advisory_locks.CASE_OF_RUNS} END)::oid AND objid = run.tenant_id::oid
            )
        )
    ) AND NOT (
        kind = ANY(%(busy)s)
        AND coalesce(CASE status WHEN 'queued' THEN greatest(queued_at, heartbeat_at, resent_at) ELSE resent_at END,
            '-infinity') BETWEEN %(expired)s AND %(newest)s
    )
"""  # noqa: S608  (constants only)


def silent_runs(*, busy: Collection[RunKind] = ()) -> list[SyncRun]:
    """Return the runs of all tenants whose worker is gone or whose message was lost, oldest first.

    A live worker holds the lock of its run (`lease.worker_lock`): who holds which is asked once for all. Of the kinds
    that are `busy`, whose messages wait in the broker, a run's own may be among these until it has expired.
    """
    now = timezone.now()
    expired = now - datetime.timedelta(seconds=queues.MESSAGE_SECONDS)
    moments = {"oldest": now - QUEUED_TOO_LONG, "expired": expired, "newest": now + schedule.CLOCKS_DIFFER}
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_SILENT, moments | {"busy": [kind.value for kind in busy]})
        found = [key for (key,) in cursor.fetchall()]
    return list(SyncRun.across_tenants.filter(pk__in=found).order_by("id")) if found else []


assert {f"{name}_count" for name in COUNTS} <= {column.name for column in SyncRun._meta.get_fields()}  # noqa: S101  (of our own code, at the start)
