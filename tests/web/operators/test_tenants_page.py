"""The operators' first page: every company with what is wrong there, worst first."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.notifications import Silence
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.licence import Licence
from kingsync.runs import failures
from kingsync.web.operators import tenant_status
from tests import factories
from tests.plans import rows_read
from tests.web.conftest import People
from tests.web.pages import html, text

HOME = "/operators/"
NOW = timezone.now


@pytest.fixture
def operator(english: Client, people: People) -> Client:
    english.force_login(people.operator)
    return english


def company(slug: str, **fields: Any) -> Tenant:
    return factories.tenant(slug=slug, name=slug.capitalize(), **fields)


def ago(**time: float) -> datetime.datetime:
    return NOW() - datetime.timedelta(**time)


def slugs(client: Client, **asked: Any) -> list[str]:
    return [row.tenant.slug for row in client.get(HOME, asked).context["rows"]]


def row_of(client: Client, slug: str) -> Any:
    return next(row for row in client.get(HOME).context["rows"] if row.tenant.slug == slug)


def failing(of: Tenant, kind: RunKind = RunKind.EXPORT, *, times: int = 2) -> None:
    factories.run(of, kind)
    for _ in range(times):
        factories.run(of, kind, RunStatus.FAILED, error={"code": "cancelled", "params": {}})


@pytest.fixture
def every_trouble(people: People) -> None:
    """Make a company for each kind of trouble; `jansen` and `elsewhere` have not run yet."""
    factories.run(company("well"))
    for number in range(2):
        factories.work_order(company(f"stopped{number}"), state="rejected")
    factories.work_order(Tenant.objects.get(slug="stopped1"), state="held")
    factories.connection(company("paused"), state=Connection.State.PAUSED)
    failing(company("failing"))
    silent = company("silent")
    Silence(tenant=silent, kind=Silence.Kind.NO_EXPORT, since=ago(hours=9), noticed_at=NOW()).save()
    over = company("over")
    over.take_licence(Licence(active=False))
    over.save()
    failing(over)


def test_companies_stand_by_their_trouble_the_worst_first(operator: Client, every_trouble: None) -> None:
    assert slugs(operator) == [
        *("silent", "failing", "paused", "stopped1", "stopped0", "over"),
        *("jansen", "elsewhere", "well"),
    ][:6] + sorted(["jansen", "elsewhere"], key=lambda slug: Tenant.objects.get(slug=slug).name) + ["well"]


@pytest.mark.parametrize(
    ("trouble", "found"),
    [
        ("silent", ["silent"]),
        ("failing", ["failing"]),
        ("paused", ["paused"]),
        ("attention", ["stopped1", "stopped0"]),
        ("licence", ["over"]),
        ("ok", ["well"]),
    ],
)
def test_a_state_narrows_the_list_and_each_has_its_number(
    operator: Client, every_trouble: None, trouble: str, found: list[str]
) -> None:
    answer = operator.get(HOME, {"trouble": trouble})

    assert [row.tenant.slug for row in answer.context["rows"]] == found
    assert dict(answer.context["chips"])[tenant_status.Trouble(trouble)] == len(found)
    assert answer.context["total"] == Tenant.objects.count()


def test_failing_counts_from_the_first_attempt_after_the_last_good_run(operator: Client, tenant: Tenant) -> None:
    factories.run(tenant, finished_at=ago(hours=3))
    first = factories.run(tenant, status=RunStatus.FAILED, error={"code": "cancelled", "params": {}})
    factories.run(tenant, status=RunStatus.FAILED, error={"code": "interrupted", "params": {}})

    row = row_of(operator, "jansen")

    assert row.exports.failing_since == first.queued_at
    assert row.exports.last_good_at < first.queued_at
    assert row.exports.why.startswith("The run was interrupted")
    assert row.imports.failing_since is None


@pytest.mark.parametrize(
    "later",
    [
        {},
        {"status": RunStatus.PARTLY},
    ],
)
def test_company_whose_newest_run_did_not_fail_is_not_failing(
    operator: Client, tenant: Tenant, later: dict[str, Any]
) -> None:
    failing(tenant)
    factories.run(tenant, **later)

    assert row_of(operator, "jansen").exports.failing_since is None


@pytest.mark.parametrize(
    "later",
    [
        {"status": RunStatus.RUNNING},
        {"status": RunStatus.CANCELLED},
        {"options": {"dry_run": True}},
        {"options": {"work_orders": ["1"]}},
    ],
)
def test_an_attempt_under_way_or_a_partial_run_ends_no_failing(
    operator: Client, tenant: Tenant, later: dict[str, Any]
) -> None:
    failing(tenant)
    factories.run(tenant, **later)

    assert row_of(operator, "jansen").exports.failing_since is not None


@pytest.mark.parametrize("seed", range(12))
def test_a_company_reads_of_the_same_failures_as_its_operators(operator: Client, tenant: Tenant, seed: int) -> None:
    """The one table of all companies and the page of one have a statement each."""
    chance = random.Random(seed)
    ended = [RunStatus.SUCCEEDED, RunStatus.PARTLY, RunStatus.FAILED, RunStatus.FAILED, RunStatus.CANCELLED]
    for _ in range(chance.randrange(1, 9)):
        status = chance.choice(ended)
        parts: list[dict[str, Any]] = [{}, {}, {"dry_run": True}, {"work_orders": ["1"]}]
        options = chance.choice(parts) if status != RunStatus.FAILED else {}
        factories.run(tenant, chance.choice([RunKind.EXPORT, RunKind.IMPORT]), status, options=options)

    row = row_of(operator, "jansen")

    with tenants.scope(tenant):
        found = {kind: failures.of(kind) for kind in (RunKind.EXPORT, RunKind.IMPORT)}
    since = {kind: failure.since if failure else None for kind, failure in found.items()}
    assert since == {RunKind.EXPORT: row.exports.failing_since, RunKind.IMPORT: row.imports.failing_since}


def test_numbers_count_the_present_administration_and_lead_to_their_lists(operator: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, state="rejected")
    factories.work_order(tenant, state="changed")
    factories.work_order(tenant, state="waiting")
    factories.work_order(tenant, state="done")
    former = tenant.administrations.create(name="OUD", key="oud")
    WorkOrder.across_tenants.filter(pk=factories.work_order(tenant, state="held").pk).update(administration=former)

    page = html(operator.get(HOME))

    assert '<a href="/t/jansen/work-orders/?state=person">2</a>' in page
    assert '<a href="/t/jansen/work-orders/?state=waiting">1</a>' in page


def test_sparkline_has_a_bar_per_day_and_words(operator: Client, tenant: Tenant) -> None:
    for _ in range(3):
        factories.work_order(tenant, state="done", exported_at=NOW())
    factories.work_order(tenant, state="done", exported_at=ago(days=2))
    factories.work_order(tenant, state="done", exported_at=ago(days=40))

    page = html(operator.get(HOME))

    assert "Work orders into King per day, the last 14 days: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3" in page
    assert page.count("<rect") == 2


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "FAIL"}, ["failing"]),
        ({"q": "%"}, []),
        ({"q": "a_l"}, []),
        ({"sort": "name", "q": "stopped"}, ["stopped0", "stopped1"]),
        ({"sort": "attention", "q": "o"}, ["stopped1", "stopped0", "over"]),
        ({"trouble": "bogus", "sort": "bogus", "page": "x", "q": "silent"}, ["silent"]),
    ],
)
def test_companies_are_searched_and_sorted(
    operator: Client, every_trouble: None, asked: dict[str, str], found: list[str]
) -> None:
    assert slugs(operator, **asked) == found


def test_companies_with_a_cause_are_listed(operator: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, state="rejected", problem_causes=["unknown_article:A1"])
    factories.work_order(company("other"), state="done", problem_causes=["unknown_article:A1"])
    factories.work_order(company("third"), state="rejected", problem_causes=["unknown_debtor:unknown_article"])

    assert slugs(operator, cause="unknown_article") == ["jansen"]


def test_pages_hold_each_company_once(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_status, "PAGE_SIZE", 3)
    for number in range(6):
        company(f"c{number}")

    pages = [operator.get(HOME, {"page": number}) for number in (1, 2, 3, 4)]

    shown = [row.tenant.slug for page in pages for row in page.context["rows"]]
    assert sorted(shown) == sorted(Tenant.objects.values_list("slug", flat=True))
    assert [bool(page.context["next"]) for page in pages] == [True, True, False, False]


@pytest.mark.parametrize("companies", [1, 30])
def test_page_takes_as_many_queries_for_many_companies(
    operator: Client, companies: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(companies):
        failing(company(f"c{number}"), times=1)

    with django_assert_max_num_queries(10):
        page = operator.get(HOME)

    failing_rows = [row for row in page.context["rows"] if row.status.trouble == tenant_status.Trouble.FAILING]
    assert len(failing_rows) == companies


def make_many(run: SyncRun, number: int) -> None:
    """Make so many more runs like this one, and count them: with a few, any index is as good as another."""
    columns = ", ".join(f.column for f in SyncRun._meta.concrete_fields if f.column not in {"id", "number"})
    with tenants.scope(run.tenant), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kingsync_syncrun (number, {columns})"
            f" SELECT number + more, {columns} FROM kingsync_syncrun, generate_series(1, %s) AS more WHERE id = %s",
            [number, run.pk],
        )
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE kingsync_syncrun")


def test_list_reads_hardly_a_run_of_companies_that_do_not_fail(tenant: Tenant) -> None:
    for company in (tenant, *(factories.tenant() for _ in range(9))):
        make_many(factories.run(company), 400)
    wanted = tenant_status.Wanted()

    with tenants.across():
        read = rows_read([tenant_status.statement(wanted)], tenant_status.parameters(wanted))

    assert read < 100


@pytest.mark.parametrize("address", [HOME, f"{HOME}causes/"])
@pytest.mark.parametrize("person", ["owner", "stranger"])
def test_others_do_not_find_the_pages_of_operators(english: Client, people: People, address: str, person: str) -> None:
    user = getattr(people, person)
    user.is_staff = True
    user.save()
    english.force_login(user)

    assert english.get(address).status_code == 404


@pytest.mark.parametrize("address", [HOME, f"{HOME}causes/"])
def test_operator_without_a_second_step_is_led_to_it(operator: Client, settings: Any, address: str) -> None:
    settings.OPERATORS_NEED_SECOND_STEP = True

    assert operator.get(address).headers["Location"].startswith("/account/two-step/")


def test_operator_lands_on_the_list(operator: Client) -> None:
    assert operator.get("/").headers["Location"] == HOME


# --- To a company's own pages and back --------------------------------------------------------------------------------


def test_operator_sees_where_he_is_and_the_way_back(operator: Client, tenant: Tenant) -> None:
    page = html(operator.get("/t/jansen/runs/"))

    assert f"You are visiting {tenant.name} as an operator." in page
    assert f'<a href="{HOME}">All companies</a>' in page
    assert f'<a href="/admin/kingsync/tenant/{tenant.pk}/change/">' in page


def test_members_see_nothing_of_operators(editor: Client, tenant: Tenant) -> None:
    assert "operator" not in text(editor.get("/t/jansen/runs/"))


def test_short_name_opens_the_company_and_other_words_search(operator: Client) -> None:
    assert operator.get(HOME, {"q": "elsewhere", "open": "1"}).headers["Location"] == "/t/elsewhere/"
    assert slugs(operator, q="jans", open="1") == ["jansen"]


# --- By cause ---------------------------------------------------------------------------------------------------------


def test_causes_count_companies_and_work_orders(operator: Client, tenant: Tenant) -> None:
    for article in ("A1", "A2"):
        factories.work_order(tenant, state="rejected", problem_causes=[f"unknown_article:{article}"])
    factories.work_order(company("other"), state="incomplete", problem_causes=["unknown_article:A1"])
    failing(tenant)

    answer = operator.get(f"{HOME}causes/")

    [stopped], [failed] = answer.context["stopped"], answer.context["failing"]
    assert (stopped.code, stopped.work_orders, stopped.companies) == ("unknown_article", 3, 2)
    assert "…" in stopped.sentence
    assert (failed.sentence, failed.companies) == ("Stopped on request.", 1)
    assert f'<a href="{HOME}?cause=unknown_article">2</a>' in html(answer)


def test_without_failures_the_page_says_so(operator: Client) -> None:
    page = text(operator.get(f"{HOME}causes/"))

    assert "The newest run of every company went well." in page
    assert "No work orders need attention." in page
