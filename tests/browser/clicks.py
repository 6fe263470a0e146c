"""How many clicks and pages the main tasks may take, and a counter of both.

docs/clicks.md has this as a table (`make docs`); `tests/browser/test_clicks.py` does each task and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Keyboard, Locator, Page

DOCUMENT = Path(__file__).parents[2] / "docs" / "clicks.md"


@dataclass(frozen=True)
class Bound:
    """`demanded` is what the product's first users needed at most; None for a task that had no number then."""

    task: str
    clicks: int
    loads: int
    demanded: int | None = None


BOUNDS = {
    "first_order": Bound("From login to the first order in King, by the settings page", 12, 7, demanded=12),
    "guided": Bound("The same, step by step as *Getting started* says, one work order at a time", 23, 20),
    "why_refused": Bound("Why a work order was refused, on the start page", 0, 1, demanded=0),
    "rounding": Bound("Change the rounding of hours, from the start page", 3, 2, demanded=3),
    "find": Bound("Why work order X is not in King: find it by its number, from any page", 2, 2, demanded=2),
    "export_one": Bound("Export one work order now, from the list", 2, 2, demanded=2),
    "failed_run": Bound("The cause of a failed run, from the start page", 1, 2, demanded=1),
    "repair": Bound("Have a refused work order sent again, once it is repaired in King", 2, 2),
    "month": Bound("Last month: what is in King and what is not, from the start page", 2, 3),
}


@dataclass
class Taken:
    """What a task took so far. A choice from a list counts as one click, Enter as one too; typing does not count."""

    clicks: int = 0
    loads: int = 0

    def within(self, task: str) -> None:
        """Assert that neither is more than the task may take."""
        bound = BOUNDS[task]
        assert self.clicks <= bound.clicks, f"{task}: {self}"
        assert self.loads <= bound.loads, f"{task}: {self}"


@contextmanager
def counted(page: Page) -> Iterator[Taken]:
    """Count what is done with a page inside the block: clicks of locators, and pages that were loaded."""
    taken = Taken()

    def loaded(_page: Page) -> None:
        taken.loads += 1

    page.on("domcontentloaded", loaded)
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in ((Locator, "click"), (Locator, "check"), (Locator, "select_option")):
            patched.setattr(owner, name, _counting(getattr(owner, name), taken))
        patched.setattr(Keyboard, "press", _counting(Keyboard.press, taken, only="Enter"))
        yield taken
    page.remove_listener("domcontentloaded", loaded)


def _counting(done: Any, taken: Taken, only: str = "") -> Any:
    def counting(self: object, *arguments: object, **options: object) -> object:
        taken.clicks += not only or arguments[:1] == (only,)
        return done(self, *arguments, **options)

    return counting


def table() -> str:
    """Return the table of docs/clicks.md."""
    rows = [("Task", "Clicks at most", "Pages at most", "Demanded"), ("---", "---:", "---:", "---:")]
    for each in BOUNDS.values():
        rows.append(
            (each.task, str(each.clicks), str(each.loads), "–" if each.demanded is None else str(each.demanded))
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
