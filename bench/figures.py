"""Figures with their bounds, printed as they are measured, and kept for the one table of `make bench`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

# Where `bench.table` wants the figures of a part, one JSON object a line.
KEPT_IN = "KINGSYNC_BENCH_FIGURES"
END = b"null"  # the last line: without it the part did not come to its end


class Figure(msgspec.Struct, frozen=True):
    """One line of the table; without a bound it is for information only. `why` explains a bound that is missed."""

    name: str
    value: float
    unit: str = "x"
    bound: float | None = None
    at_least: float | None = None
    why: str = ""

    @property
    def is_broken(self) -> bool:
        too_much = self.bound is not None and self.value > self.bound
        return too_much or (self.at_least is not None and self.value < self.at_least)

    @property
    def claim(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:.2f}"
        return "" if self.bound is None else f"<= {self.bound:.2f}"

    def line(self, *, is_judged: bool) -> str:
        """Return name, figure, goal and verdict, with the reason for a missed goal."""
        verdict = "" if not self.claim or not is_judged else "BROKEN" if self.is_broken else "ok"
        why = f"  {self.why}" if verdict == "BROKEN" and self.why else ""
        return f"{self.name:<62} {self.value:>9.2f} {self.unit:<6} {self.claim:<9} {verdict}{why}".rstrip()


def report(figures: Iterator[Figure], *, is_judged: bool) -> bool:
    """Print each figure as it arrives; return True when no bound is broken."""
    broken = 0
    began = time.monotonic()
    for figure in figures:
        print(figure.line(is_judged=is_judged), flush=True)
        broken += figure.is_broken and is_judged
        _keep(msgspec.json.encode(figure))
    _keep(END)
    print(f"{time.monotonic() - began:.0f} seconds; {broken or 'no'} bound(s) broken")
    return not broken


def _keep(line: bytes) -> None:
    if KEPT_IN in os.environ:
        with Path(os.environ[KEPT_IN]).open("ab") as kept:
            kept.write(line + b"\n")
