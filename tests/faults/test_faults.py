"""A covering sample of the matrix: `python -m bench.faults` carries out all of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from integrations.king import names
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from tests.faults import document, matrix, operations
from tests.faults.faults import FAULTS
from tests.faults.jobs import Job
from tests.faults.matrix import Cell, Matrix
from tests.faults.operations import OPERATIONS
from tests.faults.world import worlds

# Of the sizes of large answers, and of the limits of answers.
SCALE = 8
NO_CALLS = {"king": {"alone", "covers"}, "outsmart": set[str]()}


@pytest.fixture(scope="module")
def judge() -> Iterator[Matrix]:
    with worlds(scale=SCALE) as world:
        yield Matrix(world)


def sample() -> list[Cell]:
    """Return cells in which every fault meets a read and a write of each system, and every operation some faults."""
    chosen: list[Cell] = []
    for system in document.SYSTEMS:
        for is_write in (False, True):
            rows = [each for each in OPERATIONS if (each.system, each.is_write) == (system, is_write)]
            count = max(len(FAULTS), 2 * len(rows))
            chosen += [
                # The odd step lets each operation meet faults that last and faults that do not.
                Cell(rows[number % len(rows)], FAULTS[number % len(FAULTS)], bool((number + number // len(rows)) % 2))
                for number in range(count)
            ]
    return chosen


@pytest.mark.django_db
@pytest.mark.parametrize("job", {cell.operation.job: None for cell in sample()}, ids=lambda job: job.name)
def test_nothing_is_doubled_lost_or_left_locked(judge: Matrix, job: Job) -> None:
    wrong = {}
    for cell, verdict in judge.verdicts(cell for cell in sample() if cell.operation.job is job):
        got, documented = document.letters(cell, verdict)
        if verdict.problems or got != documented:
            wrong[cell.name] = [*verdict.problems, f"{got}, in the document {documented}"]

    assert wrong == {}


def test_every_call_of_both_clients_is_in_the_matrix() -> None:
    for system, client in (("king", KingClient), ("outsmart", OutSmartClient)):
        methods = {name for name, _ in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}
        tried = {each.method for each in OPERATIONS if each.system == system}

        assert methods - NO_CALLS[system] == tried | operations.UNUSED[system]
    assert {each.target.operation for each in OPERATIONS if each.system == "king"} == names.OPERATIONS


def test_the_document_has_every_cell() -> None:
    said = document.read(document.DOCUMENT.read_text())

    assert set(said) == {(cell.operation.name, cell.fault.name) for cell in matrix.cells()}


def test_the_sample_covers_every_operation_and_fault() -> None:
    chosen = sample()

    assert all(sum(cell.operation is each for cell in chosen) >= 2 for each in OPERATIONS)
    for fault in FAULTS:
        met = {(cell.operation.system, cell.operation.is_write) for cell in chosen if cell.fault is fault}
        assert len(met) == 4, fault.name
