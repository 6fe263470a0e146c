"""Who gets notifications: users' own choices, refused addresses, unsubscribing, and a real mail server that fails."""

from __future__ import annotations

import datetime
import re
import socket
from collections.abc import Iterator
from email.message import Message

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kingsync.models import tenants
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.notifications import MailServer, NotificationChoice, SentNotification, StoppedAddress
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import due_tenants, mail_server, notify, recipients, silence_mails
from tests import factories
from tests.notifications import smtp_sink
from tests.notifications.smtp_sink import Sink

OFFICE, BOSS = "kantoor@jansen.example", "baas@jansen.example"
FAILED = {"code": "system.unreachable", "params": {"system": "King"}}


@pytest.fixture
def company(db: None) -> Iterator[Tenant]:
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made, notification_mode=MailMode.EACH, notification_emails=[OFFICE, BOSS])
    with tenants.scope(made):
        yield made


@pytest.fixture
def alice(company: Tenant) -> User:
    return factories.member(company, Role.OWNER, name="alice")


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """Send to a real mail server."""
    with smtp_sink.listening() as (found, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 20
        settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = "", False, False
        yield found


def stopped(tenant: Tenant, **fields: object) -> WorkOrder:
    defaults: dict[str, object] = {"changed_at": timezone.now(), "reasons": [{"code": "internal", "params": {}}]}
    return factories.work_order(tenant, state=LedgerState.REJECTED, **(defaults | fields))


def look(minutes: int = 1) -> None:
    notify.send_due(now=timezone.now() + datetime.timedelta(minutes=minutes))


def sent_to() -> list[str]:
    return sorted(each.to[0] for each in mail.outbox)


def choose(tenant: Tenant, user: User, mode: MailMode, language: str = "nl") -> None:
    recipients.choose(tenant, user, mode=mode, language=language)


# --- What users choose ------------------------------------------------------------------------------------------------


def test_each_address_gets_an_e_mail_of_its_own(company: Tenant) -> None:
    stopped(company)

    look()

    assert sent_to() == [BOSS, OFFICE]
    assert len({each.extra_headers["List-Unsubscribe"] for each in mail.outbox}) == 2


def test_a_user_gets_e_mails_in_the_chosen_language(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.EACH, "en")
    stopped(company)

    look()

    by_address = {each.to[0]: str(each.subject) for each in mail.outbox}
    assert by_address[alice.email].endswith("1 work order needs attention")
    assert by_address[OFFICE].endswith("1 werkbon vraagt aandacht")


def test_a_users_own_choice_goes_before_the_companys(company: Tenant, alice: User) -> None:
    SyncSettings.objects.update(notification_emails=[OFFICE, alice.email])
    choose(company, alice, MailMode.OFF)
    stopped(company)

    look()

    assert sent_to() == [OFFICE]


def test_a_user_gets_e_mails_of_a_company_that_wants_none(company: Tenant, alice: User) -> None:
    SyncSettings.objects.update(notification_mode=MailMode.OFF)
    choose(company, alice, MailMode.EACH)
    stopped(company)

    found = due_tenants.Watch().look(now=timezone.now())
    look()

    assert found == [company.pk]
    assert sent_to() == [alice.email]


def test_each_and_digest_are_told_of_the_same_problem_once_each(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.DIGEST)
    stopped(company)
    morning = timezone.now().replace(hour=8, minute=0) + datetime.timedelta(days=1)

    look()
    assert sent_to() == [BOSS, OFFICE]
    mail.outbox.clear()
    for hours in (0, 1):
        notify.send_due(now=morning + datetime.timedelta(hours=hours))

    assert sent_to() == [alice.email]


def test_who_left_the_company_gets_nothing(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.EACH)
    Membership.objects.filter(user=alice).delete()
    stopped(company)

    look()

    assert sent_to() == [BOSS, OFFICE]


def test_a_choice_is_in_the_audit_trail(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.EACH)
    choose(company, alice, MailMode.EACH)

    entry = AuditEntry.across_tenants.get(action="account.notifications_chosen")
    assert (entry.subject, entry.after) == (alice.email, {"mode": "each", "language": "nl"})


# --- The all-clear ----------------------------------------------------------------------------------------------------


def test_who_heard_of_a_failure_hears_that_it_is_over(company: Tenant) -> None:
    now = timezone.now()
    factories.run(company, status=RunStatus.FAILED, error=FAILED, finished_at=now)
    look()
    assert "The export" not in str(mail.outbox[0].subject)
    mail.outbox.clear()
    factories.run(company, finished_at=now + datetime.timedelta(minutes=5))

    look(20)
    look(40)

    assert [str(each.subject) for each in mail.outbox] == ["Jansen Installatie B.V.: De export lukt weer"] * 2


def test_a_failure_that_nobody_heard_of_needs_no_all_clear(company: Tenant) -> None:
    factories.run(company, status=RunStatus.FAILED, error=FAILED)
    factories.run(company)

    look()

    assert mail.outbox == []


def test_a_failure_that_goes_on_is_not_over(company: Tenant) -> None:
    factories.run(company, status=RunStatus.FAILED, error=FAILED)
    look()
    mail.outbox.clear()
    SyncRun.objects.all().delete()

    look(20)

    assert mail.outbox == []


# --- A real mail server -----------------------------------------------------------------------------------------------


def test_mails_arrive_with_the_headers_of_one_click(company: Tenant, sink: Sink) -> None:
    stopped(company)

    look()

    assert sink.addresses() == [OFFICE, BOSS]
    _address, found = sink.mails[0]
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.fullmatch(r"<(http\S+/unsubscribe/\S+/)>", unfolded(found))
    assert link
    assert OFFICE not in link[1]
    assert link[1] in body_of(found)


def unfolded(found: Message) -> str:
    return "".join(str(found["List-Unsubscribe"]).split())


def body_of(found: Message) -> str:
    payload = next(part for part in found.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@pytest.mark.parametrize(
    ("bounces_to", "sender"),
    [("", "kingsync@kingsync.example"), ("bounces@kingsync.example", "bounces@kingsync.example")],
)
def test_bounces_go_to_their_own_mailbox_where_there_is_one(
    company: Tenant, sink: Sink, settings: Settings, bounces_to: str, sender: str
) -> None:
    settings.DEFAULT_FROM_EMAIL, settings.MAIL_BOUNCES_TO = "kingsync <kingsync@kingsync.example>", bounces_to
    stopped(company)

    look()

    assert sink.senders == [sender, sender]
    assert {str(found["From"]) for _address, found in sink.mails} == {"kingsync <kingsync@kingsync.example>"}


def test_an_address_refused_for_good_is_not_tried_again(company: Tenant, sink: Sink) -> None:
    sink.refused[OFFICE] = "550 No such user"
    stopped(company)

    look()
    stopped(company, changed_at=timezone.now() + datetime.timedelta(minutes=10))
    look(20)

    assert sink.addresses() == [BOSS, BOSS]
    assert sink.tried.count(OFFICE) == 1
    row = StoppedAddress.objects.get()
    assert (row.address, row.kind, row.detail) == (OFFICE, "refused", "550 No such user")
    assert not SentNotification.objects.exclude(problem="").exists()
    assert MailServer.objects.get().failing_since is None


def test_what_nobody_got_is_sent_once_the_address_is_corrected(company: Tenant, sink: Sink, alice: User) -> None:
    SyncSettings.objects.update(notification_emails=[OFFICE])
    sink.refused[OFFICE] = "550 No such user"
    stopped(company, order_number="WB-LOST")
    look()
    assert sink.mails == []
    sink.refused.clear()

    assert recipients.resume(company, OFFICE, by=alice)
    look(20)

    [(address, found)] = sink.mails
    assert address == OFFICE
    assert "WB-LOST" in body_of(found)


def test_who_was_refused_for_now_gets_it_later_and_the_others_once(company: Tenant, sink: Sink) -> None:
    sink.refused[OFFICE] = "451 Try again later"
    stopped(company)
    look()
    assert sink.addresses() == [BOSS]
    assert notify.unsent(SyncSettings.objects.get(), now=timezone.now()) is not None
    sink.refused.clear()

    look(20)
    look(40)

    assert sink.addresses() == [BOSS, OFFICE]
    assert not StoppedAddress.objects.exists()
    assert notify.unsent(SyncSettings.objects.get(), now=timezone.now()) is None


def test_a_server_that_does_not_answer_is_given_up_and_seen(company: Tenant, sink: Sink, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    sink.is_silent = True
    stopped(company)

    look()

    # One address waited for it, not each of them.
    assert len(sink.tried) == 1
    assert mail_server.state() is not None
    assert MailServer.objects.get().failing_since is not None
    assert SentNotification.objects.get().failing_since is not None


def test_a_dead_server_is_seen_and_its_return_is_told(company: Tenant, sink: Sink, settings: Settings) -> None:
    factories.operator(name="olga")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = free.getsockname()[1]
    settings.EMAIL_PORT, alive = dead, settings.EMAIL_PORT
    stopped(company)
    look()
    MailServer.objects.update(failing_since=timezone.now() - datetime.timedelta(hours=2))
    settings.EMAIL_PORT = alive

    look(20)
    for _ in range(2):
        silence_mails.mail_operators(now=timezone.now())

    assert sink.addresses() == [OFFICE, BOSS, "olga@jansen.example"]
    assert MailServer.objects.get().failing_since is None
    assert "mail server" in str(sink.mails[-1][1]["Subject"]).lower() or "mailserver" in body_of(sink.mails[-1][1])


# --- Unsubscribing ----------------------------------------------------------------------------------------------------


def path_of(tenant: Tenant, address: str) -> str:
    link = recipients.unsubscribe_link(tenant, address)
    return link[link.index("/unsubscribe/") :]


def test_reading_the_link_changes_nothing_and_sending_unsubscribes(company: Tenant) -> None:
    visitor = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    path = path_of(company, OFFICE)

    assert f"Stop the e-mail notifications of {company.name} to {OFFICE}?" in visitor.get(path).content.decode()
    assert not StoppedAddress.objects.exists()
    answers = [visitor.post(path, {"List-Unsubscribe": "One-Click"}) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    assert StoppedAddress.objects.get().kind == "unsubscribed"
    stopped(company)
    look()
    assert sent_to() == [BOSS]


def test_a_user_who_unsubscribes_has_chosen_none(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.EACH, "en")

    Client().post(path_of(company, alice.email))

    choice = NotificationChoice.objects.get()
    assert (choice.mode, choice.language) == ("off", "en")


def test_a_user_of_the_companys_list_unsubscribes_from_that_too(company: Tenant, alice: User) -> None:
    SyncSettings.objects.update(notification_emails=[alice.email])

    Client().post(path_of(company, alice.email))
    stopped(company)
    look()

    assert mail.outbox == []


def test_a_forged_link_leads_to_nothing(company: Tenant) -> None:
    path = path_of(company, OFFICE)

    assert Client().post(path[:-3] + "xx/").status_code == 404
    assert not StoppedAddress.objects.exists()


def test_a_link_of_another_company_unsubscribes_from_that_one_only(company: Tenant) -> None:
    other = factories.tenant(slug="elsewhere")
    factories.settings(other, notification_mode=MailMode.EACH, notification_emails=[OFFICE])

    Client().post(path_of(other, OFFICE))

    assert not StoppedAddress.objects.exists()
    assert StoppedAddress.across_tenants.filter(tenant=other).count() == 1


def test_nobody_resumes_what_its_owner_unsubscribed(company: Tenant, alice: User) -> None:
    Client().post(path_of(company, OFFICE))

    assert not recipients.resume(company, OFFICE, by=alice)
    assert StoppedAddress.objects.exists()
