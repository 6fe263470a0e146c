"""The lines of the list of runs: those of the schedule that found nothing new, one after the other, share a line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import ngettext

from kingsync.models.runs import RunStatus, SyncRun
from kingsync.web.shared import paging

# Two days of a company that imports and exports each quarter of an hour; more is on the next page. They are read in
# parts: where most runs found something, the first part fills the page.
RUNS_READ = 400
READ_AT_ONCE = 2 * paging.PAGE_SIZE
FOLDED_FROM = 3
_NEWS = ("created", "updated", "deactivated", "uncertain", "failed", "new_problems")


@dataclass(frozen=True)
class Line:
    """One run, or several that are folded; newest first."""

    runs: list[SyncRun]

    @property
    def is_folded(self) -> bool:
        return len(self.runs) >= FOLDED_FROM

    @property
    def newest(self) -> SyncRun:
        return self.runs[0]

    @property
    def oldest(self) -> SyncRun:
        return self.runs[-1]

    @property
    def summary(self) -> str:
        """Return "14 runs, nothing new"."""
        return ngettext("%(count)s run, nothing new", "%(count)s runs, nothing new", len(self.runs)) % {
            "count": len(self.runs)
        }

    @property
    def still_waiting(self) -> list[SyncRun]:
        """Return the newest run of each kind that still had records waiting for a repair."""
        of_kind = {run.kind: run for run in reversed(self.runs)}
        return [run for run in of_kind.values() if run.still_waiting_count]


@dataclass(frozen=True)
class RunPage:
    """A page of the list; `older` is the key after which the next page begins."""

    rows: list[Line]
    older: int | None
    is_first: bool


def page(runs: QuerySet[SyncRun], *, before: str) -> RunPage:
    """Return the lines after the key `before`; reads `RUNS_READ` runs at most."""
    reader = _Reader(runs, before)
    shown = list(itertools.islice(_lines(reader), paging.PAGE_SIZE))
    last = shown[-1].oldest if shown else None
    is_cut = last is not None and (reader.has_more or last is not reader.last)
    return RunPage(shown, last.pk if last and is_cut else None, reader.is_first)


class _Reader:
    """Runs in the order of the list, read as they are asked for; `has_more`: there are runs behind those it read."""

    def __init__(self, runs: QuerySet[SyncRun], before: str) -> None:
        self._runs = runs
        self._part = paging.newest_first(runs, before=before, size=min(READ_AT_ONCE, RUNS_READ))
        self.is_first = self._part.is_first

    def __iter__(self) -> Iterator[SyncRun]:
        number = 0
        while True:
            yield from self._part.rows
            number += len(self._part.rows)
            if self._part.older is None or number >= RUNS_READ:
                return
            size = min(READ_AT_ONCE, RUNS_READ - number)
            self._part = paging.newest_first(self._runs, before=f"{self._part.older}", size=size)

    @property
    def last(self) -> SyncRun | None:
        return self._part.rows[-1] if self._part.rows else None

    @property
    def has_more(self) -> bool:
        return self._part.older is not None


def _lines(runs: Iterable[SyncRun]) -> Iterator[Line]:
    stretch: list[SyncRun] = []
    for run in runs:
        if stretch and not _continues(stretch, run):
            yield from _folded(stretch)
            stretch = []
        stretch.append(run)
    yield from _folded(stretch)


def _folded(stretch: list[SyncRun]) -> list[Line]:
    return [Line(stretch)] if len(stretch) >= FOLDED_FROM else [Line([run]) for run in stretch]


def _continues(stretch: list[SyncRun], run: SyncRun) -> bool:
    """Return whether a run found nothing new either, and as much still waiting as those of its kind before it."""
    same_kind = next((each for each in stretch if each.kind == run.kind), run)
    is_same = same_kind.still_waiting_count == run.still_waiting_count
    return is_same and _is_quiet(run) and _is_quiet(stretch[0])


def _is_quiet(run: SyncRun) -> bool:
    is_ordinary = run.trigger == SyncRun.Trigger.SCHEDULE and not any(map(run.options.get, SyncRun.PARTIAL))
    return (
        is_ordinary and run.status == RunStatus.SUCCEEDED and not any(getattr(run, f"{each}_count") for each in _NEWS)
    )
