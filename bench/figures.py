"""Figures with their bounds, printed as they are measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table; without a bound it is for information only."""

    name: str
    value: float
    unit: str = "x"
    bound: float | None = None
    at_least: float | None = None

    @property
    def is_broken(self) -> bool:
        too_much = self.bound is not None and self.value > self.bound
        return too_much or (self.at_least is not None and self.value < self.at_least)

    @property
    def claim(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:.2f}"
        return "" if self.bound is None else f"<= {self.bound:.2f}"


def report(figures: Iterator[Figure], *, is_judged: bool) -> bool:
    """Print each figure as it arrives; return True when no bound is broken."""
    broken = []
    began = time.monotonic()
    for figure in figures:
        verdict = "" if not figure.claim or not is_judged else "BROKEN" if figure.is_broken else "ok"
        line = f"{figure.name:<62} {figure.value:>9.2f} {figure.unit:<6} {figure.claim:<9} {verdict}"
        print(line.rstrip(), flush=True)
        broken += [figure.name] if verdict == "BROKEN" else []
    print(f"{time.monotonic() - began:.0f} seconds; {len(broken) or 'no'} bound(s) broken")
    return not broken
