"""`python -m bench`: the speed that we claim, measured. Exits with 1 when a bound is broken."""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from bench import export
from bench.figures import report
from bench.world import world


def main() -> None:
    """Measure with servers of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench", description="What we claim about speed, measured here.")
    parser.add_argument(
        "--quick", action="store_true", help="few work orders: shows that all of it works, proves nothing"
    )
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)) as here:
        size = export.QUICK if quick else export.FULL
        is_kept = report(export.measure(here, size), is_judged=not quick)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
