"""One trace is one run: its slices and calls in it, nothing secret, and no run waits for a collector."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pytest_django import Settings

from devservers import ports
from kingsync import worker
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from kingsync.watch import traces
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, patience, scenario


class Collector(ThreadingHTTPServer):
    """A small OpenTelemetry collector; it answers at once, or when it may."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_asked = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.is_asked.set()
        self.server.may_answer.wait(patience.SECONDS)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write no lines."""


@pytest.fixture
def collector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    traces._started.cache_clear()
    traces._installation.cache_clear()
    with Collector() as server:
        settings.OTEL_EXPORTER_OTLP_ENDPOINT = server.address
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.may_answer.set()
        traces.finish()
        server.shutdown()
        thread.join()


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_run_is_one_trace_with_its_slices_and_calls(
    stocked: None, outsmart: OutSmartSandbox, king: KingSandbox, collector: Collector
) -> None:
    for _each in range(3):
        scenario.work_order(outsmart)
    requested = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND)
    slices = 1
    while worker.work_slice(requested.run.pk, slice_seconds=0).more:
        traces.finish()  # as if each slice had another process
        slices += 1
    traces.finish()

    spans = collector.spans()
    [root] = [span for span in spans if not span.parent_span_id]
    below = [span for span in spans if span.parent_span_id == root.span_id]
    calls = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert set(collector.paths) == {"/v1/traces"}
    assert len({span.trace_id for span in spans}) == 1
    assert len({span.span_id for span in spans}) == len(spans)
    assert root.name == "export"
    assert attributes(root)["kingsync.outcome"] == "succeeded"
    assert attributes(root)["kingsync.count.created"] == 3
    assert slices > 1
    assert [span.name for span in below] == ["slice of export"] * slices
    assert {span.parent_span_id for span in calls} <= {span.span_id for span in below}
    made = [span for span in calls if span.name == "king Order_Toevoegen"]
    assert len(made) == scenario.calls(king).count("Order_Toevoegen") == 3
    assert {attributes(span)["kingsync.outcome"] for span in made} == {"ok"}
    assert {attributes(span)["kingsync.tenant"] for span in made} == {"jansen"}
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano for span in below)


def test_a_failed_call_says_why_and_nothing_shows_contents_or_secrets(
    stocked: None, tenant: Tenant, outsmart: OutSmartSandbox, king: KingSandbox, collector: Collector
) -> None:
    scenario.work_order(outsmart, CustomerName="Geheime Klant")
    secrets = [king.access_code, outsmart.token, outsmart.software_token, "Geheime Klant", "Ketel nagekeken"]
    king.access_code = "another"

    scenario.export()
    traces.finish()

    failed = [span for span in collector.spans() if attributes(span).get("kingsync.outcome") == "authentication"]
    assert failed
    assert all(span.status.code == 2 for span in failed)
    sent = b"".join(collector.bodies)
    assert [secret for secret in secrets if secret.encode() in sent] == []


def test_two_runs_are_two_traces(stocked: None, collector: Collector) -> None:
    one, other = scenario.export(), scenario.export()
    traces.finish()

    assert len({span.trace_id for span in collector.spans()}) == 2
    assert traces.root_of(one) != traces.root_of(other)


def test_a_run_does_not_wait_for_a_collector_that_does_not_answer(
    stocked: None, outsmart: OutSmartSandbox, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "END_SECONDS", 0.01)
    collector.may_answer.clear()
    scenario.work_order(outsmart)
    scenario.export()
    assert collector.is_asked.wait(patience.SECONDS)  # and stays without an answer from here on

    run = scenario.export()
    traces.finish()

    assert run.status == "succeeded"
    assert not collector.may_answer.is_set()


def test_a_dead_collector_is_told_once_and_harms_nothing(
    stocked: None,
    outsmart: OutSmartSandbox,
    collector: Collector,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = f"http://someone:sesame@127.0.0.1:{ports.free_port()}"
    scenario.work_order(outsmart)

    run = scenario.export()
    monkeypatch.setattr(traces, "END_SECONDS", patience.SECONDS)
    traces.finish()

    assert run.status == "succeeded"
    assert [record.message.partition(":")[0] for record in caplog.records] == ["traces.not_sent"]
    assert "sesame" not in caplog.text


def test_a_missing_package_is_told_once(
    stocked: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.example:4318"
    traces._started.cache_clear()
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    runs = [scenario.export(), scenario.export()]
    traces._started.cache_clear()

    assert [run.status for run in runs] == ["succeeded"] * 2
    # Not what the collector of another test that hung says in its end.
    told = [record.message for record in caplog.records if record.message.startswith("traces.unavailable")]
    assert told == ["traces.unavailable: OTEL_EXPORTER_OTLP_ENDPOINT is set, but kingsync[traces] is not installed"]


def test_without_a_collector_nothing_of_it_is_loaded(stocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("started")

    monkeypatch.setattr(traces, "_start", never)
    traces._started.cache_clear()

    assert scenario.export().status == "succeeded"
    assert traces.here() is None


def test_a_bug_in_recording_stops_no_run(
    stocked: None, settings: Settings, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_rest: object) -> None:
        raise RuntimeError("a bug in what watches")

    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.example:4318"
    scenario.work_order(outsmart)
    for name in ("root_of", "_save"):
        with monkeypatch.context() as bug:
            bug.setattr(traces, name, broken)
            run = scenario.export()
        assert run.status == "succeeded", name


def test_the_numbers_of_a_trace_differ_between_installations(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.settings(tenant)
    run = factories.run(tenant)
    found = set()
    for identity in ("one", "other", "one"):
        monkeypatch.setattr(traces, "_installation", lambda name=identity: name)
        found.add(traces.root_of(run))

    assert len(found) == 2
