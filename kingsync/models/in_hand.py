"""What a run knows of a work order while it works on it: read once, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kingsync.rules.plans import BookedLine, Plan


class Trouble(Enum):
    """A record that needs a person: for a new reason, or still for one that was told before."""

    NEW = "new"
    KNOWN = "known"


@dataclass
class InHand:
    """`lines` by their references, as they are booked; nobody else writes them meanwhile. None = not read yet.

    `stored_plan` is the plan whose lines were stored last. `causes_before` are the causes with which the run found the
    work order (None = it needed nobody), once `has_causes`; `trouble` is what became of them.
    """

    lines: dict[str, BookedLine] | None = None
    stored_plan: Plan | None = None
    has_causes: bool = False
    causes_before: list[str] | None = None
    trouble: Trouble | None = None
