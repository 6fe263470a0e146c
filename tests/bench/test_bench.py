"""The benchmarks work from start to end; their results do not matter here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.world import PREPARED
from devservers.places import CHECKOUT
from devservers.servers import servers
from kingsync.models.restores import Installation
from tests import backups, own_servers, processes

EXPORTS = (
    "of King's 20 ms a call",
    "a bare loop of the same calls",
    "peak memory",
    "King's calls when nothing changed",
    "orders that are approved",
    "two tenants at once",
    "one worker: wait for one's turn",
)
PAGES = ("start page", "list", "search: a number", "state: need a person", "one work order", "figures", "runs", "xlsx")
CLOCK = ("dispatcher, nothing due", "sweeper, nothing silent", "retention, nothing old", "queueing a run of each kind")
REQUESTS = (
    "requests per second, 8 at once",
    "95 of 100",
    "processor time of the web process",
    "of the database",
    "open pages that fill a core",
)
OPERATORS = ("/operators/", "/operators/?q=9", "/operators/causes/")
WAITING = (
    "2 processes: orders a second",
    "16 threads: orders a second",
    "of what King's time allows",
    "sessions of the",
)
FIGURES = {
    "bench": EXPORTS,
    "bench.waiting": WAITING,
    "bench.pages": PAGES + REQUESTS,
    "bench.operators": OPERATORS,
    "bench.clock": CLOCK,
}


@pytest.fixture
def prepared(transactional_db: None, tmp_path: Path) -> Path:
    """Return a data folder with our tables, which each benchmark copies: migrating takes longer than a quick one."""
    Installation.objects.get_or_create()  # the migrations create it; an earlier test emptied the tables
    tables, folder = backups.dump(tmp_path / "tables.dump"), tmp_path / "prepared"
    with servers(folder) as addresses:
        own_servers.make_roles(addresses.database_url)
        with own_servers.connected_to(addresses.database_url):
            backups.restore(tables)
    return folder


@pytest.mark.long
def test_each_quick_measurement_ends_well_and_prints_its_figures(prepared: Path, tmp_path: Path) -> None:
    for bench, figures in FIGURES.items():
        done = subprocess.run(
            processes.bound("-m", bench, "--quick"),
            cwd=CHECKOUT,
            env=processes.environment(tmp_path, **{PREPARED: str(prepared)}),
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, f"{bench}: {done.stderr}"
        assert [figure for figure in figures if figure not in done.stdout] == [], bench
        assert "no bound(s) broken" in done.stdout, bench
