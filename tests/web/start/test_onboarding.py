"""Onboarding leads a new tenant from its first connection to the schedule; progress shows in the data."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.connections import Connection, System
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.web.start import onboarding
from tests import factories, plans
from tests.web.conftest import People
from tests.web.pages import html, text

START = "/t/nieuw/"


def connect(new: Tenant, system: System) -> None:
    factories.connection(new, system, last_success_at=timezone.now())


def choose_imports(new: Tenant) -> None:
    factories.settings(new, export_orders=False)


def import_once(new: Tenant) -> None:
    factories.run(new, RunKind.IMPORT)
    link_a_product(new)


def link_a_product(new: Tenant) -> None:
    RecordLink(tenant=new, kind=RecordKind.PRODUCT, king_id="1", outsmart_id="1", state=RecordLink.State.LINKED).save()


def choose_exports(new: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=new).update(export_orders=True)


def choose_start_date(new: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=new).update(export_from_date="2026-11-01")


def try_export(new: Tenant) -> None:
    factories.run(new, options={"dry_run": True})
    factories.work_order(new, order_number="WB-1")


def export_one(new: Tenant) -> None:
    factories.work_order(new, state="done", exported_at=timezone.now())


def switch_the_schedule_on(new: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=new).update(schedule_enabled=True)


# What was done, and the resulting next step.
LIFE: list[tuple[Callable[[Tenant], None], str, str]] = [
    (lambda _new: None, "outsmart", "settings/#connection"),
    (lambda new: connect(new, System.OUTSMART), "king", "settings/#connection"),
    (lambda new: connect(new, System.KING), "import", "settings/#imports"),
    (choose_imports, "import", "start/import/"),
    (import_once, "settings", "settings/#exports"),
    (choose_exports, "start_date", "start-date/"),
    (choose_start_date, "preview", "start/export/"),
    (try_export, "export", "work-orders/"),
    (export_one, "schedule", "settings/#schedule"),
]


@pytest.fixture
def new(db: None) -> Tenant:
    return factories.tenant(slug="nieuw", name="Nieuw B.V.")


@pytest.fixture
def browser(english: Client, new: Tenant) -> Client:
    english.force_login(factories.operator())
    return english


def next_step(browser: Client) -> onboarding.Step:
    [found] = [step for step in browser.get(START).context["steps"] if step.is_next]
    return found  # type: ignore[no-any-return]


def part_of_next(browser: Client) -> str:
    found = re.search(r'<li class="next" aria-current="step">.*?</li>', html(browser.get(START)))
    assert found
    return found[0]


@pytest.mark.parametrize("done", range(len(LIFE)))
def test_each_step_leads_to_the_next(browser: Client, new: Tenant, done: int) -> None:
    for act, _, _ in LIFE[: done + 1]:
        act(new)
    _, key, address = LIFE[done]

    assert next_step(browser).key == key
    assert f"{START}{address}" in part_of_next(browser)


def test_the_card_is_gone_when_all_is_done(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE:
        act(new)
    before = text(browser.get(START))

    switch_the_schedule_on(new)

    assert "Getting started" in before
    assert "Getting started" not in text(browser.get(START))


def test_done_steps_are_marked(browser: Client, new: Tenant) -> None:
    connect(new, System.OUTSMART)

    steps = {step.key: step.is_done for step in browser.get(START).context["steps"]}

    assert [key for key, is_done in steps.items() if is_done] == ["outsmart"]
    assert list(steps) == ["outsmart", "king", "import", "settings", "start_date", "preview", "export", "schedule"]


def test_a_new_tenant_is_not_frightened_by_a_warning_on_top(browser: Client, new: Tenant) -> None:
    assert browser.get(START).context["alerts"] == []


def test_connection_that_was_never_used_is_to_be_tested(browser: Client, new: Tenant) -> None:
    factories.connection(new, System.OUTSMART)

    assert "has not answered at this address yet. Press “Test connection”." in next_step(browser).help


def test_imported_records_are_proof_of_an_import_whose_run_was_thrown_away(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:4]:
        act(new)

    link_a_product(new)

    assert next_step(browser).key == "settings"


@pytest.mark.parametrize(
    ("status", "options"), [(RunStatus.FAILED, {}), (RunStatus.SUCCEEDED, {"dry_run": True}), (RunStatus.RUNNING, {})]
)
def test_an_import_that_did_not_go_well_or_was_a_trial_is_not_the_first_one(
    browser: Client, new: Tenant, status: RunStatus, options: dict[str, object]
) -> None:
    for act, _, _ in LIFE[:4]:
        act(new)

    factories.run(new, RunKind.IMPORT, status, options=options)
    if not options:
        link_a_product(new)  # it got that far

    assert next_step(browser).key == "import"


def test_import_that_brought_nothing_is_not_the_first_one(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:4]:
        act(new)

    factories.run(new, RunKind.IMPORT)

    assert next_step(browser).key == "import"


def test_export_without_any_order_is_not_the_first_one(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:8]:
        act(new)

    factories.run(new)

    assert not {step.key: step.is_done for step in browser.get(START).context["steps"]}["export"]


def test_steps_that_were_passed_over_are_not_said_to_be_done(browser: Client, new: Tenant) -> None:
    connect(new, System.OUTSMART)
    connect(new, System.KING)
    factories.settings(new)
    export_one(new)

    steps = browser.get(START).context["steps"]

    assert [step.key for step in steps if step.is_passed] == ["import", "start_date", "preview"]
    assert [step.key for step in steps if step.is_done] == ["outsmart", "king", "settings", "export"]
    assert "no longer needed" in text(browser.get(START))


def test_the_start_date_is_saved_as_a_version_of_the_settings(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:6]:
        act(new)
    today = timezone.localdate()
    assert f'name="date" value="{today.isoformat()}"' in part_of_next(browser)

    answer = browser.post(f"{START}start-date/", {"date": "2026-11-01"}, follow=True)

    saved = SyncSettings.across_tenants.get(tenant=new)
    assert (str(saved.export_from_date), next_step(browser).key) == ("2026-11-01", "preview")
    assert "Work that was finished before 1 Nov 2026 is held." in text(answer)
    assert SettingsVersion.across_tenants.get(tenant=new, version=saved.version).saved_by is not None
    assert AuditEntry.across_tenants.filter(tenant=new, action=Action.SETTINGS_SAVED).exists()


@pytest.mark.parametrize("sent", ["", "yesterday", "2026-02-30"])
def test_a_start_date_that_is_none_is_not_saved(browser: Client, new: Tenant, sent: str) -> None:
    for act, _, _ in LIFE[:6]:
        act(new)

    answer = browser.post(f"{START}start-date/", {"date": sent}, follow=True)

    assert "The start date was not saved: enter a date." in text(answer)
    assert SyncSettings.across_tenants.get(tenant=new).export_from_date is None


def test_a_preview_passes_over_the_start_date(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:6]:
        act(new)
    assert 'name="dry_run"' in part_of_next(browser)

    try_export(new)

    [step] = [step for step in browser.get(START).context["steps"] if step.key == "start_date"]
    assert (step.is_passed, next_step(browser).key) == (True, "export")
    assert "none chosen" in text(browser.get(START))


def test_new_address_has_to_answer_before_its_step_is_done(browser: Client, new: Tenant) -> None:
    connect(new, System.OUTSMART)
    connection = Connection.across_tenants.get(tenant=new, system=System.OUTSMART)
    connection.base_url = "https://elsewhere.example/openapi/8"

    connection.save()

    assert next_step(browser).key == "outsmart"
    assert "OutSmart has not answered at this address yet." in next_step(browser).help


def test_who_exported_already_need_not_import(browser: Client, new: Tenant) -> None:
    connect(new, System.OUTSMART)
    connect(new, System.KING)
    factories.settings(new, schedule_enabled=True)

    export_one(new)

    assert browser.get(START).context["steps"] == []


def test_without_a_work_order_that_stands_ready_the_trial_is_offered_again(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:7]:
        act(new)

    factories.run(new, options={"dry_run": True})

    assert "No work order is ready." in next_step(browser).help
    assert 'name="dry_run"' in part_of_next(browser)


def trial_with(new: Tenant, *actions: str) -> str:
    """Run a dry run of the export; return the URL with its work orders, which the ledger does not know yet."""
    for act, _, _ in LIFE[:7]:
        act(new)
    entries = [
        {"outsmart_id": str(number), "order_number": f"WB-{number}", "action": action, "reasons": []}
        for number, action in enumerate(actions, start=1)
    ]
    run = factories.run(new, options={"dry_run": True}, dry_run_examples={"work_orders": entries})
    return f"{START}runs/{run.pk}/"


def test_after_a_trial_a_work_order_that_it_showed_is_the_next_step(browser: Client, new: Tenant) -> None:
    address = trial_with(new, "rejected", "created")

    step = next_step(browser)

    assert (step.key, step.address) == ("export", address)
    assert "WB-2" in step.help


def test_a_work_order_of_a_trial_that_needs_a_person_by_now_is_not_offered(browser: Client, new: Tenant) -> None:
    trial_with(new, "created")

    factories.work_order(new, outsmart_id="1", state="rejected")

    assert next_step(browser).address == f"{START}work-orders/?state=person"


def test_work_orders_that_all_need_a_person_come_first(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:7]:
        act(new)

    factories.run(new, options={"dry_run": True})
    factories.work_order(new, state="rejected")

    assert f"{START}work-orders/?state=person" in part_of_next(browser)


def test_the_trial_button_starts_a_trial(browser: Client, new: Tenant) -> None:
    for act, _, _ in LIFE[:7]:
        act(new)

    browser.post(f"{START}start/export/", {"dry_run": "1"})

    assert browser.get(START).context["dashboard"].latest_runs[0].is_dry


def test_viewer_sees_the_steps_without_buttons(english: Client, tenant: Tenant, people: People) -> None:
    Connection.across_tenants.filter(tenant=tenant).update(last_success_at=timezone.now())
    english.force_login(people.viewer)

    page = html(english.get("/t/jansen/"))

    assert "First import" in page
    assert "/t/jansen/start/" not in page


def test_steps_of_another_tenant_are_not_counted(browser: Client, new: Tenant) -> None:
    other = factories.tenant()
    connect(other, System.OUTSMART)
    import_once(other)
    export_one(other)

    assert next_step(browser).key == "outsmart"


def test_years_of_runs_are_not_read_to_see_that_no_preview_was_made(browser: Client, new: Tenant) -> None:
    """Who starts all by hand keeps the steps for ever, since the schedule is the last one."""
    first = factories.run(new)
    fields = {"administration_id": first.administration_id, "kind": first.kind, "status": first.status}
    with tenants.scope(new):
        SyncRun.objects.bulk_create(
            SyncRun(tenant=new, number=number, trigger=first.trigger, settings_version=1, **fields)
            for number in range(2, 3000)
        )
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE kingsync_syncrun")

    with CaptureQueriesContext(connection) as captured:
        browser.get(START)
    asked = [each["sql"] for each in captured if "@>" in each["sql"] and "NOT (" not in each["sql"]]

    assert asked
    with tenants.scope(new):
        assert plans.rows_read(asked) <= 1
