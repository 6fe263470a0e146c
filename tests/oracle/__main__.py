"""`python -m tests.oracle`: compare many random work orders with the rules; exits with 1 where something differs.

`--orders 24000` compares that many, in batches of 200 with settings of their own, one process per core; `--seed`
chooses others; `--batch K` repeats one batch of a seed and shows its work orders; `--with all` leaves nothing out.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from time import monotonic

from tests import throwaway
from tests.oracle import features, workers


def main() -> None:
    asked = _arguments()
    with throwaway.environment("oracle"):
        os.environ[features.WITH] = " ".join(asked.features)
        numbers = [asked.batch] if asked.batch is not None else list(range(-(-asked.orders // workers.SIZE)))
        sys.exit(_compare(asked, numbers))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.oracle", description="Random exports against the rules.")
    parser.add_argument("--orders", type=int, default=2400, help="how many work orders (2400)")
    parser.add_argument("--seed", type=int, default=1, help="other work orders (1)")
    parser.add_argument("--batch", type=int, help="only this batch of the seed, with its work orders in full")
    parser.add_argument("--with", dest="features", nargs="+", default=[], help="what the product lacks; `all`")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _compare(asked: Namespace, numbers: list[int]) -> int:
    """Carry out the batches, printing a line for each; return the exit code."""
    context = multiprocessing.get_context("spawn")
    started, compared, differences = monotonic(), Counter[str](), 0
    workers.migrate()
    with ProcessPoolExecutor(asked.processes, mp_context=context, initializer=workers.set_up) as pool:
        is_detailed = asked.batch is not None
        jobs = [pool.submit(workers.batch_of, asked.seed, number, is_detailed=is_detailed) for number in numbers]
        for job in as_completed(jobs):
            name, counts, found = job.result()
            compared += counts
            differences += len(found)
            _tell(f"{name}  {counts.total()} compared, {len(found)} differ", *found)
    states = ", ".join(f"{name} {count}" for name, count in sorted(compared.items()))
    _tell(f"{compared.total()} compared in {monotonic() - started:.0f} s, {differences} differ ({states})")
    return 1 if differences else 0


def _tell(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
