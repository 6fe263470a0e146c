"""Companies with systems of their own, whose exports are held at a call."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect


@dataclass
class Company:
    """A company with systems of its own, whose export is held at one call."""

    tenant: Tenant
    king: KingSandbox
    outsmart: OutSmartSandbox
    operation: str
    skip: int
    number: str

    def is_held(self) -> bool:
        return self.king.calls.count(self.operation) > self.skip

    def press(self, trigger: SyncRun.Trigger = SyncRun.Trigger.BUTTON) -> SyncRun:
        return tasks.request_run(tenant=self.tenant, kind=RunKind.EXPORT, trigger=trigger).run

    def assert_right(self) -> None:
        """Assert one whole, approved order, in King, the ledger and OutSmart."""
        with tenants.scope(self.tenant):
            (order,) = scenario.orders(self.king)
            assert order["ExternOrderNummer"] == f"OS-{self.number}"
            assert (len(scenario.lines(order)), order["Goedgekeurd"], order["VrijVoorLevering"]) == (4, 1, 1)
            assert scenario.ledger(self.number).state == LedgerState.DONE
            assert scenario.work_order_in_outsmart(self.outsmart, self.number)["status"] == "Afgehandeld"
            assert scenario.is_clean(self.king)


def connected(stack: ExitStack, place: int, operation: str, skip: int) -> Company:
    """Create a company with one work order, whose mirror is filled."""
    king = stack.enter_context(KingSandbox(empty=True))
    outsmart = stack.enter_context(OutSmartSandbox(empty=True))
    tenant = factories.tenant(slug=f"company-{place}")
    connect(tenant, king, outsmart)
    with tenants.scope(tenant):
        scenario.stock(king)
        factories.settings(tenant, approve_order=True)
        scenario.export()  # fills the mirror, so that the calls are those of the work order
        number = scenario.work_order(outsmart)
    king.calls.clear()
    return Company(tenant, king, outsmart, operation, skip, number)
