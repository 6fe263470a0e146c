"""Notification e-mails: when they are sent, what they contain, and what happens when no server accepts them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from pytest_django import Settings

from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection, System
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import LogEntry, RunStatus, SyncRun
from kingsync.models.sync_settings import MailMode, SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import due_tenants, notify
from kingsync.rules.licence import Licence
from tests import factories

EMAILS = ["kantoor@jansen.example"]
UNKNOWN_ARTICLE = [{"code": "line_refused", "params": {"code": "unknown_article", "line": "Buis", "article": "B1"}}]
FAILED = {"code": "system.unreachable", "params": {"system": "King"}}
# 08:00 and 06:00 in Amsterdam, on a winter's day.
MORNING = datetime.datetime(2026, 11, 20, 7, 0, tzinfo=datetime.UTC)
EARLY = datetime.datetime(2026, 11, 20, 5, 0, tzinfo=datetime.UTC)

Look = Callable[..., list[str]]


@pytest.fixture
def wants(tenant: Tenant) -> Callable[[MailMode], None]:
    """Set the tenant's e-mail mode, as if long ago."""

    def set_to(mode: MailMode) -> None:
        factories.settings(tenant, notification_mode=mode, notification_emails=EMAILS)
        SettingsVersion.objects.update(saved_at=MORNING - datetime.timedelta(days=30))

    return set_to


@pytest.fixture
def each(wants: Callable[[MailMode], None]) -> None:
    wants(MailMode.EACH)


@pytest.fixture
def digest(wants: Callable[[MailMode], None]) -> None:
    wants(MailMode.DIGEST)


def look(now: datetime.datetime | None = None) -> list[str]:
    """Send due e-mail, a minute from now by default; return the subjects sent since."""
    mail.outbox.clear()
    notify.send_due(now=now or timezone.now() + datetime.timedelta(minutes=1))
    return [str(each.subject) for each in mail.outbox]


def body() -> str:
    return str(mail.outbox[-1].body)


def stopped(tenant: Tenant, state: LedgerState = LedgerState.REJECTED, **fields: object) -> WorkOrder:
    defaults: dict[str, object] = {"changed_at": timezone.now(), "reasons": UNKNOWN_ARTICLE}
    return factories.work_order(tenant, state=state, **(defaults | fields))


def retried(row: WorkOrder, *, minutes: int, **fields: object) -> None:
    """Let a later retry end with these values; `changed_at` moves, since it passes through "being sent"."""
    moment = timezone.now() + datetime.timedelta(minutes=minutes)
    WorkOrder.objects.filter(pk=row.pk).update(changed_at=moment, **fields)


def minutes_on(minutes: int) -> datetime.datetime:
    return timezone.now() + datetime.timedelta(minutes=minutes)


# --- An e-mail after each problem -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", WorkOrder.NEEDS_A_PERSON)
def test_work_order_that_needs_a_person_is_mailed(tenant: Tenant, each: None, state: LedgerState) -> None:
    row = stopped(tenant, state, order_number="WB77", customer_name="De Boer")

    [subject] = look()

    assert subject.startswith("Jansen Installatie B.V.: 1 ")
    assert mail.outbox[0].to == EMAILS
    assert "WB77, De Boer" in body()
    assert f"http://127.0.0.1:8000/t/jansen/work-orders/{row.pk}/" in body()


@pytest.mark.parametrize("state", [LedgerState.WAITING, LedgerState.DONE, LedgerState.EXCLUDED, LedgerState.SENDING])
def test_work_order_that_needs_nobody_is_not_mailed(tenant: Tenant, each: None, state: LedgerState) -> None:
    stopped(tenant, state)

    assert look() == []
    assert not SentNotification.objects.exists()


def test_one_mail_tells_of_all_and_nothing_is_told_twice(tenant: Tenant, each: None) -> None:
    for _number in range(3):
        stopped(tenant)

    first, second = look(), look(minutes_on(10))

    assert (len(first), second) == (1, [])
    assert SentNotification.objects.get().work_order_count == 3


def test_work_order_that_stops_after_a_mail_makes_the_next_mail(tenant: Tenant, each: None) -> None:
    stopped(tenant, order_number="FIRST")
    look()
    stopped(tenant, order_number="SECOND", changed_at=minutes_on(5))

    look(minutes_on(6))

    assert "SECOND" in body()
    assert "FIRST" not in body()


def test_retry_that_ends_as_before_is_no_news(tenant: Tenant, each: None) -> None:
    row = stopped(tenant)
    look()

    retried(row, minutes=15)

    assert look(minutes_on(16)) == []


