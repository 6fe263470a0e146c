"""What the page of a work order recommends: one action for its state, by name, and what follows."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from kingsync.exports import verdict
from kingsync.exports.overview import causes
from kingsync.manual_actions import possible
from kingsync.messages.advice import answer, table
from kingsync.messages.sentences import lines
from kingsync.models.links import KingRecord
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.rules import review
from kingsync.web.work_orders.order_page import recommendation
from kingsync.web.work_orders.record_names import Names
from tests import factories
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"
# These ask for patience, or repeat what other reasons say.
WITHOUT_STEP = frozenset({"not_settled", "order_busy", "confirmation_failed", "internal", "line_refused", "archived"})


def stopped(tenant: Tenant, reason: str, state: str = "rejected", **params: str) -> WorkOrder:
    return factories.work_order(tenant, state=state, reasons=[{"code": reason, "params": params}])


def page_of(client: Client, row: WorkOrder, language: str = "en") -> str:
    client.cookies["django_language"] = language
    return text(client.get(f"{LEDGER}{row.pk}/"))


def recommended(row: WorkOrder) -> recommendation.Recommendation:
    allowed = {str(kind) for kind in possible.actions_of(row)}
    return recommendation.of(row, possible=allowed, names=Names(), after="")


@pytest.fixture
def blocked(tenant: Tenant) -> WorkOrder:
    """Create a work order with a material whose article is blocked in King."""
    KingRecord(tenant=tenant, kind="article", number="CV-OUD24", name="Ketel Oud 24 kW", is_blocked=True).save()
    reasons = [
        {"code": "line_refused", "params": {"line": "CV-OUD24", "code": "blocked_article", "article": "CV-OUD24"}}
    ]
    return factories.work_order(tenant, state=LedgerState.INCOMPLETE, reasons=reasons)


def test_a_blocked_article_is_named_with_the_step_and_what_follows(
    editor: Client, tenant: Tenant, blocked: WorkOrder
) -> None:
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)

    page = page_of(editor, blocked)
    dutch = page_of(editor, blocked, "nl")

    assert "Next step Unblock article CV-OUD24 (Ketel Oud 24 kW) in King. The next export then picks it up auto" in page
    assert "Line “CV-OUD24”: Article CV-OUD24 (Ketel Oud 24 kW) is blocked for sale in King." in page
    assert "Volgende stap Deblokkeer artikel CV-OUD24 (Ketel Oud 24 kW) in King. De volgende export neemt het" in dutch


def test_nothing_is_said_to_happen_automatically_that_does_not(
    editor: Client, tenant: Tenant, blocked: WorkOrder
) -> None:
    off = page_of(editor, blocked)
    SyncSettings.across_tenants.filter(tenant=tenant).update(export_orders=False)
    refused = page_of(editor, blocked)

    assert "Start it yourself: automatic exports are off." in off
    assert "picks it up automatically" not in off + refused
    assert "The next export then picks it up. " in refused


def test_what_king_does_not_know_is_named_as_on_the_work_order(editor: Client, tenant: Tenant) -> None:
    source = {"id": "1", "CustomerDebtorNr": "10", "CustomerName": "VvE De Linden", "CustomerDebtorNrInvoice": "11"}
    row = stopped(tenant, "unknown_debtor", debtor="10")
    WorkOrder.across_tenants.update(source=json.dumps(source))

    assert "King does not know customer 10 (VvE De Linden)." in page_of(editor, row)


def test_names_of_another_company_or_administration_stay_there(editor: Client, tenant: Tenant) -> None:
    KingRecord(tenant=factories.tenant(), kind="debtor", number="10", name="Van een ander").save()

    page = page_of(editor, stopped(tenant, "blocked_debtor", debtor="10"))

    assert "Customer 10 is blocked" in page
    assert "Van een ander" not in page


@pytest.mark.parametrize(
    ("state", "code", "action"),
    [
        ("incomplete", "blocked_article", "export"),
        ("held", "review.credit", "release"),
        ("held", "before_from_date", "release"),
        ("held", "nothing_to_invoice", "exclude"),
        ("held", "never_at_trigger", ""),
        ("rejected", "order_of_another", "reset"),
        ("uncertain", "not_looked_up", "export"),
        ("changed", "changed_after_export", "export"),
        ("waiting", "", "export"),
        ("done", "", ""),
        ("unconfirmed", "", ""),
        ("interim", "", ""),
        ("excluded", "excluded", "restore"),
    ],
)
def test_one_action_is_recommended_and_the_others_are_folded(
    editor: Client, tenant: Tenant, state: str, code: str, action: str
) -> None:
    row = stopped(tenant, code, state) if code else factories.work_order(tenant, state=state)

    page = html(editor.get(f"{LEDGER}{row.pk}/"))

    first, _, folded = page.partition('<details class="others">')
    shown = {kind for kind in ManualAction.Kind.values if f'name="kind" value="{kind}"' in first}
    assert shown == ({action} - {"", "export"})
    assert ("Export this work order now" in first) == (action == "export")
    assert all(f'name="kind" value="{kind}"' not in folded for kind in shown)


def test_a_closed_king_order_recommends_a_supplementary_order_only_where_one_can_be_made(tenant: Tenant) -> None:
    row = stopped(tenant, "order_delivered", "rejected", number="26011")

    assert recommended(row).action == "exclude"


def test_every_cause_of_one_work_order_has_its_step(editor: Client, tenant: Tenant) -> None:
    reasons = [
        {"code": "all_lines_refused", "params": {}},
        {"code": "line_refused", "params": {"line": "A", "code": "unknown_article", "article": "A"}},
        {"code": "line_refused", "params": {"line": "B", "code": "no_hour_type"}},
    ]
    row = factories.work_order(tenant, state=LedgerState.REJECTED, reasons=reasons)

    found = recommended(row)

    assert found.step.startswith("Create article A in King")
    assert found.also == ["Choose an hour type for the hours in OutSmart."]


def test_every_reason_that_stops_a_work_order_has_a_step(tenant: Tenant) -> None:
    """A new reason without a step would be shown as one that each run tries again."""
    left_out = {"zero_quantity", "zero_time", "empty_text"}  # their lines stop nothing
    stopping = (
        {*causes._NAMED_BY, *lines.SENTENCES, *verdict.LIFTED_BY_RELEASE, *review.CODES} - left_out - WITHOUT_STEP
    )

    assert {code for code in stopping if table.of(code).place == answer.NOBODY} == set()


def test_every_step_is_a_whole_sentence_also_without_its_values() -> None:
    steps = [advice.step_for({}) for advice in table.ADVICE.values()]

    assert all(step.endswith(".") and "%(" not in step for step in steps)


def test_settings_that_would_solve_a_cause_stand_on_the_settings_page(editor: Client, tenant: Tenant) -> None:
    page = html(editor.get("/t/jansen/settings/"))

    settings = {advice.setting for advice in table.ADVICE.values()} - {""}

    assert {"free_line_article", "default_warehouse", "review"} <= settings
    assert [name for name in settings if f'id="id_{name}"' not in page] == []


def test_a_material_without_a_number_leads_to_the_setting_for_those(editor: Client, tenant: Tenant) -> None:
    row = stopped(tenant, "no_article_code")

    page = html(editor.get(f"{LEDGER}{row.pk}/"))

    assert '<a href="/t/jansen/settings/#id_free_line_article">Article for lines without a code</a>' in page


def test_viewer_reads_what_to_do_without_anything_to_press(viewer: Client, blocked: WorkOrder) -> None:
    page = html(viewer.get(f"{LEDGER}{blocked.pk}/"))

    assert "Unblock article CV-OUD24" in page
    assert "<details" not in page
    assert f"{LEDGER}{blocked.pk}/export/" not in page


def test_a_credit_that_waits_for_approval_in_king_is_said_on_a_finished_work_order(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.DONE, king_order_number="26011", is_approval_left=True)

    found = recommended(row)

    assert (found.step, found.is_idle) == ("Check King order 26011 and approve it in King.", False)
