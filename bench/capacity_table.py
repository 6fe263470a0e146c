"""What so many companies need, calculated from what each thing costs; and which limit is met first."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bench.processor import Used

COMPANIES = (100, 1_000, 10_000, 100_000)
# An ordinary company: both directions each quarter of an hour; its work falls into ten hours, a quarter of it into one.
CHECKS_AN_HOUR = 8
ORDERS_A_DAY, RECORDS_A_DAY, PAGES_A_DAY = 20, 50, 100
BUSIEST_HOUR = 0.25
# Waiting for King's answers takes no processor, only a place: calls of an order, and how long one takes.
CALLS_OF_AN_ORDER, SECONDS_OF_A_CALL = 14, 0.1
# One machine for the database, as large as is usual, a third of it in reserve. A flush of the log takes about 1 ms, and
# sessions that end at the same moment share one.
DATABASE_CORES, FLUSHES_A_SECOND, WAL_MIB_A_SECOND = 32 * 2 / 3, 1_000 * 4, 200
_MIB, _HOUR, _DAY = 2**20, 3600, 86_400


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What one scheduled check that finds nothing, one exported order, one imported record and one page use."""

    check: Used
    order: Used
    record: Used
    page: Used


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What so many companies need in their busiest hour; the log of the database for a day."""

    worker_cores: float
    web_cores: float
    database_cores: float
    flushes_a_second: float
    wal_mib_a_second: float
    wal_gib_a_day: float
    orders_at_once: float


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be had more of by adding machines, and for how many companies it suffices."""

    name: str
    companies: float


def need(costs: Costs, companies: int) -> Need:
    """Return what so many companies need."""
    a_second = _rates(companies)
    things = [(rate, getattr(costs, name)) for name, rate in a_second.items()]
    whole_day = {name: _a_day(companies)[name] * getattr(costs, name).wal_bytes for name in a_second}
    pages = a_second["page"] * costs.page.process_seconds
    return Need(
        worker_cores=sum(rate * used.process_seconds for rate, used in things) - pages,
        web_cores=pages,
        database_cores=sum(rate * used.database_seconds for rate, used in things),
        flushes_a_second=sum(rate * used.flushes for rate, used in things),
        wal_mib_a_second=sum(rate * used.wal_bytes for rate, used in things) / _MIB,
        wal_gib_a_day=sum(whole_day.values()) / 2**30,
        orders_at_once=a_second["order"] * CALLS_OF_AN_ORDER * SECONDS_OF_A_CALL,
    )


def _a_day(companies: int) -> dict[str, float]:
    of_one = {"check": 24 * CHECKS_AN_HOUR, "order": ORDERS_A_DAY, "record": RECORDS_A_DAY, "page": PAGES_A_DAY}
    return {name: companies * count for name, count in of_one.items()}


def _rates(companies: int) -> dict[str, float]:
    """Return how many there are of each thing in a second of the busiest hour; checks are spread over the day."""
    busiest = {name: count * BUSIEST_HOUR / _HOUR for name, count in _a_day(companies).items()}
    return busiest | {"check": companies * CHECKS_AN_HOUR / _HOUR}


def limits(costs: Costs) -> list[Limit]:
    """Return what there is one of only, the first limit first."""
    one = need(costs, COMPANIES[-1])
    suffices = {
        f"processors of the database's machine ({DATABASE_CORES:.0f} cores)": DATABASE_CORES / one.database_cores,
        f"waits for the database's disk ({FLUSHES_A_SECOND} a second)": FLUSHES_A_SECOND / one.flushes_a_second,
        f"the database's log ({WAL_MIB_A_SECOND} MiB a second)": WAL_MIB_A_SECOND / one.wal_mib_a_second,
    }
    found = [Limit(name=name, companies=share * COMPANIES[-1]) for name, share in suffices.items()]
    return sorted(found, key=lambda limit: limit.companies)


def lines(costs: Costs) -> Iterator[str]:
    """Return the measured costs, the table and the limits, to be printed."""
    yield f"{'measured, for each':<24}{'process ms':>12}{'database ms':>13}{'WAL KiB':>10}{'flushes':>9}"
    for name in costs.__struct_fields__:
        used: Used = getattr(costs, name)
        seconds = f"{1000 * used.process_seconds:>12.2f}{1000 * used.database_seconds:>13.2f}"
        yield f"{name:<24}{seconds}{used.wal_bytes / 1024:>10.2f}{used.flushes:>9.2f}"
    yield ""
    yield f"{'companies':<24}" + "".join(f"{companies:>12,}".replace(",", " ") for companies in COMPANIES)
    needs = [need(costs, companies) for companies in COMPANIES]
    for name in Need.__struct_fields__:
        yield f"{name.replace('_', ' '):<24}" + "".join(f"{getattr(each, name):>12.2f}" for each in needs)
    yield ""
    for place, limit in enumerate(limits(costs)):
        yield f"{'first limit' if not place else 'then':<12} {limit.name}: {limit.companies:,.0f} companies".replace(
            ",", " "
        )
