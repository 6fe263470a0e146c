"""/metrics: who may read it, what it says, and what it costs."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest
import redis
from django.conf import settings as deployment
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from devservers import ports
from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.notifications import SentNotification, Silence
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.runs import queues
from kingsync.watch import catalog
from kingsync.watch.tallies import Tallies
from kingsync.web.watch import metrics_page, rendering, snapshot
from tests import factories, patience, scenario

TOKEN = "a-token-of-32-characters-or-more-0123456789"
Labels = frozenset[tuple[str, str]]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    metrics_page._kept.forget()
    snapshot._ended.forget()
    yield
    metrics_page._kept.forget()


@pytest.fixture
def allowed(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(client: Client) -> dict[tuple[str, Labels], float]:
    """Return the samples of the page by name and labels."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.content.decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def ago(**how_long: float) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(**how_long)


# --- Who may read it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"])
def test_without_the_token_there_is_no_such_page(client: Client, db: None, allowed: None, given: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": given} if given else {})

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer None"])
def test_without_any_configuration_nobody_may_read_it(client: Client, db: None, given: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": given}, REMOTE_ADDR="127.0.0.1")

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("10.1.2.3", {}, 200),
        ("::ffff:10.1.2.3", {}, 200),
        ("11.1.2.3", {}, 404),
        ("", {}, 404),
        ("10.1.2.3", {"X-Forwarded-For": "10.1.2.3"}, 404),
        ("10.1.2.3", {"X-Forwarded-Proto": "https"}, 404),
        ("10.1.2.3", {"Forwarded": "for=10.1.2.3"}, 404),
        ("11.1.2.3", {"X-Forwarded-For": "10.1.2.3"}, 404),
    ],
)
def test_an_allowed_network_counts_for_direct_callers_only(
    client: Client, db: None, settings: Settings, address: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]

    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)

    assert answer.status_code == status


def test_in_production_it_answers_plain_http_from_inside(client: Client, db: None, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]

    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200


# --- What it says -----------------------------------------------------------------------------------------------------


def test_every_metric_of_the_catalog_is_shown_and_no_other(
    client: Client, tenant: Tenant, allowed: None, settings: Settings
) -> None:
    settings.METRICS_COMPANIES = True
    factories.run(tenant, finished_at=ago(hours=2))
    Heartbeat.objects.create(part="clock", at=ago(seconds=5))
    with tenants.scope(tenant):
        Silence.objects.create(kind=Silence.Kind.NO_EXPORT, since=ago(hours=9), noticed_at=ago(hours=3))

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()

    shown = {line.split()[2]: line.split()[3] for line in answer.splitlines() if line.startswith("# TYPE")}
    assert shown == {metric.name: metric.kind for metric in catalog.ALL}
    told = {line.split(maxsplit=3)[2]: line.split(maxsplit=3)[3] for line in answer.splitlines() if "# HELP" in line}
    assert told == {metric.name: metric.meaning for metric in catalog.ALL}
    for family in text_string_to_metric_families(answer):
        [metric] = [each for each in catalog.ALL if each.name in (family.name, f"{family.name}_total")]
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels), sample


def test_work_orders_are_counted_by_state_over_all_companies(client: Client, tenant: Tenant, allowed: None) -> None:
    other = factories.tenant()
    for of, state in ((tenant, LedgerState.WAITING), (other, LedgerState.WAITING), (tenant, LedgerState.DONE)):
        factories.work_order(of, state=state, changed_at=ago(hours=1))
    factories.work_order(other, state=LedgerState.WAITING, changed_at=ago(hours=50))

    found = ask(client)

    assert value(found, "kingsync_work_orders", state="waiting") == 3
    assert value(found, "kingsync_work_orders", state="done") == 1
    assert value(found, "kingsync_work_orders", state="held") == 0
    assert value(found, "kingsync_oldest_work_order_seconds", state="waiting") == pytest.approx(50 * 3600, abs=600)
    assert value(found, "kingsync_oldest_work_order_seconds", state="held") == 0


def test_open_runs_have_their_age(client: Client, tenant: Tenant, allowed: None) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.QUEUED)
    SyncRun.across_tenants.filter(pk=run.pk).update(queued_at=ago(minutes=10))

    found = ask(client)

    assert value(found, "kingsync_open_runs", kind="export", state="queued") == 1
    assert value(found, "kingsync_open_runs", kind="import", state="running") == 0
    assert value(found, "kingsync_oldest_open_run_seconds", kind="export", state="queued") == pytest.approx(
        600, abs=300
    )


