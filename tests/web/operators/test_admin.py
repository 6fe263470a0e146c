"""The admin: the operator sees everything, a tenant's staff its own rows, and no one a secret."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker

from kingsync.models.connections import Connection
from kingsync.models.links import KingRecord, RecordLink
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules.licence import Licence
from tests import factories, standing
from tests.standing import Standing
from tests.web.conftest import Company, People

OURS: list[type[models.Model]] = [
    Tenant, Connection, SettingsVersion, SyncRun, LogEntry, WorkOrder, OrderLine, RecordLink, KingRecord,
]  # fmt: skip
FILLED: list[type[models.Model]] = [Tenant, Connection, SettingsVersion, SyncRun, LogEntry, WorkOrder, OrderLine]


@pytest.fixture
def staff(english: Client, people: People) -> Client:
    """Log in a browser of a member of tenant Jansen with admin access."""
    people.owner.is_staff = True
    people.owner.save()
    english.force_login(people.owner)
    return english


@pytest.fixture
def operator(english: Client, people: People) -> Client:
    english.force_login(people.operator)
    return english


@pytest.fixture(scope="module", autouse=True)
def _rows(_standing_company: Standing[Company], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let one row of everything stand for Jansen, and for the other tenant."""
    with django_db_blocker.unblock(), standing.standing(lambda: make_rows(_standing_company.rows().tenant)):
        yield


def make_rows(tenant: Tenant) -> None:
    elsewhere = Tenant.objects.get(slug="elsewhere")
    factories.settings(elsewhere)
    factories.connection(elsewhere, base_url="https://elsewhere.example")
    for each in (tenant, elsewhere):
        run = factories.run(each, error={"code": "cancelled", "params": {}})
        factories.log_entry(run, code="internal")
        factories.order_line(factories.work_order(each, last_run=run))


def address(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def row_of(model: type[models.Model], slug: str) -> int:
    if model is Tenant:
        return Tenant.objects.get(slug=slug).pk
    found = model.across_tenants.filter(tenant__slug=slug).first()  # type: ignore[attr-defined]
    return int(found.pk)


def test_every_model_of_ours_that_people_ask_for_is_there() -> None:
    missing = [model.__name__ for model in OURS if not admin.site.is_registered(model)]

    assert missing == []


@pytest.mark.parametrize("model", [*OURS, User, Group])
def test_operator_opens_every_list(operator: Client, model: type[models.Model]) -> None:
    assert operator.get(address(model, "changelist")).status_code == 200


def test_operator_opens_the_pages_of_an_account(operator: Client, people: People) -> None:
    pages = [
        operator.get(address(User, "add")),
        operator.get(address(User, "change", people.viewer.pk)),
        operator.get(reverse("admin:auth_user_password_change", args=[people.viewer.pk])),
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]


@pytest.mark.parametrize("model", FILLED)
@pytest.mark.parametrize("slug", ["jansen", "elsewhere"])
def test_operator_opens_every_row(operator: Client, model: type[models.Model], slug: str) -> None:
    assert operator.get(address(model, "change", row_of(model, slug))).status_code == 200


@pytest.mark.parametrize("model", FILLED)
def test_staff_see_the_rows_of_their_own_tenant_only(staff: Client, model: type[models.Model]) -> None:
    answer = staff.get(address(model, "changelist"))

    seen = {getattr(row, "tenant", row).slug for row in answer.context["cl"].result_list}
    assert seen == {"jansen"}
    assert "elsewhere" not in answer.content.decode()


@pytest.mark.parametrize("model", FILLED)
def test_staff_do_not_reach_other_tenants_rows_by_address(staff: Client, model: type[models.Model]) -> None:
    own = staff.get(address(model, "change", row_of(model, "jansen"))).status_code
    foreign = [
        staff.get(address(model, page, row_of(model, "elsewhere"))).status_code for page in ("change", "history")
    ]

    assert own == 200
    assert set(foreign) <= {302, 404}  # the admin redirects to its index when it finds nothing


@pytest.mark.parametrize("model", [User, Group])
def test_staff_do_not_see_accounts(staff: Client, model: type[models.Model]) -> None:
    assert staff.get(address(model, "changelist")).status_code == 403


def test_staff_change_nothing(staff: Client, tenant: Tenant) -> None:
    answer = staff.post(address(Tenant, "change", tenant.pk), {"name": "Mine"})

    assert answer.status_code == 403
    assert staff.get(address(Tenant, "add")).status_code == 403


@pytest.mark.parametrize("model", [model for model in OURS if model is not Tenant])
def test_not_even_the_operator_edits_what_runs_wrote(operator: Client, model: type[models.Model]) -> None:
    assert operator.get(address(model, "add")).status_code == 403


@pytest.mark.parametrize("person", ["owner", "stranger"])
def test_members_without_the_staff_flag_stay_outside(client: Client, people: People, person: str) -> None:
    client.force_login(getattr(people, person))

    assert client.get(address(SyncRun, "changelist")).status_code == 302


def test_credentials_stand_on_no_page_of_the_admin(operator: Client) -> None:
    pages = [
        operator.get(address(Connection, "changelist")),
        operator.get(address(Connection, "change", row_of(Connection, "jansen"))),
        operator.get(address(SettingsVersion, "change", row_of(SettingsVersion, "jansen"))),
    ]

    secrets = "tok-7f3a|soft-91bc|bear-55de|code-2468|code-1357|f1:gAAAA"
    assert [re.findall(secrets, page.content.decode()) for page in pages] == [[], [], []]


@pytest.mark.parametrize(
    "query",
    [
        "tenant=jansen",
        "run__kind__exact=import",
        "run__status__exact=partly",
        "level__exact=error",
        "record_kind__exact=product",
        "at__gte=2026-01-01+00:00:00%2B00:00",
        "q=90001",
    ],
)
def test_log_can_be_filtered(operator: Client, query: str) -> None:
    assert operator.get(f"{address(LogEntry, 'changelist')}?{query}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "tenant=jansen",
        "kind__exact=import",
        "status__exact=partly",
        "trigger__exact=button",
        "queued_at__gte=2026-01-01+00:00:00%2B00:00",
    ],
)
def test_runs_can_be_filtered(operator: Client, query: str) -> None:
    assert operator.get(f"{address(SyncRun, 'changelist')}?{query}").status_code == 200


