"""Log lines: text for people or JSON for a collector, each with what is being worked on, and without secrets."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from django import db
from django.conf import settings as deployment
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from kingsync import clock, tasks, worker
from kingsync.exports.assessment import Assessment
from kingsync.exports.verification import runs
from kingsync.log_lines import Console, LineFormatter
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.runs import lifecycle, thread_pool
from kingsync.watch import log_context
from kingsync.web.runs import log_page
from kingsync.web.watch.requests import WatchMiddleware
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, patience, scenario

Lines = list[str]


@pytest.fixture
def as_json() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """Collect all lines of our loggers as JSON."""
    lines: Lines = []
    handler = _Into(lines)
    handler.setFormatter(LineFormatter(as_json=True))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in lines]
    root.removeHandler(handler)


class _Into(logging.Handler):
    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def line(message: str, *values: object, as_json: bool = False, exc_info: bool = False) -> str:
    record = logging.Logger("kingsync.test").makeRecord(
        "kingsync.test", logging.WARNING, "file", 1, message, values, _failure() if exc_info else None
    )
    return LineFormatter(as_json=as_json).format(record)


def _failure() -> tuple[type[BaseException], BaseException, None]:
    return ValueError, ValueError(f"no\nway {deployment.SECRET_KEY}"), None


def test_text_is_for_people_and_ends_with_what_is_being_worked_on() -> None:
    with log_context.bound(run=12, tenant="jansen"):
        text = line("order.created: %s", "7001")

    assert text.partition(" ")[2] == "WARNING kingsync.test order.created: 7001 [run=12 tenant=jansen]"


def test_without_work_a_line_has_no_brackets() -> None:
    assert line("clock.started: this beat").endswith("kingsync.test clock.started: this beat")


def test_json_has_one_object_per_line_with_the_event_by_itself() -> None:
    with log_context.bound(run=12, work_order="7001", user=lambda: None, tenant=""):
        written = line("order.created: %s", 'Ketel "é"\nnog iets', as_json=True)

    assert "\n" not in written
    found = json.loads(written)
    assert found.pop("time")[10] == "T"
    assert found == {
        "level": "WARNING",
        "logger": "kingsync.test",
        "event": "order.created",
        "message": 'order.created: Ketel "é"\nnog iets',
        "run": 12,
        "work_order": "7001",
    }


def test_a_line_of_a_library_has_no_event() -> None:
    assert "event" not in json.loads(line("Not Found: /favicon.ico", as_json=True))


@pytest.mark.parametrize("as_json", [False, True])
def test_secrets_are_masked_in_message_context_and_traceback(settings: Settings, as_json: bool) -> None:
    settings.SECRET_KEY_FALLBACKS = ["a-former-secret-key-that-still-signs"]
    settings.METRICS_TOKEN = 'a-token-with-"quotes"-and-32-characters'
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "https://someone:sesame-open@collector.example"
    with log_context.bound(task=settings.SECRET_KEY):
        values = (settings.METRICS_TOKEN, settings.SECRET_KEY_FALLBACKS[0])
        written = line("x %s %s sesame-open", *values, as_json=as_json, exc_info=True)

    assert settings.SECRET_KEY not in written
    assert "quotes" not in written
    assert "sesame" not in written
    assert "former" not in written
    assert written.count("***") == 5
    assert "ValueError" in written


def test_values_known_later_are_asked_for_when_a_line_is_written() -> None:
    known: list[int] = []
    with log_context.bound(user=lambda: known[0] if known else None):
        before = line("a")
        known.append(7)
        after = line("a")

    assert before.endswith(" a")
    assert after.endswith(" a [user=7]")


def test_a_thread_that_carries_the_context_writes_it() -> None:
    found: list[dict[str, str | int]] = []
    with log_context.bound(run=12):
        carried = log_context.carried(lambda: found.append(log_context.current()))
    for work in (carried, lambda: found.append(log_context.current())):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(patience.SECONDS)

    assert found == [{"run": 12}, {}]


def test_a_background_job_writes_the_context_of_its_page() -> None:
    found: list[dict[str, str | int]] = []
    is_done = threading.Event()

    def job() -> None:
        found.append(log_context.current())
        is_done.set()

    with log_context.bound(request="abc"):
        thread_pool.Pool(threads=1).submit(job)

    assert is_done.wait(patience.SECONDS)
    assert found == [{"request": "abc"}]


def test_every_line_of_a_run_names_run_tenant_and_work_order(
    stocked: None,
    outsmart: OutSmartSandbox,
    as_json: Callable[[], list[dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = scenario.work_order(outsmart)
    monkeypatch.setattr(Assessment, "next_step", lambda _self: 1 // 0)

    run = scenario.export()

    [found] = [each for each in as_json() if "exception" in each]
    assert (found["run"], found["tenant"], found["work_order"]) == (run.pk, "jansen", number)
    assert log_context.current() == {}


def test_a_task_of_the_worker_is_named_with_its_number(
    tenant: Tenant, as_json: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.settings(tenant)
    requested = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND)
    monkeypatch.setattr(worker, "_carry_out", lambda _claim, _log: 1 // 0)
    monkeypatch.setattr(db, "close_old_connections", lambda: None)  # it would end the test's transaction

    tasks.run_sync.apply(kwargs={"run_id": requested.run.pk, "tenant_id": tenant.pk}, task_id="abc")

    [found] = [each for each in as_json() if "exception" in each]
    assert (found["task"], found["task_id"], found["run"]) == ("run_sync", "abc", requested.run.pk)
    assert log_context.current() == {}


def test_what_the_clock_does_is_named_with_the_company(
    tenant: Tenant, as_json: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "tenants_due", lambda: {tenant.pk})
    monkeypatch.setattr(runs, "by_clock", lambda: 1 // 0)
    monkeypatch.setattr(connections, "close_all", lambda: None)

    clock._carry_out("kingsync.tasks.verify_exported", tasks.verify_exported)

    [found] = as_json()
    expected = ("verification.failed", "verify_exported", "jansen")
    assert (found["event"], found["task"], found["tenant"]) == expected


def test_what_the_clock_could_not_do_at_all_is_named_too(
    as_json: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "close_all", lambda: None)

    clock._carry_out("kingsync.tasks.sweep", lambda: 1 // 0)

    assert [(each["event"], each["task"]) for each in as_json()] == [("clock.failed", "sweep")]


# --- Pages ------------------------------------------------------------------------------------------------------------


def seen_by_a_page(**headers: str) -> tuple[dict[str, str | int], HttpResponse]:
    """Return what a page's lines would say, and its answer."""
    found: dict[str, str | int] = {}

    def page(request: HttpRequest) -> HttpResponse:
        request._cached_user = User(pk=7)  # type: ignore[attr-defined]
        found.update(log_context.current())
        return HttpResponse()

    answer = WatchMiddleware(page)(RequestFactory().get("/", headers=headers))
    assert isinstance(answer, HttpResponse)
    return found, answer


