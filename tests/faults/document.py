"""The tables of docs/faults.md, made from the verdicts of the whole matrix: `python -m bench.faults --write`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tests.faults.faults import FAULTS
from tests.faults.matrix import AFTER_REPAIR, NEXT_RUN, SAME_RUN, Cell, Verdict, cells
from tests.faults.operations import OPERATIONS, Operation

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
START, END = "<!-- matrix -->\n", "<!-- /matrix -->"
LETTERS = {SAME_RUN: "S", NEXT_RUN: "N", AFTER_REPAIR: "R"}
SYSTEMS = {"king": "King", "outsmart": "OutSmart"}
Row = tuple[str, str]  # an operation and a fault, by name


def write(found: Mapping[Cell, Verdict]) -> None:
    """Write the tables into the document. Raises ValueError where a cell is missing."""
    missing = [cell.name for cell in cells() if cell not in found]
    if missing:
        raise ValueError(f"{len(missing)} cells were not carried out, {missing[0]} for one")
    before, _, rest = DOCUMENT.read_text().partition(START)
    DOCUMENT.write_text(before + START + "\n".join(_lines(found)) + "\n" + END + rest.partition(END)[2])


def kept(file: Path | None) -> dict[Cell, Verdict]:
    """Return the verdicts of a file."""
    if file is None or not file.exists():
        return {}
    by_name = {cell.name: cell for cell in cells()}
    rows = [msgspec.json.decode(line, type=tuple[str, Verdict]) for line in file.read_bytes().splitlines()]
    return {by_name[name]: verdict for name, verdict in rows if name in by_name}


def keep(file: Path | None, cell: Cell, verdict: Verdict) -> None:
    """Add a verdict to a file if nothing is wrong with it."""
    if file is not None and not verdict.problems:
        with file.open("ab") as opened:
            opened.write(msgspec.json.encode((cell.name, verdict)) + b"\n")


def letters(cell: Cell, verdict: Verdict) -> tuple[str, str]:
    """Return the letter of a verdict, and that of the document for this cell."""
    once, lasting = read(DOCUMENT.read_text())[cell.operation.name, cell.fault.name].split()
    return LETTERS[verdict.outcome], lasting if cell.is_lasting else once


def read(document: str) -> dict[Row, str]:
    """Return what the tables of the document say, by operation and fault: two letters, once and lasting."""
    said: dict[Row, str] = {}
    parts = document.partition(START)[2].partition(END)[0].split("\n### ")
    for part in (each for each in parts if each.startswith(tuple(SYSTEMS.values()))):
        columns = dict(re.findall(r"^- \*\*([A-Z]+)\*\*: (.*)$", part, flags=re.MULTILINE))
        rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
        for name, *entries in rows[2:]:  # after the head and its line
            for faults, entry in zip(columns.values(), entries, strict=True):
                said |= {(name, fault): entry for fault in faults.split("; ")}
    return said


def _lines(found: Mapping[Cell, Verdict]) -> Iterator[str]:
    for system, name in SYSTEMS.items():
        operations = [each for each in OPERATIONS if each.system == system]
        yield f"\n### {name}\n"
        yield from _table(operations, _entries(found, operations))
    yield "\n### Sentences\n"
    yield from _sentences(found)


def _entries(found: Mapping[Cell, Verdict], operations: list[Operation]) -> dict[str, tuple[str, ...]]:
    """Return fault → its column."""
    by_name = {(cell.operation, cell.fault.name, cell.is_lasting): verdict for cell, verdict in found.items()}

    def entry(operation: Operation, fault: str) -> str:
        return " ".join(LETTERS[by_name[operation, fault, is_lasting].outcome] for is_lasting in (False, True))

    return {fault.name: tuple(entry(operation, fault.name) for operation in operations) for fault in FAULTS}


def _table(operations: list[Operation], entries: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield a table in which faults with the same column share one."""
    columns: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for fault, column in entries.items():
        columns[column].append(fault)
    names = [chr(ord("A") + number) for number in range(len(columns))]
    yield from (f"- **{name}**: {'; '.join(faults)}" for name, faults in zip(names, columns.values(), strict=True))
    yield ""
    yield f"| Operation | {' | '.join(names)} |"
    yield f"| --- |{' --- |' * len(names)}"
    for number, operation in enumerate(operations):
        yield f"| {operation.name} | {' | '.join(column[number] for column in columns)} |"


def _sentences(found: Mapping[Cell, Verdict]) -> Iterator[str]:
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for cell, verdict in found.items():
        if verdict.sentence and cell.is_lasting:
            operation = cell.operation.target.operation
            words = verdict.sentence.replace(operation, "…").replace(SYSTEMS[cell.operation.system], "*System*", 1)
            said[cell.fault.name][words] = None
    yield "| Fault | What a run or page says while it lasts |"
    yield "| --- | --- |"
    yield from (f"| {fault} | {' · '.join(sentences)} |" for fault, sentences in said.items())
