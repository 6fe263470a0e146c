"""A month of work orders in every state, and signing it as its owner would."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements import signing
from kingsync.statements.periods import Period, month_of
from tests import factories

# Over, whenever a test runs.
OCTOBER = month_of(datetime.date(2025, 10, 1))


def worked(tenant: Tenant, day: str = "2025-10-07", state: str = LedgerState.DONE, **fields: Any) -> WorkOrder:
    defaults: dict[str, Any] = {"amount": Decimal("100.00")}
    if state in WorkOrder.COMPLETE:
        defaults["king_order_number"] = "5001"
    return factories.work_order(tenant, state=state, work_date=day, **(defaults | fields))


def every_state(tenant: Tenant) -> None:
    for number, state in enumerate(LedgerState, start=1):
        worked(tenant, f"2025-10-{number:02}", state)


def signed(tenant: Tenant, by: User, *, month: Period = OCTOBER, remark: str = "") -> SignedStatement:
    """Sign a month as it is, with all that is open in it."""
    with tenants.scope(tenant):
        return signing.sign(month, by=by, seen=signing.shown(month).mark, accepted=True, remark=remark)
