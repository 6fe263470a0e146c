"""What stopped a work order is kept after "try again", as what happened last time."""

from __future__ import annotations

import datetime

from django.test import Client
from django.utils import timezone

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from tests import factories
from tests.web.pages import text

LEDGER = "/t/jansen/work-orders/"
WHY = [{"code": "unknown_article", "params": {"article": "A1"}}]
SENTENCE = "King does not know article A1."


def stopped(tenant: Tenant, state: LedgerState = LedgerState.REJECTED, step: Step = Step.NEW) -> WorkOrder:
    run = factories.run(tenant, finished_at=timezone.now() - datetime.timedelta(hours=1))
    return factories.work_order(tenant, state=state, step=step, reasons=WHY, last_run=run)


def shown(client: Client, row: WorkOrder) -> str:
    return text(client.get(f"{LEDGER}{row.pk}/"))


def test_reason_of_a_work_order_that_is_tried_again_is_of_last_time(editor: Client, tenant: Tenant) -> None:
    row = stopped(tenant)
    before, listed_before = shown(editor, row), text(editor.get(LEDGER))

    editor.post(f"{LEDGER}{row.pk}/decide/", {"kind": "retry"})

    assert SENTENCE in before
    assert "Last time:" not in before + listed_before
    assert f"Last time: {SENTENCE}" in shown(editor, row)
    assert f"Last time: {SENTENCE}" in text(editor.get(LEDGER))


def test_work_order_that_keeps_its_state_says_so_too_until_there_is_a_new_outcome(
    editor: Client, tenant: Tenant
) -> None:
    row = stopped(tenant, LedgerState.INCOMPLETE, Step.LINES)
    editor.post(f"{LEDGER}{row.pk}/decide/", {"kind": "retry"})
    retried = shown(editor, row)

    later = factories.run(tenant, finished_at=timezone.now() + datetime.timedelta(minutes=1))
    WorkOrder.across_tenants.filter(pk=row.pk).update(last_run=later)

    assert f"Last time: {SENTENCE}" in retried
    assert SENTENCE in shown(editor, row)
    assert "Last time:" not in shown(editor, row)
