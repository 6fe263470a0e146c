"""What docs/performance.md says is what the benchmark demands, and one table collects what its parts found."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import goals, table
from bench.figures import KEPT_IN, Figure, report
from devservers.places import CHECKOUT

PAGE = (CHECKOUT / "docs" / "performance.md").read_text()
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("|")]


def test_the_page_has_each_goal_as_the_benchmark_has_it() -> None:
    written = {row[0]: row[-1] for row in ROWS}

    assert {name: written.get(name) for name in goals.AT_MOST | goals.AT_LEAST} == {
        name: f"{goal:g}" for name, goal in (goals.AT_MOST | goals.AT_LEAST).items()
    }


def test_the_page_names_every_part_of_the_table() -> None:
    assert [part for part in table.PARTS if f"python -m {part} " not in PAGE] == []


def test_a_missed_goal_stands_in_the_table_with_its_reason() -> None:
    kept, missed = Figure("kept", 1.0, bound=2), Figure("missed", 1.0, at_least=2, why="the disk")

    lines = table.lines([table.Part("bench.one", (kept, missed), 60.0, is_failed=False)], is_judged=True)

    assert [line.split()[-1] for line in lines if "kept" in line] == ["ok"]
    assert next(line.rpartition("BROKEN")[2].strip() for line in lines if "missed " in line) == "the disk"
    assert lines[-1] == "1 minutes; 2 goals, 1 missed; no part(s) failed"


def test_figures_of_a_part_are_kept_for_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = tmp_path / "figures"
    monkeypatch.setenv(KEPT_IN, str(kept))

    assert not report(iter([Figure("one", 3.0, bound=2)]), is_judged=True)

    assert len(kept.read_bytes().splitlines()) == 2


def test_a_part_that_breaks_off_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CHECKOUT", tmp_path)
    (tmp_path / "broken.py").write_text("raise SystemExit(1)")

    part = table.run("broken", is_quick=True)

    assert (part.is_failed, part.is_kept, part.figures) == (True, False, ())
