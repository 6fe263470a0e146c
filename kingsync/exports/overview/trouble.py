"""Whether something is wrong at the current tenant, in one number: for the title and the icon of every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kingsync.exports.overview import ledger_counts
from kingsync.models.runs import RunKind
from kingsync.runs import failures


@dataclass(frozen=True)
class Trouble:
    """Work orders that need attention, and the kinds of run whose newest one failed."""

    attention: int
    failing: Sequence[RunKind]

    @property
    def number(self) -> int:
        return self.attention + len(self.failing)


def trouble(*, attention: int | None = None) -> Trouble:
    """Return the trouble of the current tenant; `attention` is how many work orders need it, if that was counted."""
    return Trouble(ledger_counts.person() if attention is None else attention, failures.failing_kinds())
