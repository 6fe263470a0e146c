"""The background call of the page that switches: King must answer under the new name before anything is changed."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from kingsync.administrations import switch
from kingsync.king_mirror import connection_check
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection
from kingsync.models.tenants import Role
from kingsync.rules.outcomes import reason
from kingsync.runs import background_calls
from kingsync.runs.background_calls import Kind, Result

if TYPE_CHECKING:
    from kingsync.models.users import User


def switch_to(connection: Connection, *, from_date: datetime.date | None, by: User) -> BackgroundCall:
    """Test a connection as typed, and switch to its administration when King answers. Raises `CallRefusedError`."""

    def work(call: BackgroundCall) -> Result:
        if tenants.role_of(call.requested_by, call.tenant) != Role.OWNER:
            return {"problem": stored(reason("call.not_allowed"))}
        problem = connection_check.check(connection)
        if problem:
            return {"problem": stored(problem)}
        switch.to_connection(connection, from_date=from_date, by=call.requested_by)
        return {}

    asked = [connection.base_url, connection.credentials, str(from_date)]
    parameters = {"name": connection.administration, "before": switch.present_name()}
    return background_calls.submit(Kind.SWITCH, work, by=by, parameters=parameters, asked=asked)
