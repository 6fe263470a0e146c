"""What changed since a month was signed: the signed work orders compared with the ledger, by the database."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from django.core.cache import cache
from django.db import connection

from kingsync.exports.overview import ledger_counts
from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement
from kingsync.models.work_orders import LedgerState
from kingsync.statements.periods import month_of

LISTED = 200
# As the figures: comparing the months of a large ledger takes a second.
KEPT_SECONDS = 300


class Kind(Enum):
    NEW = "new"
    LEFT = "left"
    STATE = "state"
    AMOUNT = "amount"


# A work order is of one kind only: the first that applies. A change of state that every work order goes through, to
# being reported, changes nothing of what was signed.
_COMPARED = """
    FROM (SELECT * FROM kingsync_signedworkorder WHERE statement_id = %(statement)s) AS old
    FULL JOIN (
        SELECT id, outsmart_id, order_number, customer_name, state, amount, is_amount_least FROM kingsync_workorder
        WHERE tenant_id = %(tenant)s AND administration_id = %(administration)s
        AND work_date BETWEEN %(first)s AND %(last)s
    ) AS new USING (outsmart_id)
    CROSS JOIN LATERAL (SELECT CASE
        WHEN old.id IS NULL THEN 'new'
        WHEN new.id IS NULL THEN 'left'
        WHEN old.state <> new.state AND NOT (old.state = 'unconfirmed' AND new.state = 'done') THEN 'state'
        WHEN (old.amount, old.is_amount_least) IS DISTINCT FROM (new.amount, new.is_amount_least) THEN 'amount'
    END AS kind) AS difference
    WHERE kind IS NOT NULL
"""
_COUNT = f"SELECT kind, count(*) {_COMPARED} GROUP BY kind"
_LIST = f"""
    SELECT kind, old.state, new.state, outsmart_id, coalesce(new.id, old.work_order_id),
        coalesce(new.order_number, old.order_number), coalesce(new.customer_name, old.customer_name),
        old.amount, new.amount
    {_COMPARED} ORDER BY outsmart_id LIMIT {LISTED}
"""


@dataclass(frozen=True)
class Change:
    """One work order that is not what was signed; of a new one there is no state before, of one that left none now."""

    kind: Kind
    outsmart_id: str
    work_order_id: int
    order_number: str
    customer_name: str
    state_before: LedgerState | None
    state_now: LedgerState | None
    amount_before: Decimal | None
    amount_now: Decimal | None


@dataclass(frozen=True)
class Changes:
    """How many work orders changed in which way; `listed` are the first of them."""

    counts: dict[Kind, int]
    listed: Sequence[Change] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class ChangedMonth:
    month: datetime.date
    count: int


def since(statement: SignedStatement) -> Changes:
    """Return what changed since a statement was signed, with the first `LISTED` work orders."""
    counts = _counts(statement)
    if not counts:
        return Changes(counts)
    with connection.cursor() as cursor:
        cursor.execute(_LIST, _parameters(statement))
        rows = cursor.fetchall()
    return Changes(counts, [_change(kind, (before, now), *rest) for kind, before, now, *rest in rows])


def newest() -> list[SignedStatement]:
    """Return the newest version of each signed month of the present administration, the latest month first."""
    rows = SignedStatement.objects.filter(administration=tenants.current_administration_id())
    return list(rows.order_by("-month", "-version").distinct("month"))


def changed_months() -> list[ChangedMonth]:
    """Return the signed months that changed since; of many work orders it may be `KEPT_SECONDS` old."""
    statements = [each for each in newest() if not each.is_preliminary]
    if not statements:
        return []
    # Another version of any month makes it another key.
    key = f"changed-months-{tenants.current_id()}-{max(statements, key=lambda each: each.signed_at).pk}"
    kept: list[ChangedMonth] | None = cache.get(key)
    if kept is not None:
        return kept
    counted = [ChangedMonth(each.month, sum(_counts(each).values())) for each in statements]
    found = [each for each in counted if each.count]
    if sum(each.total for each in statements) >= ledger_counts.COUNTED_EACH_TIME:
        cache.set(key, found, KEPT_SECONDS)
    return found


def _counts(statement: SignedStatement) -> dict[Kind, int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _parameters(statement))
        return {Kind(kind): count for kind, count in cursor.fetchall()}


def _parameters(statement: SignedStatement) -> dict[str, int | datetime.date | uuid.UUID]:
    month = month_of(statement.month)
    return {
        "statement": statement.pk,
        "tenant": statement.tenant_id,
        "administration": statement.administration_id,
        "first": month.first,
        "last": month.last,
    }


def _change(kind: str, states: tuple[str | None, str | None], *rest: Any) -> Change:
    before, now = (LedgerState(each) if each else None for each in states)
    outsmart_id, work_order_id, order_number, customer_name, *amounts = rest
    return Change(Kind(kind), outsmart_id, work_order_id, order_number, customer_name, before, now, *amounts)
