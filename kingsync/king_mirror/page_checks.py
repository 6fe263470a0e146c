"""What the settings page asks of OutSmart and King: do the connections work, and what is there to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kingsync.king_mirror import connection_check, pick_list_refresh
from kingsync.messages.reason_texts import stored
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.rules.outcomes import Reason
from kingsync.runs import background_calls, clients
from kingsync.runs.background_calls import Kind, Result

if TYPE_CHECKING:
    from kingsync.models.users import User


def check_stored(system: System, *, by: User) -> BackgroundCall:
    """Check the stored connection and keep on it how it went. Raises `CallRefusedError`, as all of these do."""

    def work(_call: BackgroundCall) -> Result:
        return _checked(connection_check.check_stored(clients.connection_of(system)))

    return background_calls.submit(Kind.TEST, work, by=by, parameters={"system": system})


def check_typed(connection: Connection, *, by: User) -> BackgroundCall:
    """Check a connection as it was typed. How that goes says nothing about the stored one, so nothing is kept on it."""

    def work(_call: BackgroundCall) -> Result:
        return _checked(connection_check.check(connection))

    typed = [connection.base_url, connection.administration, connection.verify_tls, connection.ca_certificate]
    asked = [typed, connection.credentials, list(connection.busy_codes), connection.sql_timeout]
    return background_calls.submit(Kind.TEST, work, by=by, parameters={"system": connection.system}, asked=asked)


def _checked(problem: Reason | None) -> Result:
    return {"problem": problem and stored(problem)}


def refresh_choices(*, by: User) -> BackgroundCall:
    """Ask both systems for the lists that the settings are chosen from."""

    def work(_call: BackgroundCall) -> Result:
        return {"answers": [_answer(each) for each in pick_list_refresh.refresh_choices()]}

    return background_calls.submit(Kind.CHOICES, work, by=by)


def _answer(refreshed: pick_list_refresh.Refreshed) -> dict[str, Any]:
    problem = refreshed.problem and stored(refreshed.problem)
    return {"system": refreshed.system, "count": refreshed.count, "problem": problem}
