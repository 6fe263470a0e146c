"""The queues of the broker, and the lists of Redis that each of them is: one for each priority in use."""

from __future__ import annotations

from kingsync.models.runs import RunKind

QUEUES = {RunKind.IMPORT: "imports", RunKind.EXPORT: "exports"}
# Of a message: the broker hands out those of the lowest number first, each in the order in which they came.
FIRST, USUAL = 0, 6
# What the broker's client puts between the name of a queue and a priority above zero.
_SEPARATOR = "\x06\x16"


def lists(queue: str) -> tuple[str, str]:
    """Return the keys of the lists in which the messages of a queue wait: what goes first, and all others."""
    return queue, f"{queue}{_SEPARATOR}{USUAL}"
