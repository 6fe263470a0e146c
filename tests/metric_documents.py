"""The table of metrics in docs/watch.md, made from the code: `make docs` writes it, the gate compares it."""

from __future__ import annotations

from pathlib import Path

from kingsync.watch import catalog
from kingsync.watch.catalog import Metric

DOCUMENT = Path(__file__).parents[1] / "docs" / "watch.md"
START, END = "<!-- metrics -->\n", "<!-- /metrics -->"


def write() -> None:
    DOCUMENT.write_text(written(DOCUMENT.read_text()))


def written(document: str) -> str:
    """Return the document with the text between its markers replaced by what the code says now."""
    assert document.count(START) == document.count(END) == 1
    return document[: document.index(START) + len(START)] + table() + document[document.index(END) :]


def table() -> str:
    rows = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |", *map(_row, catalog.ALL)]
    return "\n".join(rows) + "\n"


def _row(metric: Metric) -> str:
    bounds = ", ".join(f"{bound:g}" for bound in metric.bounds)
    meaning = metric.meaning + (f" Buckets up to {bounds} s." if bounds else "")
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} |"


if __name__ == "__main__":
    write()
