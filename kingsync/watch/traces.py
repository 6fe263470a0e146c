"""Optional traces (OpenTelemetry): one trace is one run, its slices join it, and each call is a span without contents.

The trace's number is made of the run's, so that slices in different processes need to tell each other nothing. Spans
leave in batches, from a thread of the SDK: a collector that is slow or away delays no run, it loses spans.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from integrations.calls import Timing
from kingsync.models.restores import Installation
from kingsync.models.runs import SyncRun
from kingsync.watch import catalog, log_context
from kingsync.watch.harmless import harmless

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)

# A process that ends waits so long for its last spans to leave.
END_SECONDS = 2.0
Attributes = dict[str, "str | int"]


@dataclass(frozen=True)
class Place:
    """A span by its numbers: in which trace, and which one."""

    trace_id: int
    span_id: int


_current: ContextVar[Place | None] = ContextVar("place in the trace", default=None)


def is_on() -> bool:
    """Return whether the operator named a collector."""
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


def here() -> Place | None:
    """Return the span of the slice that is being worked on; None outside a run, and without a collector."""
    return _current.get()


def root_of(run: SyncRun) -> Place:
    """Return the numbers of a run's own span, the same in each process."""
    digest = hashlib.sha256(f"{_installation()} {run.pk}".encode()).digest()
    return Place(int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big"))


@functools.cache
def _installation() -> str:
    """Return the identity of this database: the runs of two installations may meet in one collector."""
    return str(Installation.objects.values_list("identity", flat=True).first())


@contextmanager
def slice_of(run: SyncRun) -> Iterator[None]:
    """Record the block as a slice of a run; the calls in it are recorded below it."""
    place = _placed(run) if is_on() else None
    if place is None:
        yield
        return
    token, began, here_is = _current.set(place), time.time_ns(), log_context.current()
    try:
        yield
    finally:
        _current.reset(token)
        _save_slice(run, place, began, here_is)


def _placed(run: SyncRun) -> Place | None:
    """Return the numbers of a new slice; None, told once, where they cannot be made."""
    made: list[Place] = []
    _place(run, made)
    return made[0] if made else None


@harmless
def _place(run: SyncRun, made: list[Place]) -> None:
    made.append(Place(root_of(run).trace_id, _random_span()))


@harmless
def _save_slice(run: SyncRun, place: Place, began: int, known: Attributes) -> None:
    _save(f"slice of {run.kind}", place, root_of(run), (began, time.time_ns()), {**_of_run(run), **_named(known)})


@harmless
def run_ended(run: SyncRun) -> None:
    """Record the run itself, above its slices."""
    if not is_on() or run.finished_at is None:
        return
    times = [int(moment.timestamp() * 1e9) for moment in (run.started_at or run.queued_at, run.finished_at)]
    counts: Attributes = {f"kingsync.count.{name}": number for name, number in run.counts().items() if number}
    attributes: Attributes = {**_of_run(run), **counts, "kingsync.outcome": run.status}
    _save(str(run.kind), root_of(run), None, (times[0], times[1]), attributes, is_error=run.status == "failed")


@harmless
def call_ended(above: Place, timing: Timing) -> None:
    """Record a call that has just ended."""
    ended = time.time_ns()
    attributes: Attributes = {
        "kingsync.system": timing.system,
        "kingsync.operation": timing.operation,
        "kingsync.outcome": timing.reason or catalog.OK,
        "kingsync.attempt": timing.attempt,
        **({"http.response.status_code": timing.status} if timing.status else {}),
        **_named(log_context.current()),
    }
    times = (ended - int(timing.seconds * 1e9), ended)
    place = Place(above.trace_id, _random_span())
    name = f"{timing.system} {timing.operation}"
    _save(name, place, above, times, attributes, is_error=bool(timing.reason), is_call=True)


def _of_run(run: SyncRun) -> Attributes:
    return {"kingsync.run": run.pk, "kingsync.kind": str(run.kind), "kingsync.mode": "dry" if run.is_dry else "write"}


def _named(known: Attributes) -> Attributes:
    return {f"kingsync.{name}": known[name] for name in ("tenant", "work_order") if name in known}


def _random_span() -> int:
    return secrets.randbits(64) or 1


# --- The SDK, loaded in processes that record something ---------------------------------------------------------------


def _save(
    name: str,
    place: Place,
    above: Place | None,
    times: tuple[int, int],
    attributes: Attributes,
    *,
    is_error: bool = False,
    is_call: bool = False,
) -> None:
    """Hand a finished span to the SDK's batch."""
    sdk = _started(os.getpid())
    if sdk is None:
        return
    from opentelemetry import trace  # noqa: PLC0415 - an optional package
    from opentelemetry.context import Context  # noqa: PLC0415

    context = Context()
    if above is not None:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        parent = trace.SpanContext(above.trace_id, above.span_id, is_remote=True, trace_flags=flags)
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent), context)
    kind = trace.SpanKind.CLIENT if is_call else trace.SpanKind.INTERNAL
    span = sdk.open(place, name, context=context, kind=kind, attributes=attributes, start_time=times[0])
    if is_error:
        span.set_status(trace.StatusCode.ERROR)
    span.end(times[1])


class Sdk:
    """The SDK of this process, with spans that have the numbers we choose."""

    def __init__(self, provider: TracerProvider, numbers: Any) -> None:
        self._provider, self._numbers = provider, numbers
        self._tracer = provider.get_tracer("kingsync")
        self._lock = threading.Lock()

    def open(self, place: Place, name: str, **options: Any) -> Any:
        with self._lock:
            self._numbers.place = place
            return self._tracer.start_span(name, **options)

    def close(self) -> None:
        """Send what is left, for END_SECONDS at most; the thread does not keep the process alive."""
        last = threading.Thread(target=self._shut_down, name="last spans", daemon=True)
        last.start()
        last.join(END_SECONDS)

    def _shut_down(self) -> None:
        self._provider.shutdown()


@functools.lru_cache(maxsize=1)
def _started(_process: int) -> Sdk | None:
    """Start the SDK once in each process; None, told once, where its package is missing."""
    try:
        return _start()
    except ImportError:
        logger.warning("traces.unavailable: OTEL_EXPORTER_OTLP_ENDPOINT is set, but kingsync[traces] is not installed")
        return None


def _start() -> Sdk:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult  # noqa: PLC0415
    from opentelemetry.sdk.trace.id_generator import IdGenerator  # noqa: PLC0415

    class Numbers(IdGenerator):
        place = Place(0, 0)

        def generate_trace_id(self) -> int:
            return self.place.trace_id

        def generate_span_id(self) -> int:
            return self.place.span_id

    class Exporter(SpanExporter):
        """Says once that nothing arrives, in our words: the SDK's repeat themselves."""

        def __init__(self) -> None:
            address = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
            self._sends, self._is_told = OTLPSpanExporter(endpoint=address), False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = self._sends.export(spans)
            is_lost = result is not SpanExportResult.SUCCESS
            if is_lost and not self._is_told:
                logger.warning("traces.not_sent: the collector did not take them; spans are lost until it does")
            self._is_told = is_lost
            return result

        def shutdown(self) -> None:
            self._sends.shutdown()  # type: ignore[no-untyped-call]

    # The SDK's own words may name the collector's address, with the password in it.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    numbers = Numbers()
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "kingsync")})
    provider = TracerProvider(resource=resource, id_generator=numbers, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter()))
    return Sdk(provider, numbers)


def finish() -> None:
    """Send the last spans of this process, if it recorded any."""
    if _started.cache_info().currsize and (sdk := _started(os.getpid())):
        sdk.close()
    _started.cache_clear()
