"""`python -m bench.faults`: every operation of both systems meets every fault, once and until it is repaired.

Prints what is not as it must be; exits with 1 where something is. `--write` writes the table of docs/faults.md.
`--operation` and `--fault` choose by a part of their names.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from time import monotonic

import django

from tests import throwaway


def main() -> None:
    asked = _arguments()
    with throwaway.environment("faults"):
        django.setup()
        sys.exit(_carried_out(asked))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.faults", description="Every operation meets every fault.")
    parser.add_argument("--operation", default="", help="only those with this in their name")
    parser.add_argument("--fault", default="", help="only those with this in their name")
    parser.add_argument("--every", type=int, default=1, help="only every n-th cell")
    parser.add_argument("--part", default="1/1", help="only this part of the operations: 1/2 and 2/2 run side by side")
    parser.add_argument("--scale", type=int, default=1, help="divide the sizes of large answers (1)")
    parser.add_argument("--results", type=Path, help="keep the verdicts in this file, and leave out what it has")
    parser.add_argument("--write", action="store_true", help="write the table of docs/faults.md")
    parser.add_argument("--verbose", action="store_true", help="a line for each cell")
    return parser.parse_args()


def _carried_out(asked: Namespace) -> int:
    """Carry out the cells and return the exit code."""
    from django.core.management import call_command  # noqa: PLC0415  (Django is set up by now)

    from tests.faults import document, matrix  # noqa: PLC0415
    from tests.faults.operations import OPERATIONS  # noqa: PLC0415
    from tests.faults.world import worlds  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    part, parts = map(int, asked.part.split("/"))
    chosen = [
        each
        for each in matrix.cells()
        if OPERATIONS.index(each.operation) % parts == part - 1
        and asked.operation in each.operation.name
        and asked.fault in each.fault.name
    ][:: asked.every]
    found = document.kept(asked.results)
    began, broken = monotonic(), 0
    with worlds(scale=asked.scale) as world:
        judge = matrix.Matrix(world)
        for number, (cell, verdict) in enumerate(judge.verdicts(each for each in chosen if each not in found), 1):
            found[cell] = verdict
            document.keep(asked.results, cell, verdict)
            broken += bool(verdict.problems)
            if verdict.problems or asked.verbose:
                _tell(f"{cell.name}: {verdict.outcome}", *verdict.said, *(f"PROBLEM {it}" for it in verdict.problems))
            if number % 100 == 0:
                _tell(f"{len(found)} of {len(chosen)} cells, {monotonic() - began:.0f} s")
    if asked.write:
        document.write(found)
    _tell(f"{len(found)} cells, {broken} not as they must be, {monotonic() - began:.0f} s")
    return 1 if broken else 0


def _tell(*lines: str) -> None:
    sys.stdout.writelines(("    " if number else "") + f"{line}\n" for number, line in enumerate(lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