def test_other_reason_after_a_retry_is_news(tenant: Tenant, each: None) -> None:
    row = stopped(tenant)
    look()

    retried(row, minutes=15, reasons=[{"code": "unknown_debtor", "params": {"debtor": "10"}}])

    assert len(look(minutes_on(16))) == 1


def test_work_order_that_went_well_and_stops_again_is_news(tenant: Tenant, each: None) -> None:
    row = stopped(tenant, LedgerState.CHANGED)
    look()
    retried(row, minutes=5, state=LedgerState.DONE)
    look(minutes_on(6))

    retried(row, minutes=10, state=LedgerState.CHANGED)

    assert len(look(minutes_on(11))) == 1


def test_run_that_is_going_on_is_waited_for(tenant: Tenant, each: None) -> None:
    stopped(tenant)
    run = factories.run(tenant, status=RunStatus.RUNNING)

    during = look()
    SyncRun.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())

    assert (during, len(look())) == ([], 1)


def test_run_that_takes_long_is_not_waited_for(tenant: Tenant, each: None) -> None:
    stopped(tenant)
    factories.run(tenant, status=RunStatus.RUNNING)

    assert len(look(minutes_on(11))) == 1


def test_failed_run_is_mailed_with_its_reason_and_the_paused_connection(tenant: Tenant, each: None) -> None:
    Connection.objects.get(system=System.KING).pause({"code": "system.authentication", "params": {"system": "King"}})
    run = factories.run(tenant, status=RunStatus.FAILED, error=FAILED)

    subjects = look()

    assert "King" in subjects[0]
    assert f"/t/jansen/runs/{run.pk}/" in body()
    assert "/t/jansen/settings/" in body()


def test_series_of_failures_for_one_reason_makes_one_mail(tenant: Tenant, each: None) -> None:
    factories.run(tenant, status=RunStatus.FAILED, error=FAILED)
    first = look()
    for minutes in (5, 10):
        factories.run(tenant, status=RunStatus.FAILED, error=FAILED, finished_at=minutes_on(minutes))

    assert (len(first), look(minutes_on(11))) == (1, [])


def test_failures_before_the_first_mail_are_told_although_they_are_a_series(tenant: Tenant, each: None) -> None:
    for _number in range(2):
        factories.run(tenant, status=RunStatus.FAILED, error=FAILED)

    assert len(look()) == 1


def test_failure_for_another_reason_is_news(tenant: Tenant, each: None) -> None:
    factories.run(tenant, status=RunStatus.FAILED, error=FAILED)
    look()
    other = {"code": "system.authentication", "params": {"system": "King"}}
    factories.run(tenant, status=RunStatus.FAILED, error=other, finished_at=minutes_on(5))

    assert len(look(minutes_on(6))) == 1


@pytest.mark.parametrize("later", [RunStatus.SUCCEEDED, RunStatus.PARTLY])
def test_failure_that_is_over_is_not_mailed(tenant: Tenant, each: None, later: RunStatus) -> None:
    factories.run(tenant, status=RunStatus.FAILED, error=FAILED)
    factories.run(tenant, status=later)

    assert look() == []


def test_failed_dry_run_is_not_mailed(tenant: Tenant, each: None) -> None:
    factories.run(tenant, status=RunStatus.FAILED, error=FAILED, options={"dry_run": True})

    assert look() == []


def test_brake_that_waits_is_mailed_once(tenant: Tenant, each: None) -> None:
    ChangeLimitTrip(kind="products", known_count=100, changed_count=0, deactivated_count=40).save()

    first = look()
    told = body()

    assert "40" in told
    assert (len(first), look(minutes_on(10))) == (1, [])


def test_what_was_decided_a_moment_ago_waits_until_it_is_surely_stored(tenant: Tenant, each: None) -> None:
    stopped(tenant)

    assert look(timezone.now() + datetime.timedelta(seconds=5)) == []


def test_long_list_is_cut_and_says_so(tenant: Tenant, each: None) -> None:
    for _number in range(23):
        stopped(tenant)

    look()

    assert body().count("/work-orders/") == 20 + 1
    assert "3" in body().split("… ")[-1].splitlines()[0]


# --- A daily e-mail ---------------------------------------------------------------------------------------------------


def test_digest_comes_at_seven_and_once(tenant: Tenant, digest: None) -> None:
    stopped(tenant, changed_at=EARLY)

    early, morning = look(EARLY), look(MORNING)
    later = look(MORNING + datetime.timedelta(hours=9))

    assert (early, len(morning), later) == ([], 1, [])


