"""Who chooses an e-mail after each problem is told once of what is open already."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from kingsync.models import tenants
from kingsync.models.notifications import ReportedWorkOrder, SentNotification
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import due_tenants, notify, openings, recipients
from tests import factories
from tests.notifications import smtp_sink

OFFICE = "kantoor@jansen.example"


@pytest.fixture
def company(db: None) -> Iterator[Tenant]:
    """Make a company whose office was told of an old problem; two days ago."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made, notification_mode=MailMode.EACH, notification_emails=[OFFICE])
    long_ago = timezone.now() - datetime.timedelta(days=2)
    with tenants.scope(made):
        stopped(made, changed_at=long_ago)
        notify.send_due(now=long_ago + datetime.timedelta(minutes=1))
        mail.outbox.clear()
        yield made


@pytest.fixture
def alice(company: Tenant) -> User:
    return factories.member(company, Role.OWNER, name="alice")


def stopped(tenant: Tenant, **fields: object) -> WorkOrder:
    defaults: dict[str, object] = {"changed_at": timezone.now(), "reasons": [{"code": "internal", "params": {}}]}
    return factories.work_order(tenant, state=LedgerState.REJECTED, **(defaults | fields))


def choose(tenant: Tenant, user: User, mode: MailMode = MailMode.EACH) -> None:
    recipients.choose(tenant, user, mode=mode, language="en")


def look(minutes: int = 1) -> bool:
    return notify.send_due(now=timezone.now() + datetime.timedelta(minutes=minutes))


def sent() -> list[tuple[str, str]]:
    found = [(each.to[0], str(each.subject).partition(": ")[2]) for each in mail.outbox]
    mail.outbox.clear()
    return found


def test_what_is_open_is_told_once_and_then_what_is_new(company: Tenant, alice: User) -> None:
    choose(company, alice)

    assert due_tenants.Watch().look(now=timezone.now()) == [company.pk]
    look()
    assert sent() == [(alice.email, "1 work order needs attention")]
    choose(company, alice)
    look(10)
    assert sent() == []
    stopped(company)
    look(20)
    assert sorted(address for address, _ in sent()) == [alice.email, OFFICE]


def test_nothing_open_is_nothing_to_tell(company: Tenant, alice: User) -> None:
    WorkOrder.objects.update(state=LedgerState.DONE)
    choose(company, alice)

    assert look()
    assert sent() == []
    assert openings.waiting() == []


def test_who_was_told_already_hears_nothing_twice(company: Tenant, alice: User) -> None:
    SyncSettings.objects.update(notification_emails=[OFFICE, alice.email])
    choose(company, alice)

    look()

    assert sent() == []


def test_who_comes_back_is_told_again(company: Tenant, alice: User) -> None:
    for mode in (MailMode.EACH, MailMode.OFF, MailMode.EACH):
        choose(company, alice, mode)

    look()

    assert [address for address, _ in sent()] == [alice.email]


def test_a_digest_is_not_announced(company: Tenant, alice: User) -> None:
    choose(company, alice, MailMode.DIGEST)

    assert openings.waiting() == []


def test_without_an_earlier_e_mail_the_first_one_tells_all(company: Tenant, alice: User) -> None:
    SentNotification.objects.all().delete()
    ReportedWorkOrder.objects.all().delete()
    SyncSettings.objects.update(notification_mode=MailMode.OFF)
    choose(company, alice)

    look()
    look(10)

    assert [address for address, _ in sent()] == [alice.email]


def test_who_left_meanwhile_is_told_nothing(company: Tenant, alice: User) -> None:
    choose(company, alice)
    Membership.objects.filter(user=alice).delete()

    look()

    assert sent() == []
    assert openings.waiting() == []


def test_a_dead_server_is_tried_again_later(company: Tenant, alice: User, settings: Settings) -> None:
    choose(company, alice)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 2

    assert not look()
    [row] = openings.waiting()
    assert row.problem
    with smtp_sink.listening() as (sink, port):
        settings.EMAIL_PORT = port
        assert not look(2)
        assert look(20)

    assert len(sink.mails) == 1
    assert openings.waiting() == []
