"""Connection checks, without side effects on the other system."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from integrations import errors
from kingsync.king_mirror import pick_lists
from kingsync.messages import reason_texts
from kingsync.messages.reason_texts import stored
from kingsync.models.connections import Connection, System
from kingsync.rules.outcomes import Reason
from kingsync.runs import clients, refusals
from kingsync.runs.refusals import Refusal

# Reasons that say nothing of the other side: it was not called, or the trouble is in a file.
_NOT_CALLED = ("occupied_", "file")


def check(connection: Connection) -> Reason | None:
    """Check a connection as it is, stored or not; return None when it works."""
    failure = _failure(connection, _call)
    return refusals.why(failure) if failure else None


def check_stored(connection: Connection) -> Reason | None:
    """Check a stored connection and save the result: it is active again, or paused when someone must repair it."""
    failure = _failure(connection, _call_and_refresh)
    if failure is None:
        connection.worked(now=timezone.now())
        return None
    if isinstance(failure, errors.IntegrationError):
        save_failure(failure)
    return refusals.why(failure)


def save_failure(error: errors.IntegrationError) -> None:
    """Save an attempt that failed; scheduled runs stop when someone must repair the connection first."""
    why = dict(stored(reason_texts.reason_of(error)))
    for connection in Connection.objects.filter(system=error.system):
        if isinstance(error, errors.TenantActionError):
            connection.pause(why)
        elif not error.reason.startswith(_NOT_CALLED):
            connection.failed(why)


def _failure(connection: Connection, call: Callable[[Connection], None]) -> Refusal | None:
    try:
        if not connection.is_connected:
            raise clients.not_connected(System(connection.system))
        call(connection)
    except refusals.REFUSALS as failure:
        return failure
    return None


def _call(connection: Connection) -> None:
    with clients.transport_of(connection) as transport:
        is_king = connection.system == System.KING
        client = clients.king(connection, transport) if is_king else clients.outsmart(connection, transport)
        client.test_connection()


def _call_and_refresh(connection: Connection) -> None:
    """Ask a working OutSmart for its work statuses too, for the pick list in the settings."""
    _call(connection)
    if connection.system == System.OUTSMART:
        with clients.transport_of(connection) as transport:
            pick_lists.refresh_work_statuses(clients.outsmart(connection, transport))