def test_companies_stand_in_the_class_and_age_of_their_last_good_run(
    client: Client, tenant: Tenant, allowed: None
) -> None:
    with tenants.scope(tenant):
        scenario.choose(schedule_enabled=True)
    factories.run(tenant, RunKind.EXPORT, RunStatus.PARTLY, finished_at=ago(hours=3))
    factories.run(tenant, RunKind.EXPORT, RunStatus.FAILED, finished_at=ago(hours=1))
    factories.run(tenant, RunKind.EXPORT, RunStatus.SUCCEEDED, finished_at=ago(minutes=1), options={"dry_run": True})
    off = factories.tenant()
    factories.settings(off, schedule_enabled=False)
    factories.run(off, RunKind.EXPORT, RunStatus.SUCCEEDED, finished_at=ago(days=30))
    expired = factories.tenant(licensed_until=ago(days=2).date())
    factories.settings(expired, schedule_enabled=True)

    found = ask(client)

    def companies(of_class: str, age: str) -> float | None:
        return value(found, "kingsync_companies", **{"kind": "export", "class": of_class, "last_good_run": age})

    assert companies("scheduled", "6h") == 1
    assert companies("other", "older") == 1
    assert companies("other", "never") == 2  # the other one is where the stranger works
    oldest = value(found, "kingsync_oldest_good_run_seconds", **{"kind": "export", "class": "scheduled"})
    assert oldest == pytest.approx(3 * 3600, abs=600)
    assert not any(name == "kingsync_company_last_good_run_seconds" for name, _labels in found)


def test_a_series_for_each_company_is_the_operators_choice(
    client: Client, tenant: Tenant, allowed: None, settings: Settings
) -> None:
    settings.METRICS_COMPANIES = True
    factories.run(tenant, RunKind.EXPORT, finished_at=ago(hours=3))

    age = value(ask(client), "kingsync_company_last_good_run_seconds", company="jansen", kind="export")

    assert age == pytest.approx(3 * 3600, abs=600)


def test_connections_silences_mails_and_approvals(client: Client, tenant: Tenant, allowed: None) -> None:
    with tenants.scope(tenant):
        king, outsmart = Connection.objects.order_by("system")
        king.failed({"code": "x", "params": {}})
        outsmart.pause({"code": "x", "params": {}})
        Silence.objects.create(kind=Silence.Kind.NOTHING_RAN, since=ago(hours=9), noticed_at=ago(hours=3))
        for problem in ("", "refused"):
            SentNotification.objects.create(mode="each", covered_until=timezone.now(), problem=problem)
    factories.trip(tenant)

    found = ask(client)

    assert value(found, "kingsync_connections", system="king", state="failing") == 1
    assert value(found, "kingsync_connections", system="outsmart", state="paused") == 1
    assert value(found, "kingsync_silences", kind="nothing_ran") == 1
    assert value(found, "kingsync_companies_with_unsent_mail") == 1
    assert value(found, "kingsync_approvals_waiting") == 1


def test_queues_tell_their_length_and_the_age_of_the_oldest_message(
    client: Client, tenant: Tenant, allowed: None
) -> None:
    broker = redis.Redis.from_url(deployment.REDIS_URL)
    first, usual = queues.lists("exports")
    broker.delete(first, usual)
    try:
        for _each in range(2):
            assert tasks._publish([factories.run(tenant, RunKind.EXPORT, RunStatus.FAILED)])
        [key] = [each for each in (first, usual) if broker.llen(each)]
        oldest = json.loads(broker.lindex(key, -1))  # type: ignore[arg-type]
        oldest["headers"][tasks.SENT_AT] = ago(minutes=5).isoformat()
        broker.lset(key, -1, json.dumps(oldest))

        found = ask(client)
    finally:
        broker.delete(first, usual)

    assert value(found, "kingsync_queue_messages", queue="exports") == 2
    assert value(found, "kingsync_queue_oldest_seconds", queue="exports") == pytest.approx(300, abs=200)
    assert value(found, "kingsync_queue_messages", queue="imports") == 0
    assert value(found, "kingsync_up", part="broker") == 1


@pytest.mark.parametrize("message", [b"", b"no json", b"{}", b'{"headers": {"kingsync_sent_at": "yesterday"}}', b"[1]"])
def test_a_message_of_anyone_else_has_no_age(client: Client, db: None, allowed: None, message: bytes) -> None:
    broker = redis.Redis.from_url(deployment.REDIS_URL)
    broker.delete("exports")
    broker.lpush("exports", message)
    try:
        found = ask(client)
    finally:
        broker.delete("exports")

    assert value(found, "kingsync_queue_messages", queue="exports") == 1
    assert value(found, "kingsync_queue_oldest_seconds", queue="exports") == 0


