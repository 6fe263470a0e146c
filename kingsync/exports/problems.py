"""Problems that need attention: new in this run or not, since when, and how often found again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from kingsync.exports.overview.causes import keys_of
from kingsync.messages.reason_texts import stored
from kingsync.models.in_hand import Problem
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.outcomes import Reason
from kingsync.runs.lifecycle import Claim

# An unconfirmed work order is retried by itself, but reported once.
WATCHED = frozenset({*WorkOrder.NEEDS_A_PERSON, LedgerState.UNCONFIRMED})
_UNDERWAY = frozenset({LedgerState.WAITING, LedgerState.SENDING})
# A date or a switch in the settings: that was deliberate, so it is no problem.
BY_SETTINGS = frozenset({"before_from_date", "not_linked", "not_linked_interim"})


def columns(row: WorkOrder, state: LedgerState, reasons: Iterable[Reason]) -> dict[str, object]:
    """Return what a ledger row stores of its problem in this state; nothing while it is being sent."""
    before = _causes_before(row)
    if state in _UNDERWAY:
        return {}
    causes_found = [dict(stored(why)) for why in reasons]
    row.in_hand.problem = _problem(state, causes_found, before)
    if state not in WATCHED:
        return {} if row.problem_causes is None else {"problem_causes": None, "problem_since": None, "problem_count": 0}
    causes = keys_of(causes_found)
    if before is None or not set(causes) <= set(before):
        return {"problem_causes": causes, "problem_since": timezone.now(), "problem_count": 1}
    since = row.problem_since or row.changed_at
    return {"problem_causes": causes, "problem_since": since, "problem_count": row.problem_count + 1}


def found(row: WorkOrder) -> Problem | None:
    """Return the problem that this run found in the work order, if any."""
    return row.in_hand.problem


def expected(row: WorkOrder, reasons: list[Mapping[str, Any]]) -> Problem | None:
    """Return the problem that an export would find in a work order it stops, or sends in part, for these reasons."""
    if not reasons or row.state == LedgerState.EXCLUDED:
        return None
    return _problem(LedgerState.HELD, reasons, _causes_before(row))


def was_reported(row: WorkOrder, why: Reason) -> bool:
    """Return whether the work order was already stopped for this reason before the run."""
    return set(keys_of([stored(why)])) <= set(_causes_before(row) or ())


def count(claim: Claim, problem: Problem | None, *, outsmart_id: str) -> None:
    """Add the problem of a work order to the counts of a run, if there is one."""
    if problem is not None:
        claim.problem(is_new=problem is Problem.NEW, about=outsmart_id)


def is_by_settings(reasons: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a date or a switch in the settings is all that holds a work order back."""
    codes = {str(why["code"]) for why in reasons}
    return bool(codes) and codes <= BY_SETTINGS


def _causes_before(row: WorkOrder) -> list[str] | None:
    in_hand = row.in_hand
    if not in_hand.has_causes:
        in_hand.has_causes, in_hand.causes_before = True, _causes(row)
    return in_hand.causes_before


def _causes(row: WorkOrder) -> list[str] | None:
    """Return the stored causes; for a row from before they were stored, those of its reasons."""
    if row.problem_causes is not None:
        return list(row.problem_causes)
    return keys_of(row.reasons) if row.state in WATCHED else None


def _problem(state: LedgerState, reasons: list[Any], before: list[str] | None) -> Problem | None:
    if state not in WATCHED or (state == LedgerState.HELD and is_by_settings(reasons)):
        return None
    return Problem.KNOWN if before is not None and set(keys_of(reasons)) <= set(before) else Problem.NEW
