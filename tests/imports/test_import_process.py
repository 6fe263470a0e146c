"""The interpreter is configured for imports where a process starts that runs them, and nowhere else."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app

from kingsync import tasks
from kingsync.imports import import_process

PRODUCT = Path(import_process.__file__).parents[1]
BY_HAND = ("setswitchinterval", "gc.freeze", "gc.disable", "gc.set_threshold")


@pytest.mark.parametrize(("queue", "is_prepared"), [("imports", True), ("exports", False)])
def test_only_a_worker_of_imports_is_prepared(monkeypatch: pytest.MonkeyPatch, queue: str, is_prepared: bool) -> None:
    calls: list[str] = []
    monkeypatch.setattr(import_process, "prepare", lambda: calls.append("prepare"))
    monkeypatch.setattr(current_app.amqp.queues, "_consume_from", {queue: None})

    tasks.prepare_process()

    assert bool(calls) is is_prepared


def test_preparing_lasts_as_long_as_the_process() -> None:
    frozen, interval = gc.get_freeze_count(), sys.getswitchinterval()
    told = "import gc, sys\nfrom kingsync.imports import import_process\nimport_process.prepare()\n"
    told += "print(sys.getswitchinterval(), gc.get_freeze_count() > 0)"

    answer = subprocess.run(
        [sys.executable, "-c", told], cwd=PRODUCT.parent, capture_output=True, text=True, check=True
    )

    assert answer.stdout.split() == [f"{import_process.SWITCH_SECONDS}", "True"]
    assert sys.getswitchinterval() == interval
    assert gc.get_freeze_count() <= frozen  # what is frozen may die, but nothing was added in this process


def test_nothing_but_the_start_and_import_workers_touches_the_interpreter() -> None:
    found = [path.name for path in PRODUCT.rglob("*.py") for word in BY_HAND if word in path.read_text()]

    assert sorted(set(found)) == ["garbage.py", "import_process.py"]
