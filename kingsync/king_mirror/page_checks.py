"""Background calls of the settings page to OutSmart and King: connection checks and pick lists."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from kingsync.king_mirror import connection_check, offered_choices, pick_list_refresh
from kingsync.king_mirror.offered_choices import Offered
from kingsync.messages.reason_texts import stored
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.rules.outcomes import Reason
from kingsync.runs import background_calls, clients
from kingsync.runs.background_calls import Kind, Result

if TYPE_CHECKING:
    from kingsync.models.users import User


def check_stored(system: System, *, by: User) -> BackgroundCall:
    """Check the stored connection and save the result on it. Raises `CallRefusedError`, as all of these do."""

    def work(_call: BackgroundCall) -> Result:
        problem = connection_check.check_stored(clients.connection_of(system))
        return _checked(problem) if problem else _works(offered_choices.by_stored(system))

    return background_calls.submit(Kind.TEST, work, by=by, parameters={"system": system})


def check_typed(connection: Connection, *, by: User) -> BackgroundCall:
    """Check a connection as typed. The result says nothing about the stored one, so none is saved on it."""

    def work(_call: BackgroundCall) -> Result:
        problem = connection_check.check(connection)
        return _checked(problem) if problem else _works(offered_choices.by_typed(connection))

    typed = [connection.base_url, connection.administration, connection.verify_tls, connection.ca_certificate]
    asked = [typed, connection.credentials, list(connection.busy_codes), connection.sql_timeout]
    return background_calls.submit(Kind.TEST, work, by=by, parameters={"system": connection.system}, asked=asked)


def _checked(problem: Reason) -> Result:
    return {"problem": stored(problem)}


def _works(offered: Offered) -> Result:
    """Return the result of a good test, with what the pick lists can offer now."""
    problem = offered.problem and stored(offered.problem)
    found = {"count": offered.count, "choices": [list(each) for each in offered.choices], "problem": problem}
    return {"problem": None, "offered": found}


def refresh_choices(*, articles: Collection[str] = (), by: User) -> BackgroundCall:
    """Refresh the pick lists of the settings from both systems, and look up these articles in King."""

    def work(_call: BackgroundCall) -> Result:
        return {"answers": [_answer(each) for each in pick_list_refresh.refresh_choices(articles=articles)]}

    return background_calls.submit(Kind.CHOICES, work, by=by, asked=sorted(articles))


def _answer(refreshed: pick_list_refresh.Refreshed) -> dict[str, Any]:
    problem = refreshed.problem and stored(refreshed.problem)
    return {"system": refreshed.system, "count": refreshed.count, "problem": problem}
