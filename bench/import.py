"""How fast imports are, against a bare loop over the same pages and against other programs, all in this run.

`python -m bench.import [--quick]`, or with everything else `make bench`. Most is measured twice: with the sandboxes,
and with stubs that answer from memory, so that what is measured is us. Every peer takes its turn in each repetition.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench import goals, peers
from bench.figures import Figure, report
from bench.importer import Imported
from bench.vendors import Vendors
from bench.world import Company, World, world
from devservers.places import CHECKOUT, local_folder

PAGE_MS, BATCH_MS = 50, 20
# Why a bound that is missed is missed, as far as profiling told; see docs/performance.md.
DLT_POSTS = (
    "dlt does not post: it takes about 5 times the bare loop that does, so we would have to be twice as slow as that"
)

FIRST_SAVES = (
    "the loop saves nothing: a third of our time decodes, a third makes rows, and half of the clock is PostgreSQL's"
)
AGAIN_WAITS = (
    "a third of the clock waits for King's pages and a third for the database; hashing each record and finding its last"
    " hash is most of our own time"
)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many products each measurement uses, and how often it is repeated: the median counts."""

    products: int
    many: int
    repeats: int
    slow: int


class Took(msgspec.Struct, frozen=True):
    """How long a bare loop took, in all and of the processor."""

    seconds: float
    cpu_seconds: float


FULL = Size(products=100_000, many=400_000, repeats=3, slow=100_000)
QUICK = Size(products=2_000, many=8_000, repeats=1, slow=2_000)


def measure(here: World, size: Size) -> Iterator[Figure]:
    """Measure everything that we claim for imports; raise where a run did not succeed."""
    king = here.sandbox("king", "--records", str(size.products))
    for vendors in (Vendors.of_sandboxes(here, king), Vendors.of_stubs(here, king)):
        _floor("read", vendors.king)  # the stub asks the sandbox now
        yield from _first(vendors, size)
    yield from _memory(here, size)
    yield from _overlap(here, size)


