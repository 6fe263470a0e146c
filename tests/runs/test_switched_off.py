"""With “Orders” off nothing is exported, no matter who asks, and the answer says why."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation

from kingsync import tasks, worker
from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import lifecycle, wanted
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.web.pages import text

pytestmark = pytest.mark.usefixtures("english")

WHY = "“Orders” is off in the settings, so nothing is exported."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def number(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Set up a work order at the trigger of a new tenant with connections only."""
    scenario.stock(king)
    factories.settings(tenant, export_orders=False, schedule_enabled=True)
    return scenario.work_order(outsmart)


def switch(*, on: bool) -> None:
    SyncSettings.objects.update(export_orders=on)


def is_untouched(king: KingSandbox) -> bool:
    """Return True when King got no call."""
    return scenario.calls(king) == [] and scenario.orders(king, ours=False) == []


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_pressed_button_exports_nothing_and_says_why(
    editor: Client, number: str, king: KingSandbox, headers: dict[str, str]
) -> None:
    answer = editor.post("/t/jansen/start/export/", headers=headers, follow=True)

    assert WHY in text(answer)
    assert not SyncRun.objects.exists()
    assert is_untouched(king)


def test_button_is_shown_disabled_with_the_reason_and_the_way_to_the_setting(editor: Client, number: str) -> None:
    page = editor.get("/t/jansen/").content.decode()

    assert '<button class="primary" type="submit" disabled aria-describedby="refusal-export">' in page
    shown = page.partition('id="refusal-export">')[2]
    assert shown.startswith(WHY)
    assert '<a href="/t/jansen/settings/#exports">' in shown.partition("</p>")[0]


def test_one_work_order_alone_is_not_exported_either(editor: Client, number: str, tenant: Tenant) -> None:
    row = factories.work_order(tenant, outsmart_id=number)

    page = editor.get(f"/t/jansen/work-orders/{row.pk}/")
    refused = editor.post(f"/t/jansen/work-orders/{row.pk}/export/", follow=True)
    part = editor.post(f"/t/jansen/work-orders/{row.pk}/export/", headers=HTMX)

    assert f'id="refusal">{WHY}' in page.content.decode()
    assert WHY in text(refused)
    assert WHY in text(part)
    assert not SyncRun.objects.exists()


def test_work_order_of_a_preview_is_not_exported_either(editor: Client, number: str) -> None:
    shown = scenario.export(dry_run=True)

    page = editor.get(f"/t/jansen/runs/{shown.pk}/")
    refused = editor.post(f"/t/jansen/runs/{shown.pk}/export/", {"outsmart_id": number}, follow=True)

    assert 'disabled aria-describedby="refusal">Export this work order now' in page.content.decode()
    assert WHY in text(refused)
    assert SyncRun.objects.count() == 1


def test_preview_is_allowed_for_it_writes_nothing(editor: Client, number: str, king: KingSandbox) -> None:
    editor.post("/t/jansen/start/export/", {"dry_run": "1"})
    [run] = SyncRun.objects.all()
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    call_command("sync", "jansen", "export", "--dry-run", stdout=StringIO())

    assert [each.status for each in SyncRun.objects.all()] == [RunStatus.SUCCEEDED] * 2
    assert scenario.orders(king) == []


def test_retry_says_that_no_export_comes(editor: Client, number: str, tenant: Tenant) -> None:
    row = factories.work_order(tenant, outsmart_id=number, state="rejected")

    one = editor.post(f"/t/jansen/work-orders/{row.pk}/decide/", {"kind": "retry"}, follow=True)
    WorkOrder.objects.update(state="rejected")
    many = editor.post("/t/jansen/work-orders/decide/", {"kind": "retry", "row": [str(row.pk)]}, follow=True)

    assert WHY in text(one)
    assert WHY in text(many)


def test_clock_starts_nothing(number: str, king: KingSandbox) -> None:
    SettingsVersion.objects.update(saved_at=scenario.in_seconds(-86400))

    tasks.start_due_runs()

    assert not SyncRun.objects.filter(kind=RunKind.EXPORT).exists()
    assert is_untouched(king)


@pytest.mark.parametrize("chosen", [False, True])
def test_command_is_refused_with_the_reason(number: str, king: KingSandbox, chosen: bool) -> None:
    arguments = ["--work-order", number] if chosen else []

    with pytest.raises(CommandError) as refused:
        call_command("sync", "jansen", "export", *arguments, stdout=StringIO())

    assert refused.value.returncode == 2
    with translation.override("nl"):
        assert str(refused.value) == sentence({"code": "exports_off", "params": {}})
    assert is_untouched(king)


def test_run_that_was_switched_off_in_the_queue_ends_with_the_reason(
    editor: Client, number: str, king: KingSandbox
) -> None:
    switch(on=True)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    switch(on=False)

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, sentence(run.error)) == (RunStatus.CANCELLED, WHY)
    assert f"cancelled {WHY}" in text(editor.get(f"/t/jansen/runs/{run.pk}/"))
    assert is_untouched(king)


def test_run_that_was_switched_off_between_two_slices_sends_nothing_more(
    number: str, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    switch(on=True)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    first = worker.work_slice(run.pk, slice_seconds=0)
    switch(on=False)
    before = scenario.calls(king)

    second = worker.work_slice(run.pk, slice_seconds=0)

    run.refresh_from_db()
    assert (first.more, second.more) == (True, False)
    assert (run.status, sentence(run.error)) == (RunStatus.CANCELLED, WHY)
    assert len(scenario.orders(king)) == 1
    assert scenario.calls(king) == before
    assert scenario.is_clean(king)


def test_import_with_nothing_switched_on_is_refused_too(editor: Client, tenant: Tenant, king: KingSandbox) -> None:
    off = dict.fromkeys(("customers_enabled", "products_enabled", "hour_types_enabled", "warehouses_enabled"), False)
    factories.settings(tenant, **off)

    answer = editor.post("/t/jansen/start/import/", follow=True)
    named = editor.post("/t/jansen/start/import/", {"kinds": "products"})

    assert "No import is switched on in the settings." in text(answer)
    assert (named.status_code, SyncRun.objects.get().options) == (302, {"kinds": ["products"]})


def test_tenant_without_settings_wants_nothing(tenant: Tenant) -> None:
    for kind in RunKind:
        with pytest.raises(wanted.NotWantedError):
            lifecycle.request(kind=kind, trigger=SyncRun.Trigger.BUTTON)
