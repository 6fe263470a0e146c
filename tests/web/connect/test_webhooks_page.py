"""The pages of webhooks: allowed addresses, the secret shown once, what was sent, again."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from kingsync import webhooks as outbox
from kingsync.models import tenants
from kingsync.models.api.webhooks import Event, Webhook, WebhookDelivery
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.tenants import Tenant
from kingsync.notifications.webhooks import addresses, sender
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

PAGE = "/t/jansen/webhooks/"
ADDRESS = "https://hooks.slack.example/services/T0/B0/verysecret"
FORM = {"address": ADDRESS, "form": "slack", "event_attention": "on", "password": factories.PASSWORD}


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def only(tenant: Tenant) -> Webhook:
    with tenants.scope(tenant):
        return Webhook.objects.get()


def test_a_webhook_is_stored_and_its_secret_shown_once(tenant: Tenant, owner: Client) -> None:
    made = owner.post(f"{PAGE}new/", FORM)

    found = re.search(r'id="secret">(whsec_[\w-]+)<', html(made))
    row = only(tenant)
    assert found
    assert "no-store" in made["Cache-Control"]
    assert row.target == {"address": ADDRESS, "secret": found[1]}
    assert (row.host, row.form, row.events) == ("hooks.slack.example", "slack", [Event.ATTENTION])
    for page in (owner.get(PAGE), owner.get(f"{PAGE}{row.pk}/"), owner.get("/t/jansen/audit/")):
        assert "verysecret" not in html(page)
        assert found[1] not in html(page)
    assert AuditEntry.across_tenants.filter(action="api.webhook_made", subject=row.host).count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/",
        "https://user:pass@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example/?a=b#part",
        "https://hooks.example/?a=b c",
        "ftp://hooks.example/",
        "hooks.example",
        "",
    ],
)
def test_an_address_that_connections_may_not_have_is_refused(tenant: Tenant, owner: Client, address: str) -> None:
    assert owner.post(f"{PAGE}new/", FORM | {"address": address}).status_code == 422
    assert Webhook.across_tenants.count() == 0


@pytest.mark.parametrize(
    "address", ["https://hooks.example/in", "https://hooks.example/?sig=a%2Fb", "http://127.0.0.1:1/"]
)
def test_a_public_address_or_one_that_the_operator_lists_is_allowed(address: str) -> None:
    assert addresses.is_allowed(address)


@pytest.mark.parametrize("changed", [{"event_attention": ""}, {"form": "fax"}, {"password": "wrong"}])
def test_a_wrong_form_stores_nothing(tenant: Tenant, owner: Client, changed: dict[str, str]) -> None:
    assert owner.post(f"{PAGE}new/", FORM | changed).status_code == 422
    assert Webhook.across_tenants.count() == 0


def test_a_removed_webhook_takes_what_waits_along(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant)
    factories.webhook_delivery(row)

    answer = owner.post(f"{PAGE}{row.pk}/remove/", follow=True)

    assert "The webhook to hooks.example has been removed." in text(answer)
    assert WebhookDelivery.across_tenants.count() == 0
    assert AuditEntry.across_tenants.filter(action="api.webhook_removed").count() == 1


def test_a_test_message_waits_for_the_sender(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant)

    answer = owner.post(f"{PAGE}{row.pk}/test/", follow=True)

    delivery = WebhookDelivery.across_tenants.get()
    assert (delivery.event, delivery.state) == (Event.TEST, "waiting")
    assert "within a few seconds" in text(answer)
    assert "Test message" in text(answer) or "test message" in text(answer)


def test_deliveries_tell_what_became_of_them(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant, gave_up_at=timezone.now())
    refused = {"code": "webhook.refused", "params": {"status": "500"}}
    factories.webhook_delivery(row, state="failed", status=500, attempts=18, problem=refused)
    factories.webhook_delivery(row, state="delivered", status=204, attempts=1)

    page, start = text(owner.get(f"{PAGE}{row.pk}/")), text(owner.get("/t/jansen/"))

    assert "The address answered with HTTP status 500." in page
    assert "HTTP 204" in page
    assert "nothing has been delivered" in page
    assert "The webhook to hooks.example does not answer." in start


def test_a_delivery_is_sent_again_with_its_number_for_another_day(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant)
    long_ago = timezone.now() - datetime.timedelta(days=9)
    old = factories.webhook_delivery(row, state="failed", attempts=18, give_up_at=long_ago)

    owner.post(f"{PAGE}deliveries/{old.pk}/again/")

    now = WebhookDelivery.across_tenants.get()
    assert (now.number, now.state, now.attempts) == (old.number, "waiting", 0)
    assert now.next_try_at <= timezone.now() < now.give_up_at


# --- Changing one -----------------------------------------------------------------------------------------------------

CHANGED = {"address": "", "form": "teams", "event_run_ended": "on", "password": factories.PASSWORD}
OTHER = "https://other.example/in?sig=secretpart"


def changes(tenant: Tenant) -> list[AuditEntry]:
    return list(AuditEntry.across_tenants.filter(tenant=tenant, action="api.webhook_changed").order_by("pk"))


def test_the_page_shows_what_is_chosen_and_never_the_address(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant, ADDRESS, host="hooks.slack.example", form="slack", events=[Event.RUN_ENDED])

    page = html(owner.get(f"{PAGE}{row.pk}/change/"))

    assert '<option value="slack" selected>' in page
    assert re.search(r'name="event_run_ended"[^>]* checked', page)
    assert not re.search(r'name="event_attention"[^>]* checked', page)
    assert "verysecret" not in page


def test_receiver_and_events_change_while_the_address_stays(tenant: Tenant, owner: Client, people: People) -> None:
    row = factories.webhook(tenant, ADDRESS)

    answer = owner.post(f"{PAGE}{row.pk}/change/", CHANGED, follow=True)

    now = only(tenant)
    assert (now.form, now.events, now.target) == ("teams", ["run.ended"], row.target)
    assert "The webhook to hooks.example has been changed." in text(answer)
    [entry] = changes(tenant)
    assert entry.before
    assert entry.after
    assert (entry.user_id, entry.before["form"], entry.after["form"]) == (people.owner.pk, "plain", "teams")
    assert owner.get("/t/jansen/audit/?group=api").status_code == 200


def test_another_address_begins_anew_and_stays_out_of_the_trail(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant, ADDRESS, gave_up_at=timezone.now())

    owner.post(f"{PAGE}{row.pk}/change/", CHANGED | {"address": OTHER})

    now = only(tenant)
    assert (now.host, now.target["address"], now.gave_up_at) == ("other.example", OTHER, None)
    assert now.target["secret"] == row.target["secret"]
    [entry] = changes(tenant)
    assert "secretpart" not in f"{entry.before}{entry.after}"
    assert entry.after is not None
    assert entry.after["host"] == "other.example"


@pytest.mark.parametrize(
    "wrong", [{"address": "https://10.0.0.1/"}, {"event_run_ended": ""}, {"form": "fax"}, {"password": "wrong"}]
)
def test_a_wrong_change_stores_nothing(tenant: Tenant, owner: Client, wrong: dict[str, str]) -> None:
    row = factories.webhook(tenant)

    assert owner.post(f"{PAGE}{row.pk}/change/", CHANGED | wrong).status_code == 422
    assert (only(tenant).form, only(tenant).target) == (row.form, row.target)
    assert changes(tenant) == []


def test_a_change_of_nothing_leaves_no_entry(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant, events=[Event.RUN_ENDED], form="teams")

    owner.post(f"{PAGE}{row.pk}/change/", CHANGED)

    assert changes(tenant) == []


def test_a_new_secret_is_shown_once_and_signs_from_now_on(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant)

    assert owner.post(f"{PAGE}{row.pk}/secret/", {"password": "wrong"}).status_code == 422
    made = owner.post(f"{PAGE}{row.pk}/secret/", {"password": factories.PASSWORD})

    found = re.search(r'id="secret">(whsec_[\w-]+)<', html(made))
    assert found
    assert "no-store" in made["Cache-Control"]
    assert only(tenant).target == {"address": row.target["address"], "secret": found[1]}
    entry = AuditEntry.across_tenants.get(action="api.webhook_secret_renewed")
    assert found[1] not in f"{entry.before}{entry.after}"


def test_a_paused_webhook_hears_of_nothing_until_it_is_resumed(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant)
    factories.webhook_delivery(row, Event.RUN_ENDED)

    answer = owner.post(f"{PAGE}{row.pk}/pause/", follow=True)
    owner.post(f"{PAGE}{row.pk}/pause/")
    with tenants.scope(tenant):
        outbox.emit(Event.RUN_ENDED, {})

    assert "Paused since" in text(answer)
    assert WebhookDelivery.across_tenants.count() == 1
    assert sender.due(now=timezone.now()) == []
    owner.post(f"{PAGE}{row.pk}/resume/")
    assert sender.due(now=timezone.now()) == [(tenant.pk, row.pk)]
    assert [bool((each.after or {})["paused_at"]) for each in changes(tenant)] == [True, False]


def test_a_paused_webhook_can_be_tried(tenant: Tenant, owner: Client) -> None:
    row = factories.webhook(tenant, paused_at=timezone.now())

    owner.post(f"{PAGE}{row.pk}/test/")

    assert sender.due(now=timezone.now()) == [(tenant.pk, row.pk)]


def test_the_webhook_of_another_company_is_not_found(tenant: Tenant, owner: Client) -> None:
    strange = factories.webhook(factories.tenant(slug="other"))

    for page in ("change", "secret", "pause", "resume"):
        assert owner.post(f"{PAGE}{strange.pk}/{page}/", CHANGED).status_code == 404
