"""The statement of a month, as the API has it: every work order in one state, who signed, what changed since."""

from __future__ import annotations

from typing import Any

from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement
from kingsync.statements import changes, signing
from kingsync.statements.counting import StateSum
from kingsync.statements.periods import Period


def of_month(month: Period) -> dict[str, Any]:
    """Return the statement of a month of the present administration, as the page has it."""
    shown = signing.shown(month)
    rows = SignedStatement.objects.filter(administration=tenants.current_administration_id(), month=month.first)
    versions = list(rows.order_by("-version"))
    return {
        "month": month.key,
        "total": shown.totals.total,
        "in_king": shown.totals.in_king,
        "open": shown.totals.open,
        "undated": shown.undated,
        "states": [_sum(each) for each in shown.totals.states],
        "versions": [_version(each) for each in versions],
        "changed": changes.since(versions[0]).total if versions else 0,
    }


def _sum(of_state: StateSum) -> dict[str, Any]:
    return {
        "state": of_state.state.value,
        "count": of_state.count,
        "amount": of_state.amount,
        "amount_is_least": of_state.is_least,
    }


def _version(statement: SignedStatement) -> dict[str, Any]:
    return {
        "version": statement.version,
        "is_preliminary": statement.is_preliminary,
        "signed_at": statement.signed_at.isoformat(),
        "signed_by": statement.signed_by_name,
        "work_orders": statement.total,
        "open": statement.open_count,
        "digest": statement.digest,
    }
