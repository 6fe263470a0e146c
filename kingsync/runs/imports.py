"""An import run, from top to bottom: which kinds, from where, one after the other."""

from __future__ import annotations

from integrations.king.reader import Coverage, KingReader
from kingsync.rules.mapping import Imports
from kingsync.runs import clients, kind_import, reading
from kingsync.runs.choices import refresh_work_statuses
from kingsync.runs.import_job import Job
from kingsync.runs.import_kinds import KINDS, ORDERS, wanted_kinds
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog
from kingsync.runs.order_imports import OrderImport


def run(claim: Claim, choices: Imports, log: RunLog) -> bool:
    """Work on an import run until it is done (False) or the slice is over (True).

    Raises `NotConnectedError`, and the errors of the two systems that stop a run.
    """
    with clients.for_import(claim) as (outsmart, king), reading.reader_of(claim.run, king) as reader:
        if not claim.run.is_dry and not claim.run.cursor:
            refresh_work_statuses(outsmart)
        job = Job(claim, choices, reader, outsmart, log)
        for name in _kinds(claim, choices, reader):
            if _import(job, name):
                return True
            _end(job, name)
    return False


def _kinds(claim: Claim, choices: Imports, reader: KingReader) -> list[str]:
    """Return what is left to do, in order."""
    asked = claim.run.options.get("kinds") or reading.wanted_by_files(reader) or []
    finished = claim.run.cursor.get("finished", [])
    names = [name for name in wanted_kinds(choices, asked) if name not in finished]
    return [name for name in names if reader.covers(KINDS[name].king_kind) is not Coverage.NOTHING]


def _import(job: Job, name: str) -> bool:
    if name == ORDERS.name:
        return OrderImport(job.claim, job.choices.orders, job.king, job.outsmart, job.log).work()
    return kind_import.work(job, name)


def _end(job: Job, name: str) -> None:
    """Store that a kind is done, so that the next slice does not begin with it again."""
    job.log.write()
    finished = [*job.claim.run.cursor.get("finished", []), name]
    job.claim.beat(cursor={"finished": finished})
    if not job.claim.run.is_dry:
        reading.finished(job.king, KINDS[name].king_kind)
