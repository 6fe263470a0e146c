"""One slice of any run: claim it, do the work, end it in the right state whatever happens."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from integrations import errors
from kingsync import struct_types
from kingsync.exports import dry_run, export_run, mass_question
from kingsync.imports import import_run
from kingsync.king_mirror import connection_check
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import lifecycle, outages, refusals, wanted
from kingsync.runs.lease import LostClaimError
from kingsync.runs.lifecycle import CancelRequestedError, Claim
from kingsync.runs.run_log import RunLog
from kingsync.runs.wanted import NotWantedError

logger = logging.getLogger(__name__)
struct_types.work_out()  # all that runs use are defined now, and no run has begun


@dataclass(frozen=True)
class Worked:
    """How a slice ended: `more` = queue the run again; `plan` = what a dry run would do."""

    more: bool = False
    plan: list[dict[str, object]] = field(default_factory=list)


def work_slice(
    run_id: int,
    *,
    slice_seconds: float,
    limit_seconds: float = math.inf,
    gives_way: Callable[[], bool] = lifecycle.never,
) -> Worked:
    """Work on a run of the current tenant for about this long. Does nothing when another worker has it.

    It ends earlier, between two records, when `gives_way` says so. What hangs for longer than the limit loses the run
    to another worker.
    """
    limits = {"slice_seconds": slice_seconds, "limit_seconds": limit_seconds}
    with lifecycle.claimed(run_id, **limits, gives_way=gives_way) as claim:
        if claim is None:
            return Worked()
        try:
            return _see_through(claim)
        except LostClaimError:
            return Worked()


def _see_through(claim: Claim) -> Worked:
    """Do the work of a claimed run, and end it. Raises `LostClaimError`."""
    log = RunLog(claim.run)
    try:
        more = _carry_out(claim, log)
    except LostClaimError:
        raise
    except CancelRequestedError:
        _end(claim, log, reason("cancelled"), cancelled=True)
    except NotWantedError as error:
        _end(claim, log, error.why, cancelled=True)
    except refusals.REFUSALS as error:
        if isinstance(error, errors.IntegrationError):
            connection_check.save_failure(error)
        _end(claim, log, refusals.why(error))
    except Exception as error:  # noqa: BLE001  (logged there, unless it passes by itself)
        return _broken_off(claim, log, error)
    else:
        log.write()
        if more:
            lifecycle.put_back(claim)
            return Worked(more=True)
        ended = lifecycle.finish(claim)
        if ended is not None and not ended.failed_count:
            _connections_worked(claim)
    return Worked(plan=claim.plan)


def _broken_off(claim: Claim, log: RunLog, error: Exception) -> Worked:
    """Put a run that broke off into a state that says so, whatever broke."""
    if isinstance(error, errors.TooLargeHereError):
        log.write()
        lifecycle.put_aside(claim)
        return Worked(more=True)
    if isinstance(error, MemoryError) or outages.is_passing(error):
        return _left_open(claim, error)
    if not SyncRun.objects.filter(pk=claim.run.pk).exists():
        logger.warning(
            "run.deleted: run %s is no longer in the database, which was restored from a backup", claim.run.pk
        )
        return Worked()
    logger.exception("run %s failed", claim.run.pk, exc_info=error)
    _end(claim, log, reason("internal"))
    return Worked(plan=claim.plan)


def _left_open(claim: Claim, error: Exception) -> Worked:
    """Leave the run to be continued when our own trouble has passed: the clock sends it again, schedule or not.

    Without memory it is as if the process had been killed: taken over soon, but not for ever (`_require_workers`).
    """
    logger.warning("run.left_open: run %s is continued later (%s: %s)", claim.run.pk, type(error).__name__, error)
    if isinstance(error, MemoryError):
        return Worked()
    with contextlib.suppress(DatabaseError, InterfaceError):  # it is found without a worker then
        lifecycle.release(claim)
    return Worked()


def _carry_out(claim: Claim, log: RunLog) -> bool:
    _require_workers(claim.run)
    # Checked for each slice: it may have been switched off while the run was queued.
    settings = wanted.require(RunKind(claim.run.kind), claim.run.options)
    choices = (settings or SyncSettings.objects.get()).as_mapping()
    if claim.run.kind == RunKind.IMPORT:
        return import_run.run(claim, choices.imports, log)
    if claim.run.is_dry:
        return dry_run.run(claim, choices.exports, log)
    try:
        return export_run.run(claim, choices.exports, log)
    except mass_question.AsksFirstError as asked:
        mass_question.become_preview(claim, asked)
        return dry_run.run(claim, choices.exports, log)


def _require_workers(run: SyncRun) -> None:
    """Refuse a run that lost one worker after the other: it may be what kills them."""
    if run.lost_workers > lifecycle.LOST_WORKERS_AT_MOST:
        raise refusals.RefusedError(reason("workers_lost", count=str(run.lost_workers)))


def _end(claim: Claim, log: RunLog, why: Reason, *, cancelled: bool = False) -> None:
    level = LogEntry.Level.WARNING if cancelled else LogEntry.Level.ERROR
    log.add("run.cancelled" if cancelled else "run.failed", why, level=level)
    log.write()
    lifecycle.finish(claim, error=why, cancelled=cancelled)


def _connections_worked(claim: Claim) -> None:
    """Activate the connections that this run used; an import of files says nothing about King's webservices."""
    options = claim.run.options
    read_files = bool(options.get(SyncRun.NAMED_FILES)) or SyncRun.FOUND_FILES in options
    used = Connection.objects.exclude(system=System.KING) if read_files else Connection.objects.all()
    Connection.all_worked(used, now=timezone.now())