@pytest.mark.parametrize("number", ["7001", "2025.100", "20001"])
def test_log_of_a_work_order_is_found_by_each_of_its_numbers(operator: Client, tenant: Tenant, number: str) -> None:
    factories.work_order(tenant, outsmart_id="7001", order_number="2025.100", king_order_number="20001")
    entry = factories.log_entry(factories.run(tenant), outsmart_id="7001")

    answer = operator.get(address(LogEntry, "changelist"), {"q": number})

    assert [row.pk for row in answer.context["cl"].result_list] == [entry.pk]


def test_staff_do_not_find_a_strangers_work_order_by_its_number(staff: Client, tenant: Tenant) -> None:
    elsewhere = Tenant.objects.get(slug="elsewhere")
    factories.work_order(elsewhere, outsmart_id="7001", order_number="2025.100")
    factories.log_entry(factories.run(tenant), outsmart_id="7001")

    answer = staff.get(address(LogEntry, "changelist"), {"q": "2025.100"})

    assert list(answer.context["cl"].result_list) == []


@pytest.mark.parametrize("model", [SyncRun, LogEntry])
@pytest.mark.parametrize("query", ["", "?tenant=jansen", "?q=90001"])
def test_long_lists_are_not_counted(
    operator: Client, model: type[models.Model], query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(12) as asked:
        operator.get(address(model, "changelist") + query)

    table = model._meta.db_table
    counted = [each["sql"] for each in asked.captured_queries if "COUNT(" in each["sql"] and table in each["sql"]]
    assert counted == []


def test_the_call_behind_an_entry_is_shown_as_text(operator: Client, tenant: Tenant) -> None:
    call = {"operation": "Order_Toevoegen", "answer": "<script>alert(1)</script>"}
    entry = factories.log_entry(factories.run(tenant), detail={"call": call})

    page = operator.get(address(LogEntry, "change", entry.pk)).content.decode()

    assert "Order_Toevoegen" in page
    assert "<script>alert(1)" not in page


def test_log_of_one_run_is_a_click_away(operator: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, RunKind.IMPORT)
    entry = factories.log_entry(run)

    answer = operator.get(f"{address(LogEntry, 'changelist')}?run={run.pk}")

    assert [row.pk for row in answer.context["cl"].result_list] == [entry.pk]


def test_operator_makes_a_tenant_with_its_first_member(operator: Client, people: People) -> None:
    members = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(people.stranger.pk),
        "memberships-0-role": "owner",
    }

    operator.post(
        address(Tenant, "add"),
        {
            "name": "New",
            "slug": "new",
            "language": "nl",
            "log_days": "90",
            "verification_calls": "2000",
            "silence_hours": "6",
            "payload_days": "30",
        }
        | members,
    )

    membership = Tenant.objects.get(slug="new").memberships.get()
    assert (membership.user, membership.role) == (people.stranger, Role.OWNER)


