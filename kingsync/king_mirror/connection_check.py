"""Connection checks, without side effects on the other system."""

from __future__ import annotations

from django.utils import timezone

from integrations import errors
from kingsync.king_mirror import pick_lists
from kingsync.messages.reason_texts import reason_of, stored
from kingsync.models.connections import Connection, System
from kingsync.models.encryption import DecryptionError
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import clients


def check(connection: Connection) -> Reason | None:
    """Check a connection as it is, stored or not; return None when it works."""
    if not connection.is_connected:
        return clients.not_connected(System(connection.system)).why
    try:
        _call(connection)
    except DecryptionError:
        return reason("decryption")
    except errors.IntegrationError as error:
        return reason_of(error)
    return None


def check_stored(connection: Connection) -> Reason | None:
    """Check a stored connection and save the result: it is active again, or paused when someone must repair it.

    A working OutSmart is asked for its work statuses, for the pick list in the settings.
    """
    if not connection.is_connected:
        return clients.not_connected(System(connection.system)).why
    try:
        _call(connection)
        if connection.system == System.OUTSMART:
            with clients.transport_of(connection) as transport:
                pick_lists.refresh_work_statuses(clients.outsmart(connection, transport))
    except DecryptionError:
        return reason("decryption")
    except errors.IntegrationError as error:
        why = reason_of(error)
        if isinstance(error, errors.TenantActionError):
            connection.pause(dict(stored(why)))
        return why
    connection.worked(now=timezone.now())
    return None


def _call(connection: Connection) -> None:
    with clients.transport_of(connection) as transport:
        is_king = connection.system == System.KING
        client = clients.king(connection, transport) if is_king else clients.outsmart(connection, transport)
        client.test_connection()
