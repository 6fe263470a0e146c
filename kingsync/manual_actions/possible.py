"""Which manual actions the state of a work order allows."""

from __future__ import annotations

from kingsync.exports import supplements
from kingsync.exports.verdict import LIFTED_BY_RELEASE
from kingsync.manual_actions import conflicts
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder

REPAIRABLE = frozenset({LedgerState.REJECTED, LedgerState.HELD, LedgerState.INCOMPLETE, LedgerState.UNCERTAIN})
RELEASABLE = frozenset({LedgerState.HELD, LedgerState.REJECTED})
LINKABLE = frozenset({LedgerState.UNCERTAIN, LedgerState.HELD, LedgerState.REJECTED})
# With a King order already: to another one, to which the next run takes the lines.
MOVABLE = LINKABLE | {LedgerState.INCOMPLETE}
NOT_EXCLUDABLE = frozenset({LedgerState.DONE, LedgerState.EXCLUDED})


def actions_of(row: WorkOrder) -> frozenset[ManualAction.Kind]:
    """Return which actions a work order's state allows; the action itself may still be refused."""
    state = LedgerState(row.state)
    allowed = {
        ManualAction.Kind.RETRY: state in REPAIRABLE,
        ManualAction.Kind.RELEASE: state in RELEASABLE and is_liftable(row),
        ManualAction.Kind.LINK: state in (MOVABLE if row.king_order_number else LINKABLE),
        ManualAction.Kind.RESET: state in REPAIRABLE or supplements.is_undecided(row),
        ManualAction.Kind.EXCLUDE: state not in NOT_EXCLUDABLE,
        ManualAction.Kind.RESTORE: state == LedgerState.EXCLUDED,
        ManualAction.Kind.SUPPLEMENT: supplements.is_undecided(row),
        ManualAction.Kind.SETTLE: supplements.is_undecided(row),
        ManualAction.Kind.NEW_ORDER: may_get_new_order(row),
        ManualAction.Kind.SOLVE: bool(conflicts.open_conflicts(row)),
    }
    return frozenset(kind for kind, is_allowed in allowed.items() if is_allowed)


def may_get_new_order(row: WorkOrder) -> bool:
    names_unknown = any(why["code"] == "unknown_order" for why in row.reasons)
    return row.state == LedgerState.REJECTED and names_unknown and not row.king_order_number


def is_liftable(row: WorkOrder) -> bool:
    return any(why["code"] in LIFTED_BY_RELEASE for why in row.reasons)
