"""Refresh the pick lists of the settings from both systems now."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from integrations.king.records import Kind
from kingsync.king_mirror import mirror, named_articles, pick_lists
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


def refresh_choices(*, articles: Collection[str] = ()) -> list[Refreshed]:
    """Refresh work statuses from OutSmart and warehouses from King; a failure of one does not affect the other.

    `articles` are looked up in King as well: one that is new there can then be chosen.
    """
    return [refresh(system, articles=articles) for system in (System.OUTSMART, System.KING)]


def refresh(system: System, *, articles: Collection[str] = ()) -> Refreshed:
    """Refresh what one system offers."""

    def from_king(connection: Connection) -> int:
        return _warehouses(connection, articles)

    return _refreshed(system, _work_statuses if system == System.OUTSMART else from_king)


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


def _warehouses(connection: Connection, articles: Collection[str]) -> int:
    with clients.transport_of(connection) as transport:
        king = clients.king(connection, transport)
        mirror.refresh(king, Kind.WAREHOUSE)
        named_articles.look_up(king, articles)
    return KingRecord.objects.filter(kind=KingRecord.Kind.WAREHOUSE, is_blocked=False).count()
