"""The benchmarks of pages work from start to end; their results do not matter here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import processes

ROOT = Path(__file__).parent.parent.parent


PAGES = ("start page", "list", "search: a number", "state: need a person", "one work order", "figures", "runs", "xlsx")
CLOCK = ("dispatcher, nothing due", "sweeper, nothing silent", "retention, nothing old", "queueing a run of each kind")
OPERATORS = ("/operators/", "/operators/?q=9", "/operators/causes/")


@pytest.mark.parametrize(
    ("bench", "figures"), [("bench.pages", PAGES), ("bench.operators", OPERATORS), ("bench.clock", CLOCK)]
)
def test_quick_measurement_of_pages_ends_well_and_prints_its_figures(
    tmp_path: Path, bench: str, figures: tuple[str, ...]
) -> None:
    done = subprocess.run(
        processes.bound("-m", bench, "--quick"),
        cwd=ROOT,
        env=processes.environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [figure for figure in figures if figure not in done.stdout] == []
    assert "no bound(s) broken" in done.stdout
