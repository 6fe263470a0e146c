"""An import run, from top to bottom: which kinds, from where, one after the other."""

from __future__ import annotations

from integrations.king.reader import Coverage, KingReader
from kingsync.imports import master_data, source
from kingsync.imports.import_job import Job
from kingsync.imports.orders.order_import import OrderImport
from kingsync.king_mirror import pick_lists
from kingsync.models.import_kinds import KINDS, ORDERS, wanted_kinds
from kingsync.rules.mapping import Imports
from kingsync.runs import clients
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog


def run(claim: Claim, choices: Imports, log: RunLog) -> bool:
    """Work on an import until it is done (False) or the slice is over (True). Raises `NotConnectedError`."""
    with clients.for_import(claim) as (outsmart, king), source.reader_of(claim.run, king) as reader:
        if not claim.run.is_dry and not claim.run.cursor:
            pick_lists.refresh_work_statuses(outsmart)
            pick_lists.refresh_old_employees(outsmart)
        job = Job(claim, choices, reader, outsmart, log)
        left = _kinds(claim, choices, reader)
        claim.heartbeat(kinds_left=left)
        while left:
            if _import(job, left[0]):
                return True
            name, *left = left
            _end(job, name, left)
    return False


def _kinds(claim: Claim, choices: Imports, reader: KingReader) -> list[str]:
    """Return what is left to do, in order."""
    asked = claim.run.options.get("kinds") or source.wanted_by_files(reader) or []
    finished = claim.run.cursor.get("finished", [])
    names = [name for name in wanted_kinds(choices, asked) if name not in finished]
    return [name for name in names if reader.covers(KINDS[name].king_kind) is not Coverage.NOTHING]


def _import(job: Job, name: str) -> bool:
    if name == ORDERS.name:
        return OrderImport(job.claim, job.choices.orders, job.king, job.outsmart, job.log).import_orders()
    return master_data.import_kind(job, name)


def _end(job: Job, name: str, left: list[str]) -> None:
    """Save that a kind is done, so that the next slice does not begin with it again, and which are `left`."""
    job.log.write()
    finished = [*job.claim.run.cursor.get("finished", []), name]
    job.claim.heartbeat(cursor={"finished": finished}, kinds_left=left)
    if not job.claim.run.is_dry:
        source.finished(job.king, KINDS[name].king_kind)
