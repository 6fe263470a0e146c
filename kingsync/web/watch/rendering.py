"""What was counted and what was asked, in Prometheus' text form."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from kingsync.watch import catalog
from kingsync.watch.catalog import Metric
from kingsync.watch.tallies import INFINITE
from kingsync.web.watch import queues, snapshot
from kingsync.web.watch.snapshot import Counted, Found

CONTENT_TYPE = CONTENT_TYPE_LATEST
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class _Answer(Collector):
    """All metrics of one answer. What neither database nor broker could say is left out, and `kingsync_up` says so."""

    def collect(self) -> Iterator[Family]:
        began = time.monotonic()
        asked = snapshot.take()
        queue = queues.ask()
        found: Found = [
            (catalog.UP, ("database",), float(asked is not None)),
            (catalog.UP, ("broker",), float(queue is not None)),
            *(asked.found if asked else []),
            *(queue or []),
            (catalog.COLLECT_SECONDS, (), time.monotonic() - began),
        ]
        yield from _gauges(found)
        if asked:
            yield from _counted(asked.counted)


def text() -> bytes:
    """Return the answer."""
    registry = CollectorRegistry()
    registry.register(_Answer())
    return generate_latest(registry)


def _gauges(found: Found) -> Iterator[Family]:
    order = list(catalog.ASKED)
    for metric, rows in groupby(sorted(found, key=lambda row: order.index(row[0])), key=lambda row: row[0]):
        family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for _metric, labels, value in rows:
            family.add_metric(labels, value)
        yield family


def _counted(counted: Counted) -> Iterator[Family]:
    for metric in catalog.COUNTED:
        if metric.bounds:
            yield _histogram(metric, counted)
        else:
            yield _counter(metric, counted.get(metric.name, {}))


def _counter(metric: Metric, series: Mapping[tuple[tuple[str, str], ...], float]) -> Family:
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    values = dict.fromkeys(metric.always, 0.0)
    for labels, value in series.items():
        values[_ordered(metric, dict(labels))] = value
    for ordered, value in values.items():
        family.add_metric(ordered, value)
    return family


def _histogram(metric: Metric, counted: Counted) -> Family:
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    sums = {_ordered(metric, dict(labels)): value for labels, value in counted.get(f"{metric.name}_sum", {}).items()}
    counts: dict[tuple[str, ...], dict[float, float]] = {}
    for pairs, value in counted.get(f"{metric.name}_bucket", {}).items():
        labels = dict(pairs)
        own = counts.setdefault(_ordered(metric, labels), {})
        bound = float(labels.get("le", INFINITE))
        own[bound] = own.get(bound, 0.0) + value
    for ordered, own in counts.items():
        family.add_metric(ordered, _buckets(metric, own), sum_value=sums.get(ordered, 0.0))
    return family


def _buckets(metric: Metric, own: Mapping[float, float]) -> Sequence[tuple[str, float]]:
    """Return (bound, how many up to it); what an older version counted under another bound counts from the next on."""
    bounds: Iterable[float] = (*metric.bounds, float("inf"))
    return [
        (INFINITE if bound == float("inf") else f"{bound:g}", sum(number for le, number in own.items() if le <= bound))
        for bound in bounds
    ]


def _ordered(metric: Metric, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in metric.labels)
