"""Whether the reasons of a work order are of an attempt that a user has asked to repeat."""

from __future__ import annotations

from kingsync.models.work_orders import ManualAction, WorkOrder

# What makes a work order due again and leaves its reasons until there is a new outcome.
_DUE_AGAIN = (ManualAction.Kind.RETRY, ManualAction.Kind.RELEASE, ManualAction.Kind.SOLVE)


def is_past(row: WorkOrder) -> bool:
    """Return True when nothing was tried since the newest decision to try again."""
    if row.has_old_reasons:
        return True
    if not row.reasons or row.state not in WorkOrder.NEEDS_A_PERSON:
        return False
    asked = ManualAction.objects.filter(work_order=row, kind__in=_DUE_AGAIN).order_by("-id").first()
    if asked is None:
        return False
    return row.last_run is None or (
        row.last_run.finished_at is not None and row.last_run.finished_at < asked.decided_at
    )
