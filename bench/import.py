"""How fast imports are, against a bare loop over the same pages and against dlt; every ratio measured in this run.

`python -m bench.import [--quick]`, or with everything else `make bench`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import requests

from bench.figures import Figure, report
from bench.importer import Imported
from bench.peers import Dlt
from bench.world import Company, World, world
from devservers.places import CHECKOUT, local_folder

PAGE_MS, BATCH_MS = 50, 20


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many products each measurement uses, and how often it is repeated: the median counts."""

    products: int
    many: int
    repeats: int
    slow: int


FULL = Size(products=100_000, many=400_000, repeats=3, slow=100_000)
QUICK = Size(products=2_000, many=8_000, repeats=1, slow=2_000)


def measure(here: World, size: Size) -> Iterator[Figure]:
    """Measure everything that we claim for imports; raise where a run did not succeed."""
    king = here.sandbox("king", "--records", str(size.products))
    dlt = Dlt(here.folder, local_folder() / "dlt")
    yield from _first(here, king, size, dlt)
    yield from _memory(here, size)
    yield from _overlap(here, size)


def _first(here: World, king: str, size: Size, dlt: Dlt) -> Iterator[Figure]:
    floors, reads, runs = [], [], []
    for number in range(size.repeats):
        company = _company(here, f"first-{number}", king)
        floors.append(_floor("post", king, here.sandbox("outsmart", "--work-orders", "0")))
        reads.append(_floor("read", king))
        runs.append(_import(company, created_at_least=size.products * 9 // 10))
    first, floor, read = _median(runs), statistics.median(floors), statistics.median(reads)
    peer = dlt.load(king, os.environ["DATABASE_URL"])
    yield Figure(f"first import of {size.products}, of fetching, parsing and posting alone", first / floor, bound=2.5)
    yield Figure("  dlt's first load, of our import", peer / first, at_least=5)
    yield Figure("  dlt's first load, of the bare loop", peer / floor)
    yield Figure("  dlt's first load, of our loading into PostgreSQL alone", peer / _mirrored(here, king), at_least=5)
    yield Figure("  products a second", size.products / first, "/s")
    yield Figure("  fetching and parsing alone", read, "s")
    yield from _again(company, size, dlt, changed=0, bound=1.5)
    yield from _again(company, size, dlt, changed=size.products // 100, bound=1.7)
    yield Figure(f"peak memory with {size.products}", max(run.peak_mib for run in runs), "MiB", bound=150)


def _again(company: Company, size: Size, dlt: Dlt, *, changed: int, bound: float) -> Iterator[Figure]:
    """Import everything once more, with `changed` records changed each time."""
    reads, runs = [], []
    for number in range(size.repeats):
        _change(company.king, changed, price=19 + number + bound)
        reads.append(_floor("read", company.king))
        runs.append(_import(company))
        if runs[-1].counts["updated"] != changed:
            raise RuntimeError(f"{changed} records were to change, but the counts are {runs[-1].counts}.")
    again = _median(runs)
    peer = dlt.load(company.king, os.environ["DATABASE_URL"])
    name = f"{changed} changed" if changed else "nothing changed"
    yield Figure(f"{name}, of fetching and parsing alone", again / statistics.median(reads), bound=bound)
    yield Figure("  dlt's load, of our import", peer / again, at_least=5)


def _memory(here: World, size: Size) -> Iterator[Figure]:
    """Compare the peak memory of importing four times as many records; each import runs twice."""
    peaks = {}
    for count in (size.products, size.many):
        company = _company(here, f"memory-{count}", here.sandbox("king", "--records", str(count)))
        peaks[count] = max(_import(company).peak_mib, _import(company).peak_mib)
    yield Figure(f"peak memory, {size.many} of {size.products}", peaks[size.many] / peaks[size.products], bound=1.2)
    yield Figure(f"peak memory with {size.many}", peaks[size.many], "MiB", bound=150)


def _overlap(here: World, size: Size) -> Iterator[Figure]:
    """Use a slow King and a slow OutSmart: reading and posting wait at the same time."""
    king = here.sandbox("king", "--records", str(size.slow), "--latency", str(PAGE_MS))
    for latency in (0, BATCH_MS):
        outsmart = here.sandbox("outsmart", "--work-orders", "0", "--latency", str(latency))
        company = _company(here, f"slow-{latency}", king, "--latency", str(latency))
        read, post = _floor("read", king), _floor("only-post", king, outsmart)
        name = f"{PAGE_MS} ms a page, {latency} ms a batch: of the longer one alone"
        yield Figure(name, _import(company).seconds / max(read, post), bound=1.15)


def _company(here: World, slug: str, king: str, *options: str) -> Company:
    outsmart = here.sandbox("outsmart", "--work-orders", "0", *options)
    company = Company(slug, king=king, outsmart=outsmart, folder=here.folder)
    company.settle()
    return company


def _import(company: Company, *, created_at_least: int = 0) -> Imported:
    command = [sys.executable, "-m", "bench.importer", company.slug]
    told = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
    done = msgspec.json.decode(told, type=Imported)
    if done.status != "succeeded" or done.counts["created"] < created_at_least:
        raise RuntimeError(f"The import ended as {done.status} with {done.counts}.")
    return done


def _mirrored(here: World, king: str) -> float:
    """Return the seconds of what dlt does, by our means: King's pages into PostgreSQL, no more."""
    slug = _company(here, "mirror", king).slug
    command = [sys.executable, "-m", "bench.importer", slug, "mirror"]
    return float(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _floor(*arguments: str) -> float:
    command = [sys.executable, "-m", "bench.import_floor", *arguments]
    return float(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _median(runs: list[Imported]) -> float:
    return statistics.median(run.seconds for run in runs)


def _change(king: str, count: int, price: float) -> None:
    """Change the price of every n-th article that may be sold."""
    if not count:
        return
    with requests.Session() as session:
        rows = session.get(f"{king}/_control/records/article").json()["records"]
        numbers = [row["ArtikelNummer"] for row in rows if not row["GeblokkeerdVoorVerkoop"]]
        for number in numbers[:: len(numbers) // count][:count]:
            url = f"{king}/_control/records/article/{quote(number, safe='')}"
            session.put(url, json={"VerkoopPrijsExclBtw": price}).raise_for_status()


def main() -> None:
    """Measure with servers of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.import", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few products: shows that it works, proves nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)) as here:
        is_kept = report(measure(here, QUICK if quick else FULL), is_judged=not quick)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