@pytest.mark.django_db(transaction=True)
def test_what_processes_counted_is_shown_as_counters_and_cumulative_histograms(client: Client, allowed: None) -> None:
    own = Tallies()
    own.count(catalog.CALLS, 7, system="king", operation="Order_Toevoegen", outcome="ok")
    for seconds in (0.07, 0.3, 0.3, 1000):
        own.observe(catalog.CALL_SECONDS, seconds, system="king", operation="Order_Toevoegen")
    own.write()

    found = ask(client)

    call = {"system": "king", "operation": "Order_Toevoegen"}
    assert value(found, "kingsync_calls_total", **call, outcome="ok") == 7
    buckets = [value(found, "kingsync_call_seconds_bucket", **call, le=le) for le in ("0.05", "0.1", "0.5", "120.0")]
    if buckets[-1] is None:
        buckets[-1] = value(found, "kingsync_call_seconds_bucket", **call, le="120")
    assert buckets == [0, 1, 3, 3]
    assert value(found, "kingsync_call_seconds_bucket", **call, le="+Inf") == 4
    assert value(found, "kingsync_call_seconds_count", **call) == 4
    assert value(found, "kingsync_call_seconds_sum", **call) == pytest.approx(1000.67)
    # Shown before anything happened, so that the first failure is a rise.
    assert value(found, "kingsync_runs_total", kind="export", outcome="failed", mode="write") == 0


@pytest.mark.django_db
def test_bounds_of_an_older_version_count_from_the_next_one_on() -> None:
    counted: snapshot.Counted = {
        "kingsync_page_seconds_bucket": {(("le", "0.07"), ("view", "home")): 2.0, (("le", "99"), ("view", "home")): 1.0}
    }

    family = rendering._histogram(catalog.PAGE_SECONDS, counted)

    buckets = {each.labels["le"]: each.value for each in family.samples if each.name.endswith("_bucket")}
    assert [buckets[le] for le in ("0.05", "0.1", "10", "+Inf")] == [0, 2, 2, 3]


# --- When something is down -------------------------------------------------------------------------------------------


def test_a_broker_that_is_away_is_told_and_the_rest_is_shown(
    client: Client, db: None, allowed: None, settings: Settings
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{ports.free_port()}/0"

    found = ask(client)

    assert value(found, "kingsync_up", part="broker") == 0
    assert value(found, "kingsync_up", part="database") == 1
    assert value(found, "kingsync_work_orders", state="waiting") == 0
    assert value(found, "kingsync_queue_messages", queue="exports") is None


def test_a_database_that_does_not_answer_is_told(
    client: Client, db: None, allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_OPEN_RUNS", "SELECT pg_sleep(60)")
    monkeypatch.setattr(snapshot, "STATEMENT_SECONDS", "0.01")

    found = ask(client)

    assert value(found, "kingsync_up", part="database") == 0
    assert value(found, "kingsync_up", part="broker") == 1
    assert value(found, "kingsync_work_orders", state="waiting") is None


# --- What it costs ----------------------------------------------------------------------------------------------------


def test_an_answer_takes_the_same_few_statements_whatever_the_number_of_companies(
    client: Client, tenant: Tenant, allowed: None
) -> None:
    ask(client)
    counts = []
    for _each in range(2):
        metrics_page._kept.forget()
        with CaptureQueriesContext(connection) as queries:
            ask(client)
        counts.append(len(queries))
        for _more in range(5):
            factories.run(factories.tenant(), finished_at=timezone.now())

    assert counts[0] == counts[1] <= 15


def test_whoever_asks_again_at_once_costs_no_statement(client: Client, db: None, allowed: None) -> None:
    first = ask(client)
    with CaptureQueriesContext(connection) as queries:
        again = ask(client)

    assert len(queries) == 0
    assert first == again


def test_one_thread_finds_an_answer_and_no_other_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "WAIT_SECONDS", 0.01)
    kept, is_asking, may_end = metrics_page.Kept(), threading.Event(), threading.Event()
    kept._content = b"old"

    def slow() -> bytes:
        is_asking.set()
        assert may_end.wait(patience.SECONDS)
        return b"new"

    monkeypatch.setattr(rendering, "text", slow)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(kept.content)
        assert is_asking.wait(patience.SECONDS)
        # Not the old one: its counters may be lower than those of another process a moment ago.
        with pytest.raises(metrics_page.BusyError):
            kept.content()
        may_end.set()
        assert asking.result(patience.SECONDS) == b"new"
    assert kept.content() == b"new"


def test_a_second_asker_of_a_slow_answer_is_refused(
    client: Client, db: None, allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_page, "WAIT_SECONDS", 0.01)
    with metrics_page._kept._lock:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert (answer.status_code, answer.content) == (503, b"")
