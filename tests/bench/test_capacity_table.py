"""The calculation of what many companies need, from costs that are easy to reckon with."""

from __future__ import annotations

import pytest

from bench import capacity_table
from bench.capacity_table import Costs
from bench.processor import Used

ONE_MS = Used(process_seconds=0.001, database_seconds=0.001, wal_bytes=1024, flushes=1)
NOTHING = Used(process_seconds=0, database_seconds=0, wal_bytes=0, flushes=0)


def test_checks_are_spread_over_the_hour() -> None:
    needed = capacity_table.need(Costs(check=ONE_MS, order=NOTHING, record=NOTHING, page=NOTHING), 900)

    # 900 companies with 8 checks an hour are two a second.
    assert needed.worker_cores == pytest.approx(0.002)
    assert needed.database_cores == pytest.approx(0.002)
    assert needed.flushes_a_second == pytest.approx(2)
    assert needed.wal_gib_a_day == pytest.approx(900 * 192 * 1024 / 2**30)


def test_work_of_a_day_is_reckoned_by_its_busiest_hour() -> None:
    needed = capacity_table.need(Costs(check=NOTHING, order=ONE_MS, record=NOTHING, page=ONE_MS), 3600)

    # A quarter of 20 orders and of 100 pages falls into one hour.
    assert needed.worker_cores == pytest.approx(0.005)
    assert needed.web_cores == pytest.approx(0.025)
    assert needed.database_cores == pytest.approx(0.030)
    assert needed.orders_at_once == pytest.approx(5 * 14 * 0.1)


def test_twice_the_companies_need_twice_as_much() -> None:
    costs = Costs(check=ONE_MS, order=ONE_MS, record=ONE_MS, page=ONE_MS)
    small, large = capacity_table.need(costs, 1_000), capacity_table.need(costs, 2_000)

    for name in capacity_table.Need.__struct_fields__:
        assert getattr(large, name) == pytest.approx(2 * getattr(small, name))


def test_the_limit_that_is_met_first_is_named_first() -> None:
    slow_disk = Used(process_seconds=0, database_seconds=0.000_001, wal_bytes=1, flushes=10)
    costs = Costs(check=slow_disk, order=NOTHING, record=NOTHING, page=NOTHING)

    first, *others = capacity_table.limits(costs)

    assert "disk" in first.name
    # 8 checks an hour of 10 flushes each, of 4 000 flushes a second.
    assert first.companies == pytest.approx(4_000 * 3600 / 80)
    assert all(first.companies <= limit.companies for limit in others)
    assert "first limit" in list(capacity_table.lines(costs))[-3]
