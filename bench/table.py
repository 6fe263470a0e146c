"""`python -m bench.table [--quick]`: every part of the benchmark, one after the other, and one table at the end.

A part that ends with an error other than a missed goal stands in the table as failed. Exits with 1 when a goal is
missed or a part failed. The long forms of `bench.faults` and `bench.fuzz` are commands of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

import msgspec

from bench.figures import END, KEPT_IN, Figure
from devservers.places import CHECKOUT

# In this order; a new part is one line here. Each prints figures by `bench.figures.report` and knows `--quick`.
PARTS = (
    "bench",
    "bench.waiting",
    "bench.import",
    "bench.starts",
    "bench.pages",
    "bench.operators",
    "bench.clock",
    "bench.growth",
    "bench.capacity",
)


class Part(msgspec.Struct, frozen=True):
    """A part that has run: its figures, and how long it took."""

    module: str
    figures: tuple[Figure, ...]
    seconds: float
    is_failed: bool

    @property
    def is_kept(self) -> bool:
        return not self.is_failed and not any(figure.is_broken for figure in self.figures)


def main() -> None:
    """Run the parts, print the table, and exit with the verdict."""
    parser = ArgumentParser(prog="python -m bench.table", description="What we claim about speed, in one table.")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, proves nothing")
    parser.add_argument("parts", nargs="*", default=PARTS, help="the parts to run; otherwise all")
    asked = parser.parse_args()
    done = [run(module, is_quick=asked.quick) for module in asked.parts]
    print("\n".join(lines(done, is_judged=not asked.quick)))
    sys.exit(0 if all(part.is_kept or (asked.quick and not part.is_failed) for part in done) else 1)


def run(module: str, *, is_quick: bool) -> Part:
    """Run one part in a process of its own, which prints its figures as they arrive."""
    print(f"\n{module}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder:
        kept = Path(folder) / "figures"
        kept.touch()
        command = [sys.executable, "-m", module, *(["--quick"] if is_quick else [])]
        subprocess.run(command, cwd=CHECKOUT, env=os.environ | {KEPT_IN: str(kept)}, check=False)
        written = kept.read_bytes().splitlines()
    figures = tuple(msgspec.json.decode(line, type=Figure) for line in written if line != END)
    return Part(module, figures, time.monotonic() - began, is_failed=END not in written)


def lines(parts: list[Part], *, is_judged: bool) -> list[str]:
    """Return the table: goal, figure and verdict of everything that has a goal or explains one."""
    found = ["", f"{'':<62} {'figure':>9} {'unit':<6} {'goal':<9} verdict"]
    for part in parts:
        found.append(f"{part.module}, {part.seconds:.0f} seconds{': FAILED' if part.is_failed else ''}")
        found += [f"  {figure.line(is_judged=is_judged)}" for figure in part.figures]
    judged = [figure for part in parts for figure in part.figures if figure.claim]
    broken = sum(figure.is_broken for figure in judged)
    verdict = f"{broken or 'no'} missed" if is_judged else "none judged"
    failed = sum(part.is_failed for part in parts)
    minutes = sum(part.seconds for part in parts) / 60
    found.append(f"{minutes:.0f} minutes; {len(judged)} goals, {verdict}; {failed or 'no'} part(s) failed")
    return found


if __name__ == "__main__":
    main()