def test_digest_groups_by_cause_with_links(tenant: Tenant, digest: None) -> None:
    rows = [stopped(tenant) for _number in range(7)]

    look(MORNING)

    words = re.sub(r"https?://\S+", "", body())  # the key of a link may have any letters
    assert re.findall(r"\bB1\b", words) == ["B1"]
    assert "(7)" in words
    assert f"/t/jansen/work-orders/{rows[-1].pk}/" in body()


def test_digest_tells_again_what_still_needs_a_person(tenant: Tenant, digest: None) -> None:
    stopped(tenant)
    look(MORNING)

    assert len(look(MORNING + datetime.timedelta(days=1))) == 1


def test_digest_is_silent_when_nothing_needs_a_person_and_does_not_come_later_that_day(
    tenant: Tenant, digest: None
) -> None:
    quiet = look(MORNING)
    stopped(tenant)

    assert (quiet, look(MORNING + datetime.timedelta(hours=3))) == ([], [])


def test_digest_that_was_asked_for_after_seven_begins_tomorrow(tenant: Tenant, digest: None) -> None:
    stopped(tenant)
    SettingsVersion.objects.update(saved_at=MORNING - datetime.timedelta(minutes=10))

    today, tomorrow = look(MORNING), look(MORNING + datetime.timedelta(days=1))

    assert (today, len(tomorrow)) == ([], 1)


# --- Off, languages, other tenants ------------------------------------------------------------------------------------


def test_no_mail_when_mails_are_off(tenant: Tenant, wants: Callable[[MailMode], None]) -> None:
    wants(MailMode.OFF)
    stopped(tenant)

    assert look() == []
    assert due_tenants.Watch().look(now=timezone.now()) == []


def test_no_mail_without_addresses(tenant: Tenant) -> None:
    factories.settings(tenant, notification_mode=MailMode.EACH)
    stopped(tenant)

    assert look() == []


def test_mail_speaks_the_language_of_the_tenant(tenant: Tenant, each: None) -> None:
    Tenant.objects.update(language="en")
    stopped(tenant)

    assert look() == ["Jansen Installatie B.V.: 1 work order needs attention"]
    assert "King does not know article B1." in body()


def test_mail_has_html_beside_the_text_in_which_names_cannot_become_tags(tenant: Tenant, each: None) -> None:
    stopped(tenant, customer_name="<b>De Boer & Zn</b>")

    look()

    sent = mail.outbox[0]
    assert isinstance(sent, mail.EmailMultiAlternatives)
    assert "&lt;b&gt;De Boer &amp; Zn&lt;/b&gt;" in str(sent.alternatives[0][0])
    assert "<b>De Boer & Zn</b>" in body()


def test_mail_of_one_tenant_tells_nothing_of_another(tenant: Tenant, each: None) -> None:
    other = factories.tenant()
    with tenants.scope(other):
        stopped(other, order_number="ELSEWHERE")
    stopped(tenant)

    look()

    assert "ELSEWHERE" not in body()


def test_clock_mails_each_tenant_that_wants_mails(tenant: Tenant, each: None) -> None:
    silent = factories.tenant()
    factories.settings(silent)
    for one in (tenant, silent):
        with tenants.scope(one):
            stopped(one, changed_at=timezone.now() - datetime.timedelta(minutes=1))

    tasks.send_notifications()

    assert [message.to for message in mail.outbox] == [EMAILS]


def test_a_mail_after_a_problem_does_not_wait_for_those_of_the_morning(tenant: Tenant, digest: None) -> None:
    urgent = factories.tenant()
    factories.settings(urgent, notification_mode=MailMode.EACH, notification_emails=EMAILS)
    for one in (tenant, urgent):
        with tenants.scope(one):
            stopped(one)

    assert due_tenants.Watch().look(now=MORNING) == [urgent.pk, tenant.pk]


