"""How many work orders are in which state: the one answer for tiles, lists, alerts and e-mails."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count

from kingsync.models.work_orders import LedgerState, WorkOrder

# A run is on them, or takes them up again by itself.
UNDER_WAY = (LedgerState.SENDING, LedgerState.INTERIM, LedgerState.UNCONFIRMED)

# These lie in a narrow index of their own: counted for every page, however many are done.
OPEN = tuple(state for state in LedgerState if state not in (LedgerState.DONE, LedgerState.EXCLUDED))

# Counting a million rows takes a tenth of a second; from this many on, the counts may be some seconds old.
COUNTED_EACH_TIME = 20_000


def by_state(states: Iterable[str] = LedgerState) -> dict[str, int]:
    """Return how many work orders of the current tenant are in each of these states that has any.

    `count(*)`, since a column that is not in the index would read the rows.
    """
    rows = WorkOrder.objects.filter(state__in=list(states)).order_by()
    return dict(rows.values_list("state").annotate(number=Count("*")))


def person() -> int:
    """Return how many work orders need attention."""
    return sum(by_state(WorkOrder.NEEDS_A_PERSON).values())
