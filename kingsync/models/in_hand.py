"""What a run knows of a work order while processing it: read once, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kingsync.rules.plans import Plan, SavedLine


class Problem(Enum):
    """A record that needs attention: for a new reason, or still for a reported one."""

    NEW = "new"
    KNOWN = "known"


@dataclass
class InHand:
    """`lines` by their references, as saved; no one else writes them meanwhile. None = not read yet.

    `is_first_sight`: no run saw the work order before.
    `stored_plan` is the plan whose lines were saved last. `causes_before` are the causes the work order had before the
    run (None = it needed no attention), once `has_causes`; `problem` is what became of them.
    """

    is_first_sight: bool = False
    lines: dict[str, SavedLine] | None = None
    stored_plan: Plan | None = None
    has_causes: bool = False
    causes_before: list[str] | None = None
    problem: Problem | None = None
