"""Silence: when nothing comes into King that should, one e-mail says so, and one that it is over."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.notifications import Silence
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.notifications import silence
from kingsync.rules.licence import Licence
from tests import factories

HOUR = datetime.timedelta(hours=1)
IMPORTS = ("customers_enabled", "products_enabled", "hour_types_enabled", "warehouses_enabled")
UNREACHABLE = {"code": "system.unreachable", "params": {"system": "King"}}

pytestmark = pytest.mark.django_db
Ran = Callable[..., SyncRun]


@pytest.fixture
def tenant() -> Tenant:
    """Make a tenant whose exports run by schedule, with an owner, and an operator beside it."""
    made = factories.tenant()
    exports = {"export_orders": True, "schedule_enabled": True, "export_minutes": 15}
    factories.settings(made, **(dict.fromkeys(IMPORTS, False) | exports))
    for system in System:
        factories.connection(made, system)
    factories.member(made, Role.OWNER, email="eigenaar@jansen.example")
    factories.operator(email="operator@kingsync.example")
    SettingsVersion.across_tenants.update(saved_at=timezone.now() - 100 * HOUR)
    return made


@pytest.fixture
def ran(tenant: Tenant) -> Ran:
    """Return a function that makes an export which ended some hours ago."""

    def make(status: RunStatus, hours_ago: float, **columns: object) -> SyncRun:
        at = timezone.now() - hours_ago * HOUR
        error = UNREACHABLE if status == RunStatus.FAILED else {}
        run = factories.run(
            tenant,
            kind=RunKind.EXPORT,
            status=status,
            error=error,
            finished_at=at if status in SyncRun.FINAL else None,
            **columns,
        )
        SyncRun.across_tenants.filter(pk=run.pk).update(queued_at=at)
        return run

    return make


def found(tenant: Tenant) -> silence.Silent | None:
    with tenants.scope(tenant):
        return silence.of(SyncSettings.objects.select_related("tenant").first(), now=timezone.now())


def look() -> list[tuple[list[str], str]]:
    """Let the clock look once; return to whom e-mails went, and their subjects."""
    mail.outbox.clear()
    tasks.watch_silence()
    return [(each.to, str(each.subject)) for each in mail.outbox]


# --- What silence is --------------------------------------------------------------------------------------------------


def test_exports_that_fail_for_hours_are_a_silence_since_the_first_failure(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.SUCCEEDED, 30)
    first = ran(RunStatus.FAILED, 7)
    newest = ran(RunStatus.FAILED, 0.1)

    silent = found(tenant)

    assert silent
    first.refresh_from_db()
    assert (silent.kind, silent.since, silent.run) == (Silence.Kind.NO_EXPORT, first.queued_at, newest)
    with tenants.scope(tenant):
        assert "King" in silence.detail(silent)


def test_a_schedule_that_starts_nothing_is_a_silence(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.SUCCEEDED, 7)

    silent = found(tenant)

    assert silent
    assert silent.kind == Silence.Kind.NOTHING_RAN


def test_a_schedule_that_never_started_anything_is_a_silence(tenant: Tenant) -> None:
    silent = found(tenant)

    assert silent
    assert silent.kind == Silence.Kind.NOTHING_RAN


@pytest.mark.parametrize(
    ("hours", "is_silent"), [(6, True), (8, False)], ids=["within our patience", "beyond our patience"]
)
def test_the_patience_is_the_tenants_own(tenant: Tenant, ran: Ran, hours: int, is_silent: bool) -> None:
    Tenant.objects.update(silence_hours=hours)
    ran(RunStatus.FAILED, 7)
    ran(RunStatus.FAILED, 0.1)

    assert bool(found(tenant)) is is_silent


def test_an_interval_longer_than_the_patience_is_no_silence(tenant: Tenant, ran: Ran) -> None:
    SyncSettings.across_tenants.update(export_minutes=24 * 60)
    ran(RunStatus.SUCCEEDED, 20)

    assert found(tenant) is None


def test_an_export_by_hand_that_began_now_is_no_silence(tenant: Tenant, ran: Ran) -> None:
    SyncSettings.across_tenants.update(schedule_enabled=False)
    ran(RunStatus.SUCCEEDED, 80)
    ran(RunStatus.QUEUED, 0)

    assert found(tenant) is None


@pytest.mark.parametrize(("hours_since_it_moved", "is_silent"), [(0.1, False), (7, True)])
def test_a_long_export_is_a_silence_only_when_it_does_not_move(
    tenant: Tenant, ran: Ran, hours_since_it_moved: float, is_silent: bool
) -> None:
    SyncSettings.across_tenants.update(schedule_enabled=False)
    moved_at = timezone.now() - hours_since_it_moved * HOUR
    ran(RunStatus.RUNNING, 20, heartbeat_at=moved_at)

    assert bool(found(tenant)) is is_silent


def test_a_paused_connection_does_not_hide_that_exports_fail(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 7)
    Connection.across_tenants.update(state=Connection.State.PAUSED)

    silent = found(tenant)

    assert silent
    assert silent.kind == Silence.Kind.NO_EXPORT


@pytest.mark.parametrize("switched_off", [{"export_orders": False}, {"schedule_enabled": False}])
def test_what_is_not_expected_is_no_silence(tenant: Tenant, ran: Ran, switched_off: dict[str, bool]) -> None:
    ran(RunStatus.SUCCEEDED, 100)
    SyncSettings.across_tenants.update(**switched_off)

    assert found(tenant) is None


def test_without_a_licence_nothing_is_expected(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 100)
    tenant.take_licence(Licence(active=False))
    tenant.save()

    assert found(tenant) is None


# --- E-mails ----------------------------------------------------------------------------------------------------------


def test_owners_and_operators_get_one_email_and_one_all_clear(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 7)
    ran(RunStatus.FAILED, 0.1)

    first, again = look(), look()
    ran(RunStatus.SUCCEEDED, 0)
    cleared, after = look(), look()

    assert [to for to, _ in first] == [["eigenaar@jansen.example"], ["operator@kingsync.example"]]
    assert "geen export meer gelukt" in first[0][1].lower()
    assert [to for to, _ in cleared] == [["eigenaar@jansen.example"], ["operator@kingsync.example"]]
    assert (again, after) == ([], [])


@pytest.mark.parametrize("attempt", [RunStatus.FAILED, RunStatus.RUNNING, RunStatus.CANCELLED])
def test_an_attempt_that_is_no_success_is_no_all_clear(tenant: Tenant, ran: Ran, attempt: RunStatus) -> None:
    ran(RunStatus.SUCCEEDED, 7)
    look()
    ran(attempt, 0)

    assert look() == []
    silent = found(tenant)
    assert silent
    assert silent.kind == Silence.Kind.NOTHING_RAN

    SyncRun.across_tenants.filter(status=RunStatus.RUNNING).update(status=RunStatus.FAILED)
    ran(RunStatus.SUCCEEDED, 0)
    assert len(look()) == 2


def test_the_next_silence_is_mailed_again(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 9)
    look()
    good = ran(RunStatus.SUCCEEDED, 0)
    look()
    SyncRun.across_tenants.filter(pk=good.pk).update(queued_at=timezone.now() - 8 * HOUR)
    ran(RunStatus.FAILED, 7)
    ran(RunStatus.FAILED, 0.1)

    assert len(look()) == 2
    assert Silence.across_tenants.count() == 2


def test_an_email_that_no_server_accepts_is_tried_again(
    tenant: Tenant, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(RunStatus.FAILED, 7)

    def refuse(_self: EmailBackend, _messages: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as refusing:
        refusing.setattr(EmailBackend, "send_messages", refuse)
        refused = look()

    assert (len(refused), len(look()), len(look())) == (0, 2, 0)


def test_an_all_clear_does_not_claim_success_when_exports_were_switched_off(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 7)
    look()
    SyncSettings.across_tenants.update(export_orders=False)

    cleared = look()

    assert Silence.across_tenants.get().is_recovered is False
    assert "niet meer bewaakt" in cleared[0][1].lower()


def test_a_silence_that_nobody_heard_of_needs_no_all_clear(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.FAILED, 7)
    with tenants.scope(tenant):
        silence.watch(now=timezone.now())
    ran(RunStatus.SUCCEEDED, 0)

    assert look() == []


def test_of_the_broker_nothing_is_said_while_no_clock_asks_it(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.SUCCEEDED, 0)
    for part in (Heartbeat.Part.CLOCK, Heartbeat.Part.BROKER):
        Heartbeat.objects.create(part=part, at=timezone.now() - HOUR)

    look()

    reported = Heartbeat.objects.filter(reported_at__isnull=False)
    assert [each.part for each in reported] == [Heartbeat.Part.CLOCK]


def test_operators_hear_once_of_a_part_without_heartbeat(tenant: Tenant, ran: Ran) -> None:
    ran(RunStatus.SUCCEEDED, 0)
    Heartbeat.objects.create(part=Heartbeat.Part.EXPORTS, at=timezone.now() - HOUR)

    first, again = look(), look()
    Heartbeat.objects.update(at=timezone.now())
    cleared, after = look(), look()

    assert [to for to, _ in first + cleared] == [["operator@kingsync.example"]] * 2
    assert (again, after) == ([], [])
