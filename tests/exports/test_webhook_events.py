"""An export tells webhooks what came to need attention, once, and that it ended."""

from __future__ import annotations

import pytest
from django.db import transaction

from kingsync.exports import ledger
from kingsync.models.api.webhooks import Event, WebhookDelivery
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.outcomes import reason
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.usefixtures("stocked")


def told(event: Event) -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.filter(event=event).order_by("pk"))


def test_a_problem_is_told_when_it_is_new_and_not_while_it_lasts(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    factories.webhook(tenant)
    number = scenario.work_order(outsmart, Materials=[], Workperiods=[])
    scenario.work_order(outsmart)

    scenario.export()
    scenario.export()

    [delivery] = told(Event.ATTENTION)
    assert [each["outsmart_id"] for each in delivery.data["work_orders"]] == [number]
    assert [each.data["state"] for each in told(Event.RUN_ENDED)] == ["partly", "succeeded"]


def test_without_webhooks_nothing_is_stored(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, Materials=[], Workperiods=[])

    scenario.export()

    assert WebhookDelivery.objects.count() == 0


def test_an_event_is_stored_with_what_it_is_about_or_not_at_all(tenant: Tenant) -> None:
    factories.webhook(tenant)
    row = factories.work_order(tenant, state=LedgerState.WAITING)

    with transaction.atomic():
        ledger.settle(row, LedgerState.HELD, [reason("nothing_to_invoice")])
        assert len(told(Event.ATTENTION)) == 1
        transaction.set_rollback(True)

    assert WorkOrder.objects.get().state == LedgerState.WAITING
    assert told(Event.ATTENTION) == []