def test_operator_deletes_a_user_who_started_runs_of_two_tenants(operator: Client, people: People) -> None:
    runs = [factories.run(each, requested_by=people.viewer) for each in Tenant.objects.all()]

    operator.post(address(User, "delete", people.viewer.pk), {"post": "yes"})

    assert not User.objects.filter(pk=people.viewer.pk).exists()
    kept = SyncRun.across_tenants.filter(pk__in=[run.pk for run in runs])
    assert [run.requested_by_id for run in kept] == [None, None]


def test_admin_loads_nothing_from_other_hosts(operator: Client) -> None:
    answer = operator.get("/admin/")

    policy = [each.strip() for each in answer["Content-Security-Policy"].split(";")]
    assert "script-src 'self' 'unsafe-eval'" in policy  # no inline script, no handler in a tag
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "default-src 'self'" in policy
    assert re.findall(r'<(?:script|link)[^>]*(?:src|href)="https?://[^"]*"', answer.content.decode()) == []


# --- The licence ------------------------------------------------------------------------------------------------------


def test_operator_ends_a_licence_and_the_moment_is_kept(operator: Client, tenant: Tenant) -> None:
    long_ago = timezone.now() - datetime.timedelta(days=100)
    Tenant.objects.filter(pk=tenant.pk).update(licence_changed_at=long_ago)
    sent = {
        "name": tenant.name,
        "language": "nl",
        "log_days": "90",
        "verification_calls": "2000",
        "silence_hours": "6",
        "payload_days": "30",
        "licensed_until": "2026-01-31",
    }
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    operator.post(address(Tenant, "change", tenant.pk), sent | members)

    tenant.refresh_from_db()
    assert (tenant.is_licensed, str(tenant.licensed_until)) == (False, "2026-01-31")
    assert tenant.licence_changed_at > long_ago


def test_tenant_does_not_change_its_own_licence(english: Client, people: People, tenant: Tenant) -> None:
    tenant.take_licence(Licence(active=False))
    tenant.save()
    english.force_login(people.owner)
    licence = {"is_licensed": "on", "licensed_until": "2030-12-31"}

    english.post(
        "/t/jansen/people/organisation/",
        {"log_days": "30", "payload_days": "30", "verification_calls": "2000", "silence_hours": "6"} | licence,
    )
    english.post("/t/jansen/settings/", {"company-name": "Mine", "company-language": "nl"} | licence)

    tenant.refresh_from_db()
    assert (tenant.log_days, tenant.licence) == (30, Licence(active=False))


# --- From the admin to a tenant's own pages ---------------------------------------------------------------------------


def test_page_of_a_tenant_leads_to_its_own_pages(operator: Client, tenant: Tenant) -> None:
    run = SyncRun.across_tenants.get(tenant=tenant)

    page = operator.get(address(Tenant, "change", tenant.pk)).content.decode()

    for path in ("", "settings/", "work-orders/", "runs/", "log/", "people/", f"runs/{run.pk}/"):
        assert f'href="/t/jansen/{path}"' in page
    for kind in RunKind:
        assert f'action="/t/jansen/start/{kind.value}/"' in page
    assert address(SettingsVersion, "change", row_of(SettingsVersion, "jansen")) in page


