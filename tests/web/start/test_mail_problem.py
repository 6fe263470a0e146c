"""An e-mail that no server accepted is reported on the pages: its recipients would not learn of anything otherwise."""

from __future__ import annotations

import datetime

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.notifications import SentNotification
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.notifications import notify
from tests import factories
from tests.web.pages import html, text

REFUSED = "SMTPRecipientsRefused: {'nobody@jansen.example': (550, b'unknown <user>')}"
TOLD = "The e-mail notification could not be sent to nobody@jansen.example"
PAGES = ("/t/jansen/", "/t/jansen/settings/")


def notice(tenant: Tenant, problem: str, **fields: object) -> SentNotification:
    SyncSettings.across_tenants.filter(tenant=tenant).update(
        notification_mode=MailMode.EACH, notification_emails=["nobody@jansen.example"]
    )
    row = SentNotification(
        tenant=tenant,
        mode="each",
        covered_until=timezone.now(),
        recipients=["nobody@jansen.example"],
        problem=problem,
    )
    row.save()
    SentNotification.across_tenants.filter(pk=row.pk).update(**fields)
    return row


@pytest.mark.parametrize("address", PAGES)
def test_mail_that_no_server_took_is_told_with_what_the_server_said(
    viewer: Client, tenant: Tenant, address: str
) -> None:
    notice(tenant, REFUSED)

    answer = viewer.get(address)

    assert TOLD in text(answer)
    assert "unknown &lt;user&gt;" in html(answer)


def test_start_page_leads_to_the_mail_addresses(viewer: Client, tenant: Tenant) -> None:
    notice(tenant, REFUSED)

    assert 'href="/t/jansen/settings/#notifications">Check the e-mail addresses' in html(viewer.get("/t/jansen/"))


@pytest.mark.parametrize("address", PAGES)
def test_mail_that_went_out_later_ends_the_warning(viewer: Client, tenant: Tenant, address: str) -> None:
    notice(tenant, REFUSED)
    notice(tenant, "")

    assert TOLD not in text(viewer.get(address))


@pytest.mark.parametrize(("minutes", "is_reported"), [(1, False), (6, True)])
def test_mail_on_its_way_is_no_problem_until_it_takes_too_long(
    viewer: Client, tenant: Tenant, minutes: int, is_reported: bool
) -> None:
    notice(tenant, notify.UNFINISHED, sent_at=timezone.now() - datetime.timedelta(minutes=minutes))

    assert (TOLD in text(viewer.get("/t/jansen/"))) is is_reported


def test_who_wants_no_mails_any_more_is_not_warned(viewer: Client, tenant: Tenant) -> None:
    notice(tenant, REFUSED)

    SyncSettings.across_tenants.filter(tenant=tenant).update(notification_mode=MailMode.OFF)

    assert TOLD not in text(viewer.get("/t/jansen/"))


def test_mail_of_another_tenant_is_not_told(viewer: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.settings(other)
    notice(tenant, "")
    notice(other, REFUSED)

    assert TOLD not in text(viewer.get("/t/jansen/"))
