"""Refresh the pick lists of the settings from both systems now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from integrations.king.records import Kind
from kingsync.king_mirror import mirror, pick_lists
from kingsync.models.connections import Connection, System
from kingsync.models.links import KingRecord, WorkStatus
from kingsync.rules.outcomes import Reason
from kingsync.runs import clients, refusals


@dataclass(frozen=True)
class Refreshed:
    """The answer of one system: how many choices there are now, or why it could not be asked."""

    system: System
    count: int = 0
    problem: Reason | None = None


def refresh_choices() -> list[Refreshed]:
    """Refresh work statuses from OutSmart and warehouses from King; a failure of one does not affect the other."""
    return [_refreshed(System.OUTSMART, _work_statuses), _refreshed(System.KING, _warehouses)]


def _refreshed(system: System, refresh: Callable[[Connection], int]) -> Refreshed:
    try:
        return Refreshed(system, refresh(clients.connection_of(system)))
    except refusals.REFUSALS as error:
        return Refreshed(system, problem=refusals.why(error))


def _work_statuses(connection: Connection) -> int:
    with clients.transport_of(connection) as transport:
        outsmart = clients.outsmart(connection, transport)
        pick_lists.refresh_work_statuses(outsmart)
        pick_lists.refresh_employees(outsmart)
    return WorkStatus.objects.count()


def _warehouses(connection: Connection) -> int:
    with clients.transport_of(connection) as transport:
        mirror.refresh(clients.king(connection, transport), Kind.WAREHOUSE)
    return KingRecord.objects.filter(kind=KingRecord.Kind.WAREHOUSE, is_blocked=False).count()
