"""The benchmark of pages works from start to end; its results do not matter here."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import processes

ROOT = Path(__file__).parent.parent.parent


def test_quick_measurement_of_pages_ends_well_and_prints_its_figures(tmp_path: Path) -> None:
    done = subprocess.run(
        processes.bound("-m", "bench.pages", "--quick"),
        cwd=ROOT,
        env=processes.environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for figure in ("start page", "list", "search: a number", "state: need a person", "one work order", "runs", "xlsx"):
        assert figure in done.stdout
    assert "no bound(s) broken" in done.stdout
