"""Starting runs: once for each key, refused as the buttons are, and asking first."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.api.tokens import ApiStart
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from tests import factories
from tests.api.conftest import Caller

DAY = datetime.timedelta(days=1)


def start(caller: Caller, body: object = None, *, key: str = "one", kind: str = "export") -> Any:
    return caller.post(f"runs/{kind}", body, **{"Idempotency-Key": key})


def only_run(tenant: Tenant) -> SyncRun:
    with tenants.scope(tenant):
        return SyncRun.objects.get()


def end_all(tenant: Tenant) -> None:
    with tenants.scope(tenant):
        SyncRun.objects.update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())


def test_an_export_is_started(
    tenant: Tenant, caller: Caller, messages: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = start(caller)

    run = only_run(tenant)
    assert answer.status_code == 202
    assert answer.json()["joined"] is False
    assert answer.json()["run"]["run"] == run.pk
    assert answer.json()["run"]["state"] == "queued"
    assert (run.kind, run.trigger, run.options) == (RunKind.EXPORT, SyncRun.Trigger.API, {})
    assert [message["kwargs"]["run_id"] for message in messages] == [run.pk]


def test_options_reach_the_run(tenant: Tenant, caller: Caller) -> None:
    start(caller, {"work_orders": ["7001"], "dry_run": True, "confirmed": False})
    start(caller, {"kinds": ["products"], "full": True}, key="two", kind="import")

    with tenants.scope(tenant):
        options = dict(SyncRun.objects.values_list("kind", "options"))
    assert options == {
        "export": {"work_orders": ["7001"], "dry_run": True},
        "import": {"kinds": ["products"], "full": True},
    }


def test_the_same_key_gives_the_same_run(tenant: Tenant, caller: Caller) -> None:
    first = start(caller)
    end_all(tenant)

    again = start(caller)

    assert again.status_code == 200
    assert again.json()["run"]["run"] == first.json()["run"]["run"]
    assert again.json()["run"]["state"] == "succeeded"


def test_a_key_counts_for_a_day_and_for_its_token(tenant: Tenant, caller: Caller) -> None:
    with time_machine.travel(timezone.now() - DAY - datetime.timedelta(minutes=1), tick=False):
        first = start(caller).json()["run"]["run"]
    end_all(tenant)

    later = start(caller).json()["run"]["run"]
    end_all(tenant)
    other = start(Caller(factories.api_token(tenant))).json()["run"]["run"]

    assert len({first, later, other}) == 3


def test_a_key_of_another_request_is_refused(tenant: Tenant, caller: Caller) -> None:
    start(caller)

    other = start(caller, {"dry_run": True})
    of_import = start(caller, kind="import")

    assert {other.status_code, of_import.status_code} == {422}
    assert other.json()["error"]["code"] == of_import.json()["error"]["code"] == "key_reused"


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_is_required(tenant: Tenant, caller: Caller, key: str) -> None:
    headers = {"Idempotency-Key": key} if key else {}

    answer = caller.post("runs/export", **headers)

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["error"]["message"]


def test_a_run_that_does_the_same_is_joined(tenant: Tenant, caller: Caller) -> None:
    going_on = factories.run(tenant, RunKind.EXPORT, RunStatus.RUNNING).pk

    answer = start(caller)

    assert (answer.status_code, answer.json()["joined"]) == (200, True)
    assert answer.json()["run"]["run"] == going_on


def test_a_run_that_does_something_else_is_named_and_the_key_stays_free(tenant: Tenant, caller: Caller) -> None:
    going_on = factories.run(tenant, RunKind.EXPORT, RunStatus.RUNNING, options={"dry_run": True}).pk

    refused = start(caller)
    end_all(tenant)
    started = start(caller)

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "other_run_in_progress"
    assert refused.json()["error"]["run"] == going_on
    assert started.status_code == 202


def test_what_is_switched_off_is_refused_and_the_key_stays_free(tenant: Tenant, caller: Caller) -> None:
    with tenants.scope(tenant):
        SyncSettings.objects.update(export_orders=False)
    refused = start(caller)
    with tenants.scope(tenant):
        SyncSettings.objects.update(export_orders=True)

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "exports_off"
    assert start(caller).status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"work_order": ["1"]}, "work_order"),
        ({"work_orders": "1"}, "work_orders"),
        ({"work_orders": [1]}, "work_orders"),
        ({"work_orders": [""]}, "work_orders"),
        ({"work_orders": ["\0"]}, "work_orders"),
        ({"work_orders": ["1"] * 101}, "work_orders"),
        ({"dry_run": "misschien"}, "dry_run"),
        ([], "body"),
        ("export", "body"),
        (7, "body"),
    ],
)
def test_a_wrong_body_is_named(tenant: Tenant, caller: Caller, body: object, field: str) -> None:
    answer = caller.post("runs/export", body if isinstance(body, dict | list) else f"{body!r}".replace("'", '"'))

    assert answer.status_code == 422
    assert SyncRun.across_tenants.count() == 0


@pytest.mark.parametrize("body", ["{", "\x00", "{'a': 1}", "[" * 20_000])
def test_a_body_that_is_not_json_is_refused(tenant: Tenant, caller: Caller, body: str) -> None:
    answer = start(caller, body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unreadable")


def test_an_unknown_kind_of_import_is_named(tenant: Tenant, caller: Caller) -> None:
    answer = start(caller, {"kinds": ["bikes"]}, kind="import")

    assert answer.status_code == 422
    assert "kinds" in answer.json()["error"]["message"]


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_the_same_moment_one_starts_the_run(tenant: Tenant, caller: Caller) -> None:
    together, answers = threading.Barrier(4), []

    def request() -> None:
        together.wait()
        answers.append(start(caller))
        connections.close_all()

    threads = [threading.Thread(target=request) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(each.status_code for each in answers) == [200, 200, 200, 202]
    assert {each.json()["run"]["run"] for each in answers} == {only_run(tenant).pk}
    with tenants.scope(tenant):
        assert ApiStart.objects.count() == 1
