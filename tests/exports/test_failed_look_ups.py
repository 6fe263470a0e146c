"""King's master data cannot be asked for what the mirror does not know: nothing is refused on a stale mirror's word."""

from __future__ import annotations

import pytest

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _of_today(tenant: Tenant, king: KingSandbox) -> None:
    """Let King have an article that the mirror does not know yet."""
    scenario.stock(king)
    factories.settings(tenant, failure_status="12")
    scenario.export()
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "AantalDecimalen": 0})


@pytest.mark.parametrize("incomplete_orders", ["send_rest", "hold"])
def test_king_that_does_not_answer_makes_a_work_order_wait(
    king: KingSandbox, outsmart: OutSmartSandbox, incomplete_orders: str
) -> None:
    scenario.choose(incomplete_orders=incomplete_orders)
    number = scenario.work_order(outsmart, Materials=[scenario.material("BOCHT")], Workperiods=[])
    king.faults.add(Fault(kind="http_429", operation="Artikelen_Opvragen", times="forever", retry_after=999_999))

    first = scenario.export()

    row = scenario.ledger(number)
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.WAITING, ["system.rate_limit"])
    assert scenario.counts(first) == {"read": 1, "failed": 1}
    assert scenario.work_order_in_outsmart(outsmart, number)["WorkStatus"] == "1"
    king.faults.clear()
    assert scenario.counts(scenario.export()) == {"read": 1, "created": 1}


def test_king_that_refuses_to_be_asked_decides_at_the_write(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[scenario.material("BOCHT")], Workperiods=[])
    king.faults.add(Fault(kind="refuse", operation="Artikelen_Opvragen", times="forever", code="X", message="Uit"))

    scenario.export()

    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.lines(scenario.orders(king)[0])[0] == ("ART", "BOCHT", "1")
