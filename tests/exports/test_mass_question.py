"""A first export of many work orders, or one far larger than usual, asks the person who started it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from devservers.places import CHECKOUT
from kingsync import worker
from kingsync.exports import mass_question
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Administration, Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.web.pages import text

pytestmark = pytest.mark.usefixtures("stocked")
FEW = mass_question.FEW
OLD: dict[str, Any] = {"WorkDate": "03-11-2025", "WorkEndDate": "03-11-2025", "Workperiods": []}
BUTTON, SCHEDULE, COMMAND = SyncRun.Trigger.BUTTON, SyncRun.Trigger.SCHEDULE, SyncRun.Trigger.COMMAND


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass_question, "FEW", 2)


def exported(trigger: SyncRun.Trigger = BUTTON, **options: object) -> SyncRun:
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=trigger, options=options).run
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    run.refresh_from_db()
    return run


def wait_at_trigger(outsmart: OutSmartSandbox, number: int) -> None:
    for _ in range(number):
        scenario.work_order(outsmart)


def test_the_first_export_becomes_a_preview_that_sends_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    wait_at_trigger(outsmart, 3)

    run = exported()

    assert (run.status, run.options) == (
        RunStatus.SUCCEEDED,
        {"dry_run": True, "asks": "first_export", "oldest": "2025-11-10"},
    )
    assert (run.read_count, run.created_count, mass_question.is_open(run)) == (3, 3, True)
    assert scenario.orders(king) == []


def test_the_answer_sends_all_of_it_and_ends_the_question(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    wait_at_trigger(outsmart, 3)
    asked = exported()

    run = exported(confirmed=True)

    assert (run.is_dry, run.created_count, len(scenario.orders(king))) == (False, 3, 3)
    assert not mass_question.is_open(asked)


@pytest.mark.parametrize(
    ("number", "trigger", "options"),
    [(2, BUTTON, {}), (3, SCHEDULE, {}), (3, COMMAND, {})],
    ids=["so few", "the schedule", "a command"],
)
def test_what_nobody_has_to_be_asked_about_is_sent(
    king: KingSandbox, outsmart: OutSmartSandbox, number: int, trigger: SyncRun.Trigger, options: dict[str, object]
) -> None:
    wait_at_trigger(outsmart, number)

    run = exported(trigger, **options)

    assert (run.is_dry, len(scenario.orders(king))) == (False, number)


def test_far_more_than_usual_asks_and_three_times_as_many_do_not(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    wait_at_trigger(outsmart, 2)
    exported()
    wait_at_trigger(outsmart, 6)
    usual = exported()
    wait_at_trigger(outsmart, 19)

    unusual = exported()

    assert (usual.is_dry, usual.created_count) == (False, 6)
    assert unusual.options["asks"] == "many"
    assert len(scenario.orders(king)) == 8


def test_what_an_unanswered_question_read_does_not_count_as_usual(outsmart: OutSmartSandbox) -> None:
    wait_at_trigger(outsmart, 2)
    exported()
    wait_at_trigger(outsmart, 9)

    assert [exported().options.get("asks") for _ in range(2)] == ["many", "many"]


def start_on(date: str) -> None:
    SyncSettings.objects.update(export_from_date=date)


def test_work_from_before_the_start_date_asks_once_even_where_it_is_little(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    start_on("2025-11-10")
    scenario.work_order(outsmart)
    scenario.work_order(outsmart, **OLD)

    asked = exported()
    asked_again = exported()
    sent = exported(confirmed=True)
    scenario.work_order(outsmart)
    later = exported()

    expected = {"dry_run": True, "asks": "before_start_date", "oldest": "2025-11-03", "before_start": 1}
    assert asked.options == asked_again.options == expected
    assert (sent.is_dry, sent.created_count, later.is_dry, later.created_count) == (False, 1, False, 1)
    assert WorkOrder.objects.get(state=LedgerState.HELD).reasons[0]["code"] == "before_from_date"


def test_what_a_former_administration_has_is_nothing_new(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    start_on("2025-11-10")
    former = Administration.objects.create(tenant=tenant, name="OUD", key="oud")
    factories.work_order(tenant, administration=former, outsmart_id=scenario.work_order(outsmart, **OLD))

    assert not exported().is_dry


@pytest.mark.parametrize(("date", "trigger"), [("2025-11-03", BUTTON), ("2025-11-10", SCHEDULE)])
def test_without_older_work_or_anybody_to_ask_the_start_date_asks_nothing(
    outsmart: OutSmartSandbox, date: str, trigger: SyncRun.Trigger
) -> None:
    start_on(date)
    scenario.work_order(outsmart, **OLD)

    assert not exported(trigger).is_dry


def test_a_first_export_says_how_much_of_it_is_too_old(outsmart: OutSmartSandbox) -> None:
    start_on("2025-11-10")
    wait_at_trigger(outsmart, 2)
    scenario.work_order(outsmart, **OLD)

    asked = exported()

    assert (asked.options["asks"], asked.options["before_start"]) == ("first_export", 1)


def test_the_page_says_how_much_is_too_old_and_leads_to_the_setting(
    client: Client, tenant: Tenant, outsmart: OutSmartSandbox
) -> None:
    start_on("2025-11-10")
    scenario.work_order(outsmart, **OLD)
    exported()
    client.force_login(factories.member(tenant, Role.EDITOR, name="eddy"))
    client.cookies["django_language"] = "en"

    page = client.get("/t/jansen/")

    assert "There is work from before the start date. 1 work order, the oldest of 3 Nov 2025." in text(page)
    assert "1 was finished before the start date and would be held. Nothing has been sent yet." in text(page)
    assert "Hold 1 work order" in text(page)
    assert 'href="/t/jansen/settings/#id_export_from_date"' in page.content.decode()


def test_the_page_says_how_much_it_is_and_one_click_sends_it(
    client: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    wait_at_trigger(outsmart, 3)
    scenario.work_order(outsmart, CustomerDebtorNr="", CustomerDebtorNrInvoice="")
    run = exported()
    client.force_login(factories.member(tenant, Role.EDITOR, name="eddy"))
    client.cookies["django_language"] = "en"

    for address in ("/t/jansen/", f"/t/jansen/runs/{run.pk}/"):
        shown = text(client.get(address))
        assert "This is the first export. 4 work orders, the oldest of" in shown
        assert "1 would be rejected. Nothing has been sent yet." in shown
        assert "Export 4 work orders" in shown
    client.post("/t/jansen/start/export/", {"confirmed": "1"})

    queued = SyncRun.objects.latest("pk")
    assert queued.options == {"confirmed": True}
    assert "This is the first export." not in text(client.get(f"/t/jansen/runs/{run.pk}/"))


def test_the_documents_name_the_limits_of_the_code() -> None:
    said = {name: (CHECKOUT / "docs" / name).read_text() for name in ("exports.md", "decisions/0039-asking-first.md")}

    for name, text_of in said.items():
        assert f"more than {FEW} work orders" in text_of, name
        assert f"last {mass_question.RECENT_EXPORTS}" in text_of, name
    assert mass_question.TIMES_USUAL == 3, "the documents say three times"
    assert f"meer dan {FEW} werkbonnen" in said["exports.md"]
