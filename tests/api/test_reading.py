"""What can be read: the same as the commands and pages say."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Administration, Role, Tenant
from kingsync.models.work_orders import LedgerState, OrderLine
from kingsync.runs import run_answers
from tests import factories
from tests.api.conftest import Caller
from tests.statements import months

REASON = {"code": "unknown_article", "params": {"article": "WEG", "line": "WEG"}}


def command(*arguments: str) -> Any:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def ledger(tenant: Tenant) -> list[str]:
    """Give the tenant 7 work orders, of which 3 need attention; return their numbers in order."""
    tenant.language = "en"
    tenant.save()
    for number in range(7):
        state = LedgerState.REJECTED if number % 3 == 0 else LedgerState.DONE
        row = factories.work_order(
            tenant,
            outsmart_id=f"70{number}",
            state=state,
            reasons=[REASON] if state == LedgerState.REJECTED else [],
            changed_at=timezone.now() - datetime.timedelta(days=number),
            king_order_number=f"50{number}",
        )
        factories.order_line(row, state=OrderLine.State.SENT)
    return [f"70{number}" for number in range(7)]


def ids(answer: Any) -> list[str]:
    return [each["outsmart_id"] for each in answer.json()["items"]]


def test_work_orders_are_those_of_the_command(tenant: Tenant, caller: Caller, ledger: list[str]) -> None:
    listed = command("ledger", "jansen")

    assert ids(caller.get("work-orders")) == ledger
    assert caller.get("work-orders").json() == {"items": listed, "next": None}
    assert [caller.get(f"work-orders/{each['outsmart_id']}").json() for each in listed] == listed


def test_pages_follow_each_other_without_gap_or_repetition(caller: Caller, ledger: list[str]) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = caller.get(f"work-orders?limit=3{f'&cursor={cursor}' if cursor else ''}")
        found += ids(page)
        assert len(ids(page)) <= 3
        cursor = page.json()["next"]

    assert found == ledger


def test_the_last_full_page_names_no_other(caller: Caller, ledger: list[str]) -> None:
    assert caller.get("work-orders?limit=7").json()["next"] is None
    assert caller.get("work-orders?limit=6").json()["next"] is not None


def test_work_orders_are_filtered_by_state_and_change(caller: Caller, ledger: list[str]) -> None:
    since = (timezone.now() - datetime.timedelta(days=3, hours=12)).isoformat().replace("+", "%2B")

    assert ids(caller.get("work-orders?state=rejected")) == ["700", "703", "706"]
    for name in ("state_changed_since", "changed_since"):
        assert ids(caller.get(f"work-orders?{name}={since}")) == ["700", "701", "702", "703"]
        assert ids(caller.get(f"work-orders?{name}={since}&state=rejected&limit=1")) == ["700"]


def test_work_orders_of_a_former_administration_are_asked_for_by_name(tenant: Tenant, caller: Caller) -> None:
    former = Administration.objects.create(tenant=tenant, name="OUD", key="oud")
    factories.work_order(tenant, outsmart_id="1", administration=former)
    factories.work_order(tenant, outsmart_id="2")

    assert ids(caller.get("work-orders")) == ["2"]
    assert ids(caller.get("work-orders?administration=oud")) == ["1"]
    assert caller.get("work-orders/1?administration=OUD").json()["administration"] == "OUD"
    assert caller.get("work-orders/1").status_code == 404
    assert caller.get("work-orders?administration=NIET").json()["error"]["code"] == "unknown_administration"


def test_causes_are_those_of_the_command(caller: Caller, ledger: list[str]) -> None:
    listed = command("ledger", "jansen", "--causes")

    assert listed[0]["count"] == 3
    assert caller.get("causes").json() == {"items": listed}


def test_runs_have_the_shape_of_the_command(tenant: Tenant, caller: Caller) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.PARTLY, read_count=3, rejected_count=1, new_problems_count=1)

    found = caller.get(f"runs/{run.pk}").json()

    assert run_answers.of_ended(run, None).items() <= found.items()
    assert found["state"] == "partly"
    assert found["counts"]["read"] == 3


def test_runs_are_listed_newest_first_by_page_and_filter(tenant: Tenant, caller: Caller) -> None:
    runs = [
        factories.run(tenant, kind, status).pk for kind in RunKind for status in (RunStatus.FAILED, RunStatus.SUCCEEDED)
    ]

    def found(query: str) -> list[int]:
        return [each["run"] for each in caller.get(f"runs{query}").json()["items"]]

    first = caller.get("runs?limit=3").json()
    assert found("") == runs[::-1]
    assert [each["run"] for each in first["items"]] + found(f"?cursor={first['next']}") == runs[::-1]
    assert found("?kind=import") == runs[:2][::-1]
    assert found("?state=failed") == [runs[2], runs[0]]
    assert found(f"?since={(timezone.now() + datetime.timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}") == []


def test_figures_count_as_the_page_does(tenant: Tenant, caller: Caller) -> None:
    today = timezone.localdate()
    factories.work_order(tenant, state=LedgerState.DONE, work_date=today, amount="12.50")
    factories.work_order(tenant, state=LedgerState.HELD, work_date=today)
    factories.work_order(tenant, state=LedgerState.DONE, work_date=None)

    found = caller.get("figures").json()

    assert found["undated"] == 1
    assert len(found["months"]) == 13
    month = {"month": f"{today:%Y-%m}", "total": 2, "in_king": 1, "open": 1, "excluded": 0}
    assert found["months"][-1] == month | {"amount": "12.50", "amount_is_least": False}


def test_a_statement_says_who_signed_and_what_changed_since(tenant: Tenant, caller: Caller) -> None:
    months.every_state(tenant)
    signed = months.signed(tenant, factories.member(tenant, Role.OWNER, name="alice"))
    months.worked(tenant, state=LedgerState.HELD)

    found = caller.get("statements/2025-10").json()

    assert (found["month"], found["total"], found["changed"]) == ("2025-10", len(LedgerState) + 1, 1)
    assert {each["state"]: each["count"] for each in found["states"]}["held"] == 2
    [version] = found["versions"]
    assert (version["version"], version["work_orders"], version["digest"]) == (1, len(LedgerState), signed.digest)
    assert caller.get("statements/2025-11").json()["versions"] == []


@pytest.mark.parametrize("month", ["2025-13", "2025-10-07", "october"])
def test_a_month_that_is_none_is_not_found(caller: Caller, month: str) -> None:
    assert caller.get(f"statements/{month}").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "cursor=x", "cursor=-1", "cursor=9999999999999999999", "state=no", "state="],
)
@pytest.mark.parametrize("path", ["runs", "work-orders"])
def test_a_wrong_filter_is_named(caller: Caller, path: str, query: str) -> None:
    answer = caller.get(f"{path}?{query}")

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"
    assert query.partition("=")[0] in answer.json()["error"]["message"]


@pytest.mark.parametrize("moment", ["gisteren", "2026-11-22", "2026-11-22T10:00:00"])
def test_a_moment_needs_its_offset(caller: Caller, moment: str) -> None:
    assert caller.get(f"work-orders?changed_since={moment}").status_code == 422


def test_an_unchanged_answer_is_not_sent_again(tenant: Tenant, caller: Caller, ledger: list[str]) -> None:
    tag = caller.get("work-orders")["ETag"]

    same = caller.get("work-orders", **{"If-None-Match": tag})
    factories.work_order(tenant)
    other = caller.get("work-orders", **{"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200
    assert other["ETag"] != tag


def test_a_page_of_work_orders_takes_few_statements(
    tenant: Tenant, caller: Caller, ledger: list[str], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        caller.get("work-orders")
    with tenants.scope(tenant):
        assert OrderLine.objects.count() == 7
