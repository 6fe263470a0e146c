"""Whether something is wrong at the current tenant, in one number: for the title and the icon of every page."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.exports.overview import ledger_counts
from kingsync.models.runs import RunKind
from kingsync.runs import failures


@dataclass(frozen=True)
class Trouble:
    """Work orders that need attention, and kinds of run whose newest one failed."""

    attention: int
    failing: int

    @property
    def number(self) -> int:
        return self.attention + self.failing


def trouble() -> Trouble:
    """Return the trouble of the current tenant."""
    return Trouble(ledger_counts.person(), sum(failures.newest_failed(kind) is not None for kind in RunKind))
