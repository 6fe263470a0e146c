"""What a connection that just passed its test offers the pick lists of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from integrations import errors
from integrations.king import payloads
from integrations.king.records import Kind
from kingsync.king_mirror import pick_list_refresh
from kingsync.models.connections import Connection, System
from kingsync.models.links import WorkStatus
from kingsync.rules.outcomes import Reason
from kingsync.runs import clients, refusals

MOST = 500


@dataclass(frozen=True)
class Offered:
    """The number of choices, or why they could not be read: a connection may work without them.

    `choices` are codes and names of a connection that is not stored; those of a stored one are stored themselves.
    """

    count: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    problem: Reason | None = None


def by_stored(system: System) -> Offered:
    """Return what is stored of OutSmart, whose test read it just now; refresh what is stored of King."""
    if system == System.OUTSMART:
        return Offered(WorkStatus.objects.count())
    refreshed = pick_list_refresh.refresh(system)
    return Offered(refreshed.count, problem=refreshed.problem)


def by_typed(connection: Connection) -> Offered:
    """Read the pick lists of a connection as typed, and store nothing: it may be another company's."""
    read = _work_statuses if connection.system == System.OUTSMART else _warehouses
    try:
        choices = tuple(read(connection))
    except refusals.REFUSALS as error:
        return Offered(problem=refusals.why(error))
    return Offered(len(choices), choices[:MOST])


def _work_statuses(connection: Connection) -> Iterator[tuple[str, str]]:
    with clients.transport_of(connection) as transport:
        for status in clients.outsmart(connection, transport).list_work_statuses():
            yield status.code, status.name


def _warehouses(connection: Connection) -> Iterator[tuple[str, str]]:
    with clients.transport_of(connection) as transport:
        for page in clients.king(connection, transport).iter_pages(Kind.WAREHOUSE):
            for raw in page.records:
                try:
                    warehouse = payloads.warehouse(raw)
                except errors.PayloadError:
                    continue
                yield warehouse.number, warehouse.description
