"""What a run keeps of its records, for a page that shows those of one count: tabs, parts, and what is not kept."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.models.runs import COUNTS, NEW_PROBLEM, STILL_WAITING, RunKind, SyncRun
from kingsync.web.shared import paging, run_labels

EVERY = "all"
_DIGITS = 9
_TONES = {
    "created": "good",
    "updated": "good",
    "skipped": "warn",
    "deactivated": "warn",
    "rejected": "bad",
    "uncertain": "bad",
    "failed": "bad",
}


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    number: int


def known(outcome: str) -> str:
    """Return what is asked for; all, where that is nothing we know."""
    return outcome if outcome in (*COUNTS, NEW_PROBLEM, STILL_WAITING) and outcome != "read" else EVERY


def wanted(run: SyncRun, outcome: str) -> list[tuple[str, str]]:
    """Return the kept records of an outcome, the last one first."""
    return (run.ended() if outcome == EVERY else run.kept(outcome))[::-1]


def page_of(after: str) -> tuple[int, int]:
    """Return where a page begins and ends."""
    start = int(after) if after.isdecimal() and len(after) <= _DIGITS else 0
    return start, start + paging.PAGE_SIZE


def tabs(run: SyncRun) -> list[Tab]:
    """Return each outcome that is kept, in the order of the contract, and the problems."""
    found = [(name, run.kept_counts[name]) for name in (*COUNTS, NEW_PROBLEM, STILL_WAITING)]
    return [Tab(name, label(name, run, number), number) for name, number in found if number]


def label(outcome: str, run: SyncRun, number: int = 1) -> str:
    if outcome in (NEW_PROBLEM, STILL_WAITING):
        return run_labels.problem_label(outcome, number)
    return run_labels.count_label(outcome, run, number) if outcome else ""


def missing(run: SyncRun, outcome: str) -> int:
    """Return how many of a count are not kept. An import keeps nothing of what stayed the same."""
    counts = run.counts()
    counts |= {EVERY: counts["read"], NEW_PROBLEM: run.new_problems_count, STILL_WAITING: run.still_waiting_count}
    if run.kind == RunKind.IMPORT:
        counts[EVERY] = sum(number for name, number in run.counts().items() if name not in {"read", "unchanged"})
        counts["unchanged"] = 0
    return max(0, counts[outcome] - len(wanted(run, outcome)))


def tone(outcome: str) -> str:
    return _TONES.get(outcome, "calm")
