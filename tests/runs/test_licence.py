"""Without an active licence nothing runs, no matter who asks; pages say why, and nothing is lost."""

from __future__ import annotations

import datetime
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from kingsync import tasks, worker
from kingsync.king_mirror import connection_check
from kingsync.messages.reason_texts import sentence
from kingsync.models.connections import System
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Role, Tenant
from kingsync.rules.licence import Licence
from kingsync.runs import clients, lifecycle
from kingsync.runs.wanted import NotWantedError
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.web.pages import text

pytestmark = pytest.mark.usefixtures("english")

WHY = "The licence is not active, so nothing is imported or exported. Contact the operator: kingsync@localhost."
TODAY = datetime.date(2026, 11, 20)
OFF, OVER = Licence(active=False), Licence(until=datetime.date(2026, 1, 31))


@pytest.fixture
def number(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Set up a work order at the trigger of a tenant whose settings export it."""
    scenario.stock(king)
    factories.settings(tenant, schedule_enabled=True)
    return scenario.work_order(outsmart)


def licence(tenant: Tenant, taken: Licence = OFF) -> None:
    tenant.take_licence(taken)
    tenant.save()


def is_untouched(king: KingSandbox, outsmart: OutSmartSandbox) -> bool:
    """Return True when neither system got a call."""
    return scenario.calls(king) == [] and outsmart.calls.all() == []


# --- The licence itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "is_active", "ends_soon"),
    [
        (Licence(), True, False),
        (Licence(until=TODAY), True, True),
        (Licence(until=TODAY + datetime.timedelta(days=14)), True, True),
        (Licence(until=TODAY + datetime.timedelta(days=15)), True, False),
        (Licence(until=TODAY - datetime.timedelta(days=1)), False, False),
        (Licence(active=False, until=TODAY), False, False),
    ],
)
def test_last_day_of_a_licence_still_counts(of: Licence, is_active: bool, ends_soon: bool) -> None:
    assert (of.is_active_on(TODAY), of.ends_soon(TODAY)) == (is_active, ends_soon)


def test_tenant_knows_since_when_its_licence_is_not_active(tenant: Tenant) -> None:
    found = []
    for taken in (Licence(), OVER, OFF):
        licence(tenant, taken)
        found.append(tenant.licence_ended_at)

    midnight = datetime.datetime(2026, 1, 31, 23, tzinfo=datetime.UTC)  # in Amsterdam
    assert found == [None, midnight, tenant.licence_changed_at]


# --- Whoever asks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [OFF, OVER])
@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize("options", [{}, {"dry_run": True}, {"kinds": ["products"]}, {"work_orders": ["1"]}])
def test_no_run_is_started(number: str, tenant: Tenant, taken: Licence, kind: RunKind, options: object) -> None:
    licence(tenant, taken)

    with pytest.raises(NotWantedError):
        lifecycle.request(kind=kind, trigger=SyncRun.Trigger.BUTTON, options=options)  # type: ignore[arg-type]

    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("kind", ["import", "export"])
@pytest.mark.parametrize("extra", [[], ["--dry-run"]])
def test_command_is_refused_with_the_reason(
    number: str, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, kind: str, extra: list[str]
) -> None:
    licence(tenant)

    with pytest.raises(CommandError) as refused:
        call_command("sync", "jansen", kind, *extra, stdout=StringIO())

    assert refused.value.returncode == 2
    assert "De licentie is niet actief" in str(refused.value)
    assert is_untouched(king, outsmart)


def test_command_says_so_as_json(number: str, tenant: Tenant) -> None:
    licence(tenant)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("sync", "jansen", "export", "--json", stdout=out)

    answer = json.loads(out.getvalue())
    assert ended.value.code == 2
    assert (answer["run"], answer["kind"], answer["state"], answer["new_problems"]) == (None, "export", "failed", 0)
    assert not any(answer["counts"].values())
    assert "De licentie is niet actief" in answer["error"]


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_pressed_button_starts_nothing_and_says_why(
    editor: Client, number: str, tenant: Tenant, kind: RunKind, headers: dict[str, str]
) -> None:
    licence(tenant)

    answer = editor.post(f"/t/jansen/start/{kind}/", headers=headers, follow=True)

    assert WHY in text(answer)
    assert not SyncRun.objects.exists()


def is_all_of(page: str, part: str) -> bool:
    """Return whether a part of a page says why, with no link but that to the help."""
    shown = page.partition(f'id="{part}">')[2].partition("</p>")[0]
    return shown.startswith(WHY) and shown.count("<a ") == shown.count('<a class="help-mark"')


def test_buttons_are_disabled_without_a_link_to_settings_that_do_not_help(
    editor: Client, number: str, tenant: Tenant
) -> None:
    row = factories.work_order(tenant, outsmart_id=number)
    licence(tenant)

    start = editor.get("/t/jansen/").content.decode()
    one = editor.get(f"/t/jansen/work-orders/{row.pk}/").content.decode()

    for kind in RunKind:
        assert f'disabled aria-describedby="refusal-{kind.value}">' in start
        assert is_all_of(start, f"refusal-{kind.value}")
    assert is_all_of(one, "refusal")


def test_clock_starts_nothing(number: str, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    licence(tenant)
    SettingsVersion.objects.update(saved_at=scenario.in_seconds(-86400))

    tasks.start_due_runs()

    assert not SyncRun.objects.exists()
    assert is_untouched(king, outsmart)


def test_run_in_progress_finishes_its_work_order_and_ends_with_the_reason(
    number: str, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    first = worker.work_slice(run.pk, slice_seconds=0)
    licence(tenant)
    before = scenario.calls(king)

    second = worker.work_slice(run.pk, slice_seconds=0)

    run.refresh_from_db()
    assert (first.more, second.more) == (True, False)
    assert (run.status, sentence(run.error)) == (RunStatus.CANCELLED, WHY)
    assert len(scenario.orders(king)) == 1
    assert scenario.calls(king) == before
    assert scenario.is_clean(king)


def test_run_continues_where_it_was_once_the_licence_is_active_again(
    number: str, tenant: Tenant, king: KingSandbox
) -> None:
    licence(tenant)
    licence(tenant, Licence())

    assert scenario.counts(scenario.export())["created"] == 1


# --- What stays possible ----------------------------------------------------------------------------------------------


def test_decisions_are_possible_and_nothing_is_sent(
    editor: Client, number: str, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = factories.work_order(tenant, outsmart_id=number, state="rejected")
    licence(tenant)

    answer = editor.post(f"/t/jansen/work-orders/{row.pk}/decide/", {"kind": "retry"}, follow=True)

    row.refresh_from_db()
    assert row.state == "waiting"
    assert WHY in text(answer)
    assert is_untouched(king, outsmart)


@pytest.mark.parametrize("system", System)
def test_connection_can_be_tested(number: str, tenant: Tenant, system: System) -> None:
    licence(tenant)

    assert connection_check.check_stored(clients.connection_of(system)) is None


# --- What the pages say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["", "settings/", "work-orders/", "records/", "runs/", "log/", "people/", "king-files/"]
)
def test_every_page_says_since_when_and_whom_to_ask(editor: Client, number: str, tenant: Tenant, page: str) -> None:
    before = text(editor.get(f"/t/jansen/{page}"))
    licence(tenant, OVER)

    told = text(editor.get(f"/t/jansen/{page}"))

    assert "has not been active since" not in before
    assert "The licence of Jansen Installatie B.V. has not been active since 1 Feb 2026" in told
    assert "Contact the operator: kingsync@localhost." in told


@pytest.mark.parametrize(("role", "is_told"), [(Role.OWNER, True), (Role.EDITOR, False), (Role.VIEWER, False)])
def test_owners_see_the_end_of_the_licence_coming(
    client: Client, number: str, tenant: Tenant, role: Role, is_told: bool
) -> None:
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, role))
    licence(tenant, Licence(until=timezone.localdate() + datetime.timedelta(days=14)))

    assert ("The licence ends after" in text(client.get("/t/jansen/"))) == is_told


def test_operator_sees_in_the_list_whose_licence_is_not_active(client: Client, tenant: Tenant) -> None:
    factories.tenant(slug="other")
    client.cookies["django_language"] = "en"
    client.force_login(factories.operator())
    licence(tenant)

    assert text(client.get("/", follow=True)).count("licence not active") == 1


def test_onboarding_does_not_ask_for_settings_that_are_chosen(editor: Client, number: str, tenant: Tenant) -> None:
    licence(tenant)

    assert "Choose what to import from King" not in text(editor.get("/t/jansen/"))
