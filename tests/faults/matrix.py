"""One cell of the matrix: an operation meets a fault, once or until it is repaired; what both systems then hold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kingsync.king_mirror import connection_check
from kingsync.models.connections import Connection
from tests.faults.faults import FAULTS, MEGABYTE, Fault
from tests.faults.jobs import Done, Job
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.world import Truth, World, peak_memory

# What an operation needs beside its answer, and how often it may hold that.
ORDINARY_BYTES, TIMES_HELD = 6 * MEGABYTE, 2.5
# How often the product gets to go on after the fault is over; each time it should be enough.
MORE_RUNS = 3
BETWEEN_RUNS_SECONDS = 900.0
SAME_RUN, NEXT_RUN, AFTER_REPAIR = "same run", "next run", "after repair"
# An address, a secret, a stack, a value that is missing, or no end: only the vendor's own words need no full stop.
_NO_SENTENCE = re.compile(r"https?://|sandbox-|\n|Traceback|%\(|:\s*$|^[^:]*[^.]$")


@dataclass(frozen=True)
class Cell:
    operation: Operation
    fault: Fault
    is_lasting: bool

    @property
    def name(self) -> str:
        return f"{self.operation.name} - {self.fault.name} - {'lasting' if self.is_lasting else 'once'}"


@dataclass
class Verdict:
    """`outcome` is when all is well; `sentence` is that of the first run itself; `problems` must be empty.

    `said` are all the sentences that there are after the first run.
    """

    outcome: str = ""
    sentence: str = ""
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Matrix:
    """Carries out cells in one world. The scene of a job is set once for all its cells."""

    def __init__(self, world: World) -> None:
        self._world = world

    def verdicts(self, chosen: Iterable[Cell]) -> Iterator[tuple[Cell, Verdict]]:
        """Yield each cell with its verdict, those of one job after the other."""
        scenes: dict[tuple[Job, bool], list[Cell]] = defaultdict(list)
        for cell in chosen:
            scenes[cell.operation.job, bool(cell.fault.certificate)].append(cell)
        for (job, is_tls), those in scenes.items():
            with self._world.fresh(is_tls=is_tls, **job.settings):
                job.prepare(self._world)
                wanted = self._undisturbed(job)
                for cell in those:
                    with self._world.branch():
                        verdict = _Play(self._world, cell, wanted).verdict()
                    yield cell, verdict

    def _undisturbed(self, job: Job) -> Truth:
        """Return what a job leaves behind without a fault."""
        with self._world.branch():
            done = job.run(self._world)
            assert done.is_well or job.is_refused, done
            return self._world.truth()


class _Play:
    """One cell, in a fresh world."""

    def __init__(self, world: World, cell: Cell, wanted: Truth) -> None:
        self._world, self._cell, self._wanted = world, cell, wanted
        self._found = Verdict()

    def verdict(self) -> Verdict:
        world, job, found = self._world, self._cell.operation.job, self._found
        before = world.said()
        world.injector.arm(self._cell.operation.target, self._cell.fault, is_lasting=self._cell.is_lasting)
        with self._bounded():
            done = job.run(world)
        world.injector.disarm()
        self._require(world.injector.met > 0, "the job never came to the fault")
        found.sentence = done.sentence
        found.said = [each for each in dict.fromkeys([done.sentence, *world.said()]) if each and each not in before]
        self._check_sentences(done)
        self._check_nothing_double()
        self._go_on(done)
        found.problems += world.time.too_long + world.crashes
        self._require(not world.injector.was_redirected(), "a redirect was followed")
        return found

    def _go_on(self, done: Done) -> None:
        """Repair what only people can, run again until all is as it would be without a fault."""
        world, found = self._world, self._found
        if done.is_well and world.truth() == self._wanted:
            found.outcome = SAME_RUN
            return
        is_paused = self._repair()
        found.outcome = AFTER_REPAIR if is_paused else NEXT_RUN
        for _ in range(MORE_RUNS):
            world.time.sleep(BETWEEN_RUNS_SECONDS)
            self._cell.operation.job.run(world)
            self._check_nothing_double()
            if world.truth() == self._wanted:
                return
        found.problems += list(_differences(self._wanted, world.truth()))

    def _repair(self) -> bool:
        """Test the connections that are paused, as a person does; return whether there was one."""
        paused = list(Connection.objects.exclude(state="active"))
        for connection in paused:
            problem = connection_check.check_stored(connection)
            self._require(problem is None, f"the repaired connection is not well: {problem}")
        return bool(paused)

    # --- Checks -------------------------------------------------------------------------------------------------------

    def _require(self, is_right: bool, problem: str) -> None:
        if not is_right:
            self._found.problems.append(problem)

    def _check_sentences(self, done: Done) -> None:
        said = self._found.said
        for each in said:
            self._require(not _NO_SENTENCE.search(each), f"no good sentence: {each!r}")
            self._require("inside kingsync" not in each, f"a fault of ours: {each!r}")
        self._require(done.is_well or bool(said), "something went wrong and nothing says so")

    def _check_nothing_double(self) -> None:
        self._found.problems += self._world.duplicates()

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Measure the memory that a large answer takes, against its operation's limit."""
        if not self._cell.fault.is_large:
            yield
            return
        with peak_memory() as peak:
            yield
            held = peak()
        limit = ORDINARY_BYTES + TIMES_HELD * self._world.injector.max_bytes
        self._require(held < limit, f"held {held / MEGABYTE:.0f} MB, the limit is {limit / MEGABYTE:.0f} MB")


def _differences(wanted: Truth, got: Truth) -> Iterator[str]:
    for name, value in wanted.items():
        have = got[name]
        if have == value:
            continue
        if not (isinstance(value, list) and len(value) == len(have) and isinstance(value[0], dict)):
            yield f"{name}: expected {value}, got {have}"
            continue
        for one, other in zip(value, have, strict=True):
            yield from (
                f"{name}: {key} is {other[key]}, not {content}" for key, content in one.items() if other[key] != content
            )


def cells() -> list[Cell]:
    """Return every cell of the matrix."""
    return [
        Cell(operation, fault, is_lasting)
        for operation in OPERATIONS
        for fault in FAULTS
        for is_lasting in (False, True)
    ]
