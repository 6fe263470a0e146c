"""Every URL, for every role, reading and sending: the expected status.

A new URL fails `test_every_address_stands_in_the_table` until it has a line in `TABLE`: its name, what reading it (GET)
returns, what sending to it (POST) returns, and what is sent. Answers are in the order of `ROLES`; `members`, `editors`
and `owners` produce the usual ones.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from kingsync import tasks
from kingsync import urls as all_urls
from kingsync.accounts import invitations
from kingsync.king_mirror import connection_check, pick_list_refresh
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.api.tokens import ApiToken
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState
from kingsync.rules.outcomes import Reason
from kingsync.upkeep.tenant_data import export
from kingsync.web.shared import second_step
from kingsync.web.urls import urlpatterns
from tests import factories
from tests.statements import months
from tests.web.conftest import People, make_people, make_tenant

ROLES = ("anonymous", "stranger", "viewer", "editor", "owner", "operator")
Answers = tuple[int, int, int, int, int, int]
NOT_THIS_WAY: Answers = (405, 405, 405, 405, 405, 405)


@dataclass(frozen=True)
class Line:
    get: Answers
    post: Answers = NOT_THIS_WAY
    sent: dict[str, str] = field(default_factory=dict)


def everybody(answer: int) -> Answers:
    return (answer,) * 6


def logged_in(answer: int) -> Answers:
    return (302, *(answer,) * 5)


def members(answer: int = 200) -> Answers:
    return (302, 404, answer, answer, answer, answer)


def editors(answer: int = 302) -> Answers:
    return (302, 404, 403, answer, answer, answer)


def owners(answer: int = 302) -> Answers:
    return (302, 404, 403, 403, answer, answer)


def page() -> Line:
    return Line(get=members())


def action(answer: int = 302, **sent: str) -> Line:
    return Line(get=NOT_THIS_WAY, post=editors(answer), sent=sent)


def owners_action(answer: int = 302, **sent: str) -> Line:
    return Line(get=NOT_THIS_WAY, post=owners(answer), sent=sent)


TABLE: dict[str, Line] = {
    # For everyone
    "favicon": Line(get=everybody(302)),
    "health": Line(get=everybody(200), post=everybody(405)),
    "moved": Line(get=everybody(404), post=everybody(405)),
    "metrics": Line(get=everybody(404), post=everybody(405)),
    "login": Line(get=(200, *(302,) * 5), post=(200, *(302,) * 5)),
    "logout": Line(get=everybody(405), post=everybody(302)),
    "set_language": Line(get=everybody(302), post=everybody(302), sent={"language": "en"}),
    "password_reset": Line(get=everybody(200), post=everybody(302), sent={"email": "bob@jansen.example"}),
    "password_reset_done": Line(get=everybody(200), post=everybody(405)),
    "password_reset_confirm": Line(get=everybody(200), post=everybody(200)),
    "invitation": Line(get=everybody(404), post=everybody(404)),
    "invitation_link": Line(get=everybody(302)),
    "unsubscribe": Line(get=everybody(404), post=everybody(404)),
    # One's own
    "home": Line(get=everybody(302)),
    # For operators
    "operators": Line(get=(302, 404, 404, 404, 404, 200)),
    "operators_causes": Line(get=(302, 404, 404, 404, 404, 200)),
    "account": Line(get=logged_in(200), post=logged_in(302), sent={"name": "Somebody"}),
    "help": Line(get=logged_in(200)),
    "help_settings": Line(get=logged_in(200)),
    "help_messages": Line(get=logged_in(200)),
    "help_article": Line(get=logged_in(200)),
    "email_change": Line(get=NOT_THIS_WAY, post=logged_in(422)),
    "keys_change": Line(get=NOT_THIS_WAY, post=logged_in(302)),
    "email_confirm": Line(get=logged_in(404), post=logged_in(404)),
    "password_change": Line(get=logged_in(200), post=logged_in(200)),
    "session_end": Line(get=NOT_THIS_WAY, post=logged_in(302)),
    "sessions_end_others": Line(get=NOT_THIS_WAY, post=logged_in(302)),
    "second_step": Line(get=logged_in(302), post=logged_in(302)),
    "two_step": Line(get=logged_in(200)),
    "password_confirm": Line(get=logged_in(200), post=logged_in(422)),
    "two_step_enrol": Line(get=logged_in(302), post=logged_in(302)),
    "two_step_remove_app": Line(get=NOT_THIS_WAY, post=logged_in(422)),
    "passkey_login": Line(get=NOT_THIS_WAY, post=logged_in(302)),
    "passkey_add": Line(get=logged_in(302), post=logged_in(422)),
    "passkey_remove": Line(get=NOT_THIS_WAY, post=logged_in(422)),
    "two_step_codes": Line(get=NOT_THIS_WAY, post=logged_in(302)),
    "two_step_remove": Line(get=NOT_THIS_WAY, post=logged_in(422)),
    # A tenant's people
    "people": page(),
    "invite": owners_action(email="new@jansen.example", role="viewer"),
    "company": owners_action(log_days="30", payload_days="30", verification_calls="500", silence_hours="4"),
    "company_data": Line(get=owners(200)),
    "company_export": owners_action(200),
    "company_delete": owners_action(422),
    "company_keep": owners_action(),
    "member_role": owners_action(role="editor"),
    "member_remove": owners_action(sure="1"),
    "invite_again": owners_action(),
    "invitation_withdraw": owners_action(),
    # For other programs
    "tokens": Line(get=owners(200)),
    "token_make": owners_action(422, name="BI", scope="read"),
    "token_revoke": owners_action(),
    "webhooks": Line(get=owners(200)),
    "webhook_make": owners_action(422, address="https://hooks.example/", form="plain", event_attention="on"),
    "webhook_deliveries": Line(get=owners(200)),
    "webhook_change": Line(get=owners(200), post=owners(422), sent={"form": "plain", "event_attention": "on"}),
    "webhook_secret": owners_action(422),
    "webhook_pause": owners_action(),
    "webhook_resume": owners_action(),
    "webhook_remove": owners_action(),
    "webhook_test": owners_action(),
    "webhook_again": owners_action(),
    # A tenant's pages
    "tenant": page(),
    "live": page(),
    "start_run": action(),
    "start_date": action(date="2026-11-01"),
    "change_limit": Line(get=members(), post=editors(), sent={"decision": "refuse"}),
    "change_limit_old": Line(get=members(), post=editors(), sent={"decision": "refuse"}),
    "settings": Line(get=members(), post=editors(422)),
    "test_connection": action(200),
    "test_mail": action(200),
    "switch_administration": Line(get=owners(200), post=owners(422)),
    "test_administration": owners_action(200),
    "refresh_choices": action(),
    "resume_address": action(resumed="a@jansen.example"),
    "choose_notifications": Line(get=NOT_THIS_WAY, post=members(302), sent={"mode": "off", "language": "nl"}),
    "background_call": Line(get=(302, 404, 403, 404, 200, 404)),  # only for the person who asked
    "text_preview": Line(get=NOT_THIS_WAY, post=members(), sent={"template": "Werkbon {order_number}"}),
    "settings_impact": action(200),
    "settings_versions": page(),
    "settings_restore": action(),
    "runs": page(),
    "run": page(),
    "cancel_run": action(),
    "log": page(),
    "audit": Line(get=owners(200)),
    "audit_file": Line(get=owners(200)),
    "records": page(),
    "search": page(),
    "record": page(),
    "king_files": Line(get=members(), post=editors()),
    "king_files_import": action(),
    "king_file_remove": action(),
    # A tenant's work orders
    "work_orders": page(),
    "decide_many": action(kind="exclude", reason="Double"),
    "work_orders_file": page(),
    "causes": page(),
    "figures": page(),
    "statements": page(),
    "find_statement": Line(get=members(302)),
    "statement": page(),
    "sign_statement": owners_action(accepted="1"),
    "statement_file": page(),
    "signed_statement": page(),
    "signed_statement_file": page(),
    "decide_cause": action(kind="retry"),
    "fetch_work_order": action(number="7001"),
    "use_fetched": Line(get=NOT_THIS_WAY, post=(302, 404, 403, 404, 404, 404)),  # only for the person who searched
    "work_order": page(),
    "decide": action(kind="exclude", reason="Double"),
    # Of the user alone, also of one who may only look.
    "save_view": Line(get=NOT_THIS_WAY, post=members(302), sent={"asked": "state=held", "name": "Held"}),
    "remove_view": Line(get=NOT_THIS_WAY, post=members(302)),
    "change_care": action(note="Gebeld"),
    "preview": action(),
    "export_one": action(),
    "export_from_dry_run": action(outsmart_id="7001"),
    "work_order_run": page(),
}
TRIED = {"work_orders": [{"outsmart_id": "7001", "action": "created", "reasons": []}]}
OURS = {str(each.name): each for each in urlpatterns}
OF_A_TENANT = [name for name, each in OURS.items() if "slug" in str(each.pattern)]
# The variable parts of the URLs; numbers are those of the tenant's rows.
WORDS = {"kind": "export", "system": "king", "form": "csv", "secret": "no-such", "sealed": "no-such", "uidb64": "no"}
WORDS |= {"token": "no-such", "version": "1", "key": "getting-started"}
WORDS |= {"period": "2025-10", "document": "xlsx"}


@dataclass(frozen=True)
class World:
    """One row of everything that URLs refer to."""

    tenant: Tenant
    people: People
    numbers: dict[str, Any]
    sessions: dict[str, str] = field(default_factory=dict)
    # One for all browsers: each would put the middlewares together again.
    handler: ClientHandler = field(default_factory=lambda: Client().handler)

    def log_in(self) -> None:
        """Log in every role once, for the browsers of all tests."""
        for role in ROLES[1:]:
            browser = Client()
            browser.force_login(getattr(self.people, role))
            self.sessions[role] = browser.cookies[settings.SESSION_COOKIE_NAME].value

    def address(self, name: str) -> str:
        known: dict[str, Any] = {**WORDS, **self.numbers, "slug": self.tenant.slug}
        return reverse(name, kwargs={key: known[key] for key in OURS[name].pattern.converters | _groups(OURS[name])})

    def browser(self, role: str) -> Client:
        """Return a browser in which this role is logged in."""
        browser = Client(headers={"Accept-Language": "en"})
        browser.handler = self.handler
        if role != "anonymous":
            browser.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[role]
        return browser


def _groups(pattern: URLPattern) -> dict[str, object]:
    return dict(pattern.pattern.regex.groupindex)


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Keep one transaction for all tests of this file, which each undo what they did (`world`)."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def one_world(db: None) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        _without_others(patch)
        for part in Heartbeat.Part:
            Heartbeat.objects.update_or_create(part=part, defaults={"at": timezone.now()})
        tenant = make_tenant()
        people = make_people(tenant)
        made = World(tenant, people, rows_of(tenant, people.viewer, asker=people.owner))
        made.log_in()
        yield made


def _without_others(patch: pytest.MonkeyPatch) -> None:
    def works(_connection: object) -> Reason | None:
        return None

    patch.setattr(connection_check, "check_stored", works)
    patch.setattr(pick_list_refresh, "refresh_choices", lambda **_asked: [])
    # It needs a transaction of its own: tests/web/accounts/test_company_data.py.
    patch.setattr(export, "to_temporary_file", lambda _tenant: io.BytesIO(b"a zip file"))
    patch.setattr(tasks.run_sync, "apply_async", lambda **_message: None)


@pytest.fixture
def world(one_world: World) -> Iterator[World]:
    with transaction.atomic():
        yield one_world
        transaction.set_rollback(True)


@contextmanager
def undone(name: str) -> Iterator[None]:
    """Undo what is done inside the block, and name the address where it fails."""
    with transaction.atomic():
        try:
            yield
        except Exception as error:
            error.add_note(f"at the address {name}")
            raise
        transaction.set_rollback(True)
    cache.clear()


def rows_of(tenant: Tenant, member: User, asker: User | None = None) -> dict[str, Any]:
    """Create one row of everything; return their numbers by the names of the URLs."""
    invitations.invite(tenant, email="asked@jansen.example", role=Role.VIEWER, by=member)
    factories.api_token(tenant)
    api_token, webhook = ApiToken.across_tenants.get(tenant=tenant), factories.webhook(tenant)
    return {
        "run_id": factories.run(tenant, RunKind.EXPORT, RunStatus.SUCCEEDED, dry_run_examples=TRIED).pk,
        "work_order_id": factories.work_order(tenant, state=LedgerState.REJECTED).pk,
        "trip_id": factories.trip(tenant).pk,
        "membership_id": tenant.memberships.get(user=member).pk,
        "invitation_id": tenant.invitations.get().pk,
        "record_id": factories.record_link(tenant).pk,
        "file_id": factories.king_file(tenant).pk,
        "token_id": api_token.pk,
        "webhook_id": webhook.pk,
        "delivery_id": factories.webhook_delivery(webhook).pk,
        "login_id": 0,
        "passkey_id": 0,
        "view_id": 0,
        "call_id": factories.background_call(tenant, by=asker or member).pk,
        "statement_id": months.signed(tenant, member).pk,
    }


def answers(world: World, name: str, method: str, sent: dict[str, str]) -> Answers:
    """Return the status for each role; what one of them did is undone before the next."""
    found = []
    for role in ROLES:
        browser, address = world.browser(role), world.address(name)
        with transaction.atomic():
            answer = getattr(browser, method)(address, sent if method == "post" else None)
            found.append(answer.status_code)
            b"".join(answer)  # a file is deleted at its end
            transaction.set_rollback(True)
    return tuple(found)


def test_no_address_answers_trace(world: World) -> None:
    browser = world.browser("operator")

    answered = {name: browser.trace(world.address(name)).status_code for name in OURS}

    assert {name: status for name, status in answered.items() if status != 405} == {}


def test_every_address_stands_in_the_table() -> None:
    assert TABLE.keys() == OURS.keys()


@pytest.mark.parametrize("name", TABLE)
def test_reading_is_answered_by_role(world: World, name: str) -> None:
    assert answers(world, name, "get", {}) == TABLE[name].get


@pytest.mark.parametrize("name", TABLE)
def test_sending_is_answered_by_role(world: World, name: str) -> None:
    assert answers(world, name, "post", TABLE[name].sent) == TABLE[name].post


@pytest.mark.parametrize("method", ["get", "post"])
def test_stranger_learns_nothing_of_a_tenant(world: World, method: str) -> None:
    found = {name: told_to_stranger(world, name, method) for name in OF_A_TENANT}

    assert {name: (own, missing) for name, (own, missing) in found.items() if own != missing} == {}
    assert {name: own for name, (own, _missing) in found.items() if own[0] not in {404, 405}} == {}


def told_to_stranger(world: World, name: str, method: str) -> list[tuple[int, bytes]]:
    """Return status and content for the tenant, and for one that there is not."""
    elsewhere = world.address(name).replace("/jansen/", "/no-such-tenant/")
    with undone(name):
        found = [getattr(world.browser("stranger"), method)(each) for each in (world.address(name), elsewhere)]
        return [(each.status_code, each.content) for each in found]


ROWS = {"run_id", "work_order_id", "trip_id", "membership_id", "invitation_id", "record_id", "call_id", "statement_id"}
ROWS |= {"token_id", "webhook_id", "delivery_id"}
NUMBERED = [name for name in OF_A_TENANT if ROWS & OURS[name].pattern.converters.keys()]


def test_row_of_another_tenant_is_not_found_under_the_own_address(world: World) -> None:
    elsewhere = Tenant.objects.get(slug="elsewhere")
    foreign = World(elsewhere, world.people, rows_of(elsewhere, world.people.stranger))

    found = {}
    for name in NUMBERED:
        address = foreign.address(name).replace("/elsewhere/", "/jansen/")
        with undone(name):
            read = world.browser("owner").get(address).status_code
            written = world.browser("owner").post(address, TABLE[name].sent).status_code
        found[name] = {read, written}

    assert {name: statuses for name, statuses in found.items() if statuses - {405} != {404}} == {}


# --- The second step --------------------------------------------------------------------------------------------------


def give_device(user: User) -> None:
    Authenticator.objects.create(user=user, confirmed=True)


def led_to(world: World, role: str, name: str, sent: dict[str, str]) -> dict[str, str]:
    """Return where reading and sending lead; without an address where there is no such way."""
    with undone(name):
        read = world.browser(role).get(world.address(name))
        written = world.browser(role).post(world.address(name), sent)
    found = {"get": read, "post": written}
    return {
        way: each.headers.get("Location", "").split("?")[0] for way, each in found.items() if each.status_code != 405
    }


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_password_alone_opens_nothing_to_who_has_a_second_step(world: World, role: str) -> None:
    give_device(getattr(world.people, role))

    names = sorted(OURS.keys() - second_step.ALWAYS_OPEN)
    found = {name: led_to(world, role, name, TABLE[name].sent) for name in names}

    step = reverse("second_step")
    assert {name: ways for name, ways in found.items() if ways != {"get": step, "post": step}} == {}


@pytest.mark.parametrize("role", ["viewer", "owner", "operator"])
def test_tenant_that_asks_for_two_steps_leads_to_setting_it_up(world: World, role: str) -> None:
    Tenant.objects.filter(pk=world.tenant.pk).update(requires_second_step=True)

    found = {name: led_to(world, role, name, {}) for name in OF_A_TENANT}

    assert {name: ways for name, ways in found.items() if set(ways.values()) != {reverse("two_step_enrol")}} == {}


@pytest.mark.parametrize("page", ["/admin/", "/admin/kingsync/tenant/", "tenant", "settings"])
def test_an_operator_without_a_second_step_is_led_to_setting_it_up(world: World, settings: Settings, page: str) -> None:
    settings.OPERATORS_NEED_SECOND_STEP = True
    address = page if page.startswith("/") else world.address(page)

    answer = world.browser("operator").get(address)

    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, reverse("two_step_enrol"))


def test_an_operator_reaches_the_pages_for_setting_it_up(world: World, settings: Settings) -> None:
    settings.OPERATORS_NEED_SECOND_STEP = True

    assert world.browser("operator").get(reverse("account")).status_code == 200


def test_stranger_is_not_told_that_a_tenant_asks_for_two_steps(world: World) -> None:
    Tenant.objects.filter(pk=world.tenant.pk).update(requires_second_step=True)

    assert world.browser("stranger").get(world.address("tenant")).status_code == 404


# --- The admin --------------------------------------------------------------------------------------------------------


def admin_addresses(patterns: list[Any], before: str = "/admin/") -> Iterator[str]:
    """Yield a URL for every pattern of the admin."""
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from admin_addresses(each.url_patterns, before + _filled(each))
        else:
            yield before + _filled(each)


def _filled(pattern: URLPattern | URLResolver) -> str:
    text = str(pattern.pattern)
    if text.startswith("^"):
        return text.strip("^$").replace("(?P<app_label>kingsync|auth)", "auth").split("(")[0]
    for converter in pattern.pattern.converters:
        text = (
            text.replace(f"<path:{converter}>", "1").replace(f"<int:{converter}>", "1").replace(f"<{converter}>", "1")
        )
    return text


ADMIN = sorted({*admin_addresses(admin.site.get_urls())} - {"/admin/login/", "/admin/logout/"})


def test_all_of_the_admin_is_walked() -> None:
    assert len(ADMIN) > 60
    assert "/admin/kingsync/workorder/1/change/" in ADMIN
    assert any(isinstance(each, URLPattern) for each in all_urls.urlpatterns)


@pytest.mark.parametrize("role", ["anonymous", "stranger", "viewer", "editor", "owner"])
def test_admin_is_closed_to_all_but_staff(world: World, role: str) -> None:
    browser = world.browser(role)

    read = {browser.get(address).status_code for address in ADMIN}
    written = {browser.post(address).status_code for address in ADMIN}

    assert read | written == {302}


def test_login_of_the_admin_is_our_own_and_no_way_round(world: World) -> None:
    found = {role: world.browser(role).get("/admin/login/?next=/admin/") for role in ("anonymous", "owner")}

    assert found["anonymous"].headers["Location"] == "/login/?next=/admin/"
    assert found["owner"].headers["Location"] == "/"


def test_admin_asks_who_has_a_second_step_for_it(world: World) -> None:
    give_device(world.people.operator)
    browser = world.browser("operator")

    seen = {browser.get(address).headers.get("Location", "").split("?")[0] for address in ADMIN}

    assert seen == {reverse("second_step")}


def test_admin_of_a_tenant_that_asks_for_two_steps_asks_its_staff_too(world: World) -> None:
    User.objects.filter(pk=world.people.owner.pk).update(is_staff=True)
    Tenant.objects.filter(pk=world.tenant.pk).update(requires_second_step=True)

    answer = world.browser("owner").get("/admin/")

    assert answer.headers["Location"].startswith(reverse("two_step_enrol"))