def _first(vendors: Vendors, size: Size) -> Iterator[Figure]:
    floors, runs, scripts, mirrored = [], [], [], []
    for number in range(size.repeats):
        company = vendors.company(f"first-{vendors.name}-{number}")
        floors.append(_floor("post", vendors.king, vendors.outsmart()))
        runs.append(_import(company, created_at_least=size.products * 9 // 10))
        vendors.expect_posted(company, runs[-1].counts["created"])
        script = vendors.company(f"script-{vendors.name}-{number}")
        scripts.append(peers.orm_seconds(script.slug, vendors.king, script.outsmart))
        mirrored.append(_mirrored(vendors.company(f"mirror-{vendors.name}-{number}").slug))
    first, floor, load = _median(runs), _median(floors), statistics.median(mirrored)
    name = f"{vendors.name}: first import of {size.products}"
    bound = goals.AT_MOST[goals.FIRST]
    yield Figure(f"{name}, of fetching, parsing and posting", first / floor, bound=bound, why=FIRST_SAVES)
    yield Figure("  processor time alone, of the bare loop's", _processor(runs) / _processor(floors))
    yield Figure("  products a second", size.products / first, "/s")
    yield Figure("  peak memory", max(run.peak_mib for run in runs), "MiB", bound=goals.AT_MOST[goals.MEMORY])
    yield Figure("  requests and ORM script, of our import", statistics.median(scripts) / first)
    dlt, database = peers.Dlt(vendors.here.folder, local_folder(), vendors.name), os.environ["DATABASE_URL"]
    peer = dlt.load(vendors.king, database)
    yield Figure("  dlt's first load, of the bare loop", peer / floor)
    yield Figure(
        "  dlt's first load, of our import", peer / first, at_least=goals.AT_LEAST[goals.DLT_POSTING], why=DLT_POSTS
    )
    read = _floor("read", vendors.king).seconds
    why = f"{read / load:.2f} of our load is fetching and parsing, the rest makes rows and waits for the database"
    yield Figure("  dlt's first load, of our load alone", peer / load, at_least=goals.AT_LEAST[goals.DLT_LOAD], why=why)
    singer = peers.Singer(vendors.here.folder, local_folder(), vendors.name)
    yield Figure("  Singer's first load, of our load alone", singer.load(vendors.king, database) / load)
    yield from _again(vendors, company, size, dlt, changed=0, bound=goals.AT_MOST[goals.UNCHANGED])
    yield from _again(vendors, company, size, dlt, changed=size.products // 100, bound=goals.AT_MOST[goals.CHANGED])


def _again(
    vendors: Vendors, company: Company, size: Size, dlt: peers.Dlt, *, changed: int, bound: float
) -> Iterator[Figure]:
    """Import everything once more, with `changed` records changed each time."""
    reads, runs = [], []
    for number in range(size.repeats):
        # Another price than with the other vendors, who have the same records.
        vendors.change(changed, price=19 + number + 10 * vendors.is_stub)
        _floor("read", vendors.king)
        reads.append(_floor("read", vendors.king))
        runs.append(_import(company))
        vendors.expect_posted(company, changed)
        if runs[-1].counts["updated"] != changed:
            raise RuntimeError(f"{changed} records were to change, but the counts are {runs[-1].counts}.")
    name = f"{vendors.name}: {changed} changed" if changed else f"{vendors.name}: nothing changed"
    ratio = _median(runs) / _median(reads)
    yield Figure(f"{name}, of fetching and parsing alone", ratio, bound=bound, why=AGAIN_WAITS)
    yield Figure("  processor time alone, of the bare loop's", _processor(runs) / _processor(reads))
    peer = dlt.load(vendors.king, os.environ["DATABASE_URL"])
    ours = peer / _median(runs)
    yield Figure("  dlt's load, of our import", ours, at_least=goals.AT_LEAST[goals.DLT_AGAIN], why=AGAIN_WAITS)


def _memory(here: World, size: Size) -> Iterator[Figure]:
    """Compare the peak memory of importing four times as many records; each import runs twice."""
    peaks = {}
    for count in (size.products, size.many):
        vendors = Vendors.of_sandboxes(here, here.sandbox("king", "--records", str(count)))
        company = vendors.company(f"memory-{count}")
        peaks[count] = max(_import(company).peak_mib, _import(company).peak_mib)
    yield Figure(
        f"peak memory, {size.many} of {size.products}",
        peaks[size.many] / peaks[size.products],
        bound=goals.AT_MOST[goals.MEMORY_GROWTH],
    )
    yield Figure(f"peak memory with {size.many}", peaks[size.many], "MiB", bound=goals.AT_MOST[goals.MEMORY])


def _overlap(here: World, size: Size) -> Iterator[Figure]:
    """Use a slow King and a slow OutSmart: reading and posting wait at the same time."""
    king = here.sandbox("king", "--records", str(size.slow), "--latency", str(PAGE_MS))
    for latency in (0, BATCH_MS):
        outsmart = here.sandbox("outsmart", "--work-orders", "0", "--latency", str(latency))
        company = Company(f"slow-{latency}", king=king, outsmart=outsmart, folder=here.folder)
        company.settle()
        spare = here.sandbox("outsmart", "--work-orders", "0", "--latency", str(latency))
        read, post = _floor("read", king).seconds, _floor("only-post", king, spare).seconds
        done, bound = _import(company), goals.AT_MOST[goals.OVERLAP]
        name = f"{PAGE_MS} ms a page, {latency} ms a batch: of the longer one alone"
        why = f"while it reads and posts, the import also computes: {done.cpu_seconds / done.seconds:.2f} of a core"
        yield Figure(name, done.seconds / max(read, post), bound=bound, why=why)


def _import(company: Company, *, created_at_least: int = 0) -> Imported:
    command = [sys.executable, "-m", "bench.importer", company.slug]
    told = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
    done = msgspec.json.decode(told, type=Imported)
    if done.status != "succeeded" or done.counts["created"] < created_at_least:
        raise RuntimeError(f"The import ended as {done.status} with {done.counts}.")
    return done


def _mirrored(slug: str) -> float:
    """Return the seconds of what dlt does, by our means: King's pages into PostgreSQL, no more."""
    command = [sys.executable, "-m", "bench.importer", slug, "mirror"]
    return float(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _floor(*arguments: str) -> Took:
    command = [sys.executable, "-m", "bench.import_floor", *arguments]
    told = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Took(*map(float, told.split()))


def _median(runs: Sequence[Imported | Took]) -> float:
    return statistics.median(run.seconds for run in runs)


def _processor(runs: Sequence[Imported | Took]) -> float:
    return statistics.median(run.cpu_seconds for run in runs)


def main() -> None:
    """Measure with servers of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.import", description="How fast imports are.")
    parser.add_argument("--quick", action="store_true", help="few products: shows that it works, proves nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)) as here:
        is_kept = report(measure(here, QUICK if quick else FULL), is_judged=not quick)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