def test_a_look_at_all_that_is_due_ends_soon_and_the_next_one_goes_on(
    tenant: Tenant, each: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.tenant()
    factories.settings(other, notification_mode=MailMode.EACH, notification_emails=EMAILS)
    for one in (tenant, other):
        with tenants.scope(one):
            stopped(one, changed_at=timezone.now() - datetime.timedelta(minutes=1))
    monkeypatch.setattr(tasks, "MAIL_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "mail_watch", due_tenants.Watch())

    sent = []
    for _look in range(3):
        tasks.send_notifications()
        sent.append([message.subject.partition(":")[0] for message in mail.outbox])

    assert sent == [[tenant.name], [tenant.name, other.name], [tenant.name, other.name]]


# --- What is new and what still waits ---------------------------------------------------------------------------------


def test_each_mail_tells_what_is_new_apart_from_what_still_waits(tenant: Tenant, each: None) -> None:
    Tenant.objects.update(language="en")
    for _number in range(3):
        stopped(tenant)
    look()
    stopped(tenant, order_number="NEW", changed_at=minutes_on(5))

    subjects = look(minutes_on(6))

    assert subjects == ["Jansen Installatie B.V.: 1 new problem, 3 still waiting"]
    assert "1 new problem, 3 still waiting:" in body()
    assert body().count("/work-orders/") == 1 + 1


def test_digest_tells_what_is_new_since_the_last_one(tenant: Tenant, digest: None) -> None:
    Tenant.objects.update(language="en")
    for _number in range(3):
        stopped(tenant, changed_at=EARLY)
    first = look(MORNING)
    tomorrow = MORNING + datetime.timedelta(days=1)
    stopped(tenant, changed_at=MORNING + datetime.timedelta(hours=3))

    assert first == ["Jansen Installatie B.V.: 3 work orders need attention"]
    assert look(tomorrow) == ["Jansen Installatie B.V.: 1 new problem, 3 still waiting"]


@pytest.mark.parametrize("code", ["before_from_date", "not_linked", "not_linked_interim"])
def test_work_order_that_only_the_settings_hold_is_not_mailed(tenant: Tenant, each: None, code: str) -> None:
    stopped(tenant, LedgerState.HELD, reasons=[{"code": code, "params": {}}])

    assert look() == []


# --- A mail server that refuses ---------------------------------------------------------------------------------------


@pytest.fixture
def refusing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Make the mail server refuse everything, until released."""
    refuses = [True]
    taken = EmailBackend.send_messages

    def send(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        if refuses[0]:
            raise ConnectionRefusedError(111, "Connection refused")
        return int(taken(self, messages))

    monkeypatch.setattr(EmailBackend, "send_messages", send)
    return lambda on: refuses.__setitem__(0, on)


def test_refused_mail_is_stored_and_tried_again(tenant: Tenant, each: None, refusing: Callable[[bool], None]) -> None:
    stopped(tenant, order_number="WB77")
    look()
    problem = SentNotification.objects.get().problem
    refusing(False)

    at_once, later = look(minutes_on(2)), look(minutes_on(7))

    assert "Connection refused" in problem
    assert (at_once, len(later)) == ([], 1)
    assert "WB77" in body()
    assert SentNotification.objects.get().problem == ""


def test_server_that_refuses_for_days_makes_one_row(
    tenant: Tenant, each: None, refusing: Callable[[bool], None]
) -> None:
    stopped(tenant)

    for minutes in (1, 10, 20, 30):
        look(minutes_on(minutes))

    assert SentNotification.objects.count() == 1


def test_mail_that_another_worker_has_in_hand_is_not_sent_twice(tenant: Tenant, each: None) -> None:
    stopped(tenant)
    now = timezone.now() + datetime.timedelta(minutes=1)
    SentNotification(mode="each", covered_until=now, problem=notify.UNFINISHED).save()

    assert look(now) == []


# --- The licence ------------------------------------------------------------------------------------------------------


def end_licence(tenant: Tenant) -> None:
    tenant.take_licence(Licence(active=False))
    tenant.save()


def test_end_of_the_licence_is_mailed_once(tenant: Tenant, each: None) -> None:
    end_licence(tenant)

    first, second = look(), look(minutes_on(10))

    assert (first, second) == (["Jansen Installatie B.V.: De licentie is beëindigd"], [])


def test_a_digest_reports_the_end_of_the_licence_once(tenant: Tenant, digest: None) -> None:
    tenant.take_licence(Licence(until=MORNING.date() - datetime.timedelta(days=1)))
    tenant.licence_changed_at = MORNING - datetime.timedelta(days=100)
    tenant.save()

    first = look(MORNING)
    told = body()
    second = look(MORNING + datetime.timedelta(days=1))

    assert (first, second) == (["Jansen Installatie B.V.: De licentie is beëindigd"], [])
    assert "Neem contact op met de beheerder: kingsync@localhost." in told


# --- Verification -----------------------------------------------------------------------------------------------------


def test_what_verification_found_in_king_is_mailed_once(tenant: Tenant, each: None) -> None:
    for event, number in (("order.differs_in_king", "26001"), ("order.gone_in_king", "26002")):
        LogEntry(at=timezone.now(), level="warning", event=event, king_id=number).save()

    [subject] = look()
    said = body()
    again = look(minutes_on(10))

    assert "26001" in said
    assert "/t/jansen/log/?event=order.gone_in_king" in said
    assert (subject.startswith("Jansen Installatie B.V."), again) == (True, [])


def test_a_delivery_is_not_mailed(tenant: Tenant, each: None) -> None:
    LogEntry(at=timezone.now(), level="info", event="order.delivered_in_king", king_id="26001").save()

    assert look() == []
