"""What tests of watching share: counts of one test alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kingsync.watch.catalog import Metric
from kingsync.watch.tallies import Tallies, _series, tallies


class Counted:
    """What was counted since the test began."""

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies

    def of(self, metric: Metric, **labels: str) -> float:
        """Return a counter, or how many values a histogram got."""
        pending = self._tallies._pending
        if not metric.bounds:
            return pending.get(_series(metric.name, labels), 0)
        return sum(
            number
            for (sample, found), number in pending.items()
            if sample == f"{metric.name}_bucket"
            and all(f'"{name}":"{value}"' in found for name, value in labels.items())
        )

    def is_empty(self) -> bool:
        return not self._tallies._pending


@pytest.fixture
def counted() -> Iterator[Counted]:
    tallies.take()
    yield Counted(tallies)
    tallies.take()