def test_page_of_a_tenant_shows_nothing_of_another(operator: Client, tenant: Tenant) -> None:
    foreign = SyncRun.across_tenants.get(tenant__slug="elsewhere")

    page = operator.get(address(Tenant, "change", tenant.pk)).content.decode()

    assert f"/runs/{foreign.pk}/" not in page
    assert "/t/elsewhere/" not in page


def test_staff_who_only_look_get_no_buttons(english: Client, people: People, tenant: Tenant) -> None:
    people.viewer.is_staff = True
    people.viewer.save()
    english.force_login(people.viewer)

    page = english.get(address(Tenant, "change", tenant.pk)).content.decode()

    assert 'href="/t/jansen/settings/"' in page
    assert "/t/jansen/start/" not in page


NEW = {
    "name": "New",
    "slug": "new",
    "language": "nl",
    "log_days": "90",
    "verification_calls": "2000",
    "silence_hours": "6",
    "payload_days": "30",
    "is_licensed": "on",
}
NOBODY = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


def test_new_tenant_leads_on_to_the_invitation_of_its_first_owner(operator: Client) -> None:
    added = operator.post(address(Tenant, "add"), NEW | NOBODY)
    form = operator.get(added["Location"].partition("#")[0])

    assert added["Location"] == "/t/new/people/?role=owner#head-invite"
    assert "Now invite the first owner." in form.content.decode()
    assert form.context["invite_form"]["role"].value() == "owner"


def test_operator_who_goes_on_editing_a_new_tenant_stays_in_the_admin(operator: Client) -> None:
    added = operator.post(address(Tenant, "add"), NEW | NOBODY | {"_continue": "1"})

    assert added["Location"].startswith("/admin/")


@pytest.mark.parametrize("person", ["owner", "editor", "viewer"])
def test_user_who_opens_the_admin_is_taken_to_the_own_pages(english: Client, people: People, person: str) -> None:
    english.force_login(getattr(people, person))

    answer = english.get("/admin/", follow=True)

    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/t/jansen/")


def test_visitor_of_the_admin_logs_in_and_comes_back(english: Client, people: People) -> None:
    door = english.get(address(Tenant, "changelist"), follow=True)
    wanted = door.context["next"]
    sent = {"username": people.operator.email, "password": factories.PASSWORD, "next": wanted}

    answer = english.post("/login/", sent)

    assert answer["Location"] == wanted == address(Tenant, "changelist")


# --- Lists with many companies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["jansen", "JANSEN INST", "sen"])
def test_rows_are_filtered_by_part_of_a_companys_name(operator: Client, asked: str) -> None:
    answer = operator.get(address(SyncRun, "changelist"), {"tenant": asked})

    assert {row.tenant.slug for row in answer.context["cl"].result_list} == {"jansen"}


def test_filter_by_company_keeps_the_other_filters_and_lists_no_company(operator: Client) -> None:
    page = operator.get(address(SyncRun, "changelist"), {"kind__exact": "export"}).content.decode()

    assert '<input type="hidden" name="kind__exact" value="export">' in page
    assert "?tenant=jansen" not in page


def test_staff_find_no_company_of_others_by_the_filter(staff: Client) -> None:
    answer = staff.get(address(SyncRun, "changelist"), {"tenant": "elsewhere"})

    assert list(answer.context["cl"].result_list) == []


@pytest.mark.parametrize(
    ("model", "colour"), [(SyncRun, "green"), (LogEntry, "base"), (Connection, "green"), (OrderLine, "base")]
)
def test_states_are_coloured(operator: Client, model: type[models.Model], colour: str) -> None:
    page = operator.get(address(model, "changelist")).content.decode()

    assert f"bg-{colour}-100" in page


@pytest.mark.parametrize("model", [SyncRun, LogEntry, WorkOrder, OrderLine])
def test_empty_values_are_not_shown_as_braces(operator: Client, model: type[models.Model]) -> None:
    page = operator.get(address(model, "change", row_of(model, "jansen"))).content.decode()

    shown = re.findall(r">\s*(?:\{\}|\[\])\s*<", page)
    assert shown == []
