"""Pages about notifications: a user's choice, refused addresses, and what operators see."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.notifications import MailServer, NotificationChoice, StoppedAddress
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Tenant
from tests.web.conftest import People
from tests.web.pages import html, text

OFFICE = "kantoor@jansen.example"


@pytest.fixture
def refused(tenant: Tenant) -> StoppedAddress:
    SyncSettings.across_tenants.filter(tenant=tenant).update(
        notification_mode=MailMode.EACH, notification_emails=[OFFICE]
    )
    row = StoppedAddress(
        tenant=tenant, address=OFFICE, kind="refused", since=timezone.now(), detail="550 No <such> user"
    )
    row.save()
    return row


def test_a_viewer_chooses_for_each_company(viewer: Client, tenant: Tenant, people: People) -> None:
    assert "as the company has set" in text(viewer.get("/account/"))

    viewer.post("/t/jansen/my-notifications/", {"mode": "digest", "language": "en"})

    with tenants.scope(tenant):
        choice = NotificationChoice.objects.get()
    assert (choice.user, choice.mode, choice.language) == (people.viewer, "digest", "en")
    assert 'value="digest" selected' in html(viewer.get("/account/"))
    viewer.post("/t/jansen/my-notifications/", {"mode": "", "language": "en"})
    assert not NotificationChoice.across_tenants.exists()


def test_an_odd_choice_is_refused(viewer: Client, tenant: Tenant) -> None:
    assert viewer.post("/t/jansen/my-notifications/", {"mode": "hourly", "language": "en"}).status_code == 400


@pytest.mark.parametrize("page", ["/t/jansen/", "/t/jansen/settings/"])
def test_a_refused_address_is_told_to_the_company(
    viewer: Client, tenant: Tenant, refused: StoppedAddress, page: str
) -> None:
    shown = html(viewer.get(page))

    assert OFFICE in shown
    assert "refused" in shown
    assert "<such>" not in shown


def test_an_editor_resumes_a_refused_address(editor: Client, tenant: Tenant, refused: StoppedAddress) -> None:
    assert "550 No" in html(editor.get("/t/jansen/settings/"))

    editor.post("/t/jansen/settings/resume-address/", {"resumed": OFFICE})

    assert not StoppedAddress.across_tenants.exists()


def test_an_unsubscribed_address_is_shown_without_a_way_to_resume(
    editor: Client, tenant: Tenant, refused: StoppedAddress
) -> None:
    StoppedAddress.across_tenants.update(kind="unsubscribed")

    shown = html(editor.get("/t/jansen/settings/"))

    assert f"{OFFICE} was unsubscribed by its owner" in shown
    assert "resume-address" not in shown


def test_operators_see_a_dead_mail_server_and_refused_addresses(
    english: Client, tenant: Tenant, people: People, refused: StoppedAddress
) -> None:
    english.force_login(people.operator)
    now = timezone.now()
    MailServer.objects.create(pk=1, failing_since=now, failed_at=now, problem="ConnectionRefusedError: refused")

    shown = text(english.get("/operators/"))

    assert "The mail server has accepted no e-mail since today" in shown
    assert "ConnectionRefusedError" in shown
    assert "1 e-mail address was refused for good" in shown
    assert OFFICE in shown
