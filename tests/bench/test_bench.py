"""The benchmark works from start to end; its results do not matter here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import processes

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.long
def test_the_quick_measurement_ends_well_and_prints_its_figures(tmp_path: Path) -> None:
    done = subprocess.run(
        processes.bound("-m", "bench", "--quick"),
        cwd=ROOT,
        env=processes.environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for figure in (
        "of King's 20 ms a call",
        "a bare loop of the same calls",
        "peak memory",
        "King's calls when nothing changed",
        "orders that are approved",
        "two tenants at once",
        "one worker: wait for one's turn",
    ):
        assert figure in done.stdout
    assert "no bound(s) broken" in done.stdout