def test_a_request_has_a_number_that_its_answer_names() -> None:
    found, answer = seen_by_a_page()

    assert found == {"request": answer["X-Request-ID"], "user": 7}
    assert len(answer["X-Request-ID"]) == 32


def test_the_number_that_a_proxy_gave_is_kept() -> None:
    assert seen_by_a_page(**{"X-Request-ID": "proxy-1.2_3"})[1]["X-Request-ID"] == "proxy-1.2_3"


@pytest.mark.parametrize("given", ["a b", "a" * 65, "a\r\nSet-Cookie: x", "<script>"])
def test_any_other_number_is_replaced(given: str) -> None:
    assert seen_by_a_page(**{"X-Request-ID": given})[1]["X-Request-ID"] != given


def test_an_error_of_a_page_names_company_and_user(
    tenant: Tenant, as_json: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.settings(tenant)
    owner = factories.member(tenant, Role.OWNER, name="alice")
    visitor = Client(raise_request_exception=False)
    visitor.force_login(owner)
    monkeypatch.setattr(log_page, "log_search", None)

    answer = visitor.get("/t/jansen/log/")

    [found] = [each for each in as_json() if "exception" in each]
    assert answer.status_code == 500
    assert (found["tenant"], found["user"], found["request"]) == ("jansen", owner.pk, answer["X-Request-ID"])


def test_a_line_that_cannot_be_written_is_said_without_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    closed = io.StringIO()
    closed.close()

    Console(closed).handle(logging.makeLogRecord({"name": "django.request", "msg": "/invitation/geheim/"}))

    assert capsys.readouterr().err == "log.lost: a line of django.request could not be written (ValueError)\n"
