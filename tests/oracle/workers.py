"""What each process of the long comparison does; its own module, because a new process imports it by name."""

from __future__ import annotations

import signal
from collections import Counter

import django
from django.core.management import call_command

from kingsync.parents_death import signal_at_parents_death
from tests.oracle import features

SIZE = 200


def migrate() -> None:
    """Create the tables, in the one process that starts the others."""
    django.setup()
    call_command("migrate", verbosity=0)


def set_up() -> None:
    """Set up a process that ends with the command."""
    signal_at_parents_death(signal.SIGTERM)
    django.setup()


def batch_of(seed: int, number: int, *, is_detailed: bool) -> tuple[str, Counter[str], list[str]]:
    """Carry out one batch; return its name, what it compared, and what differs."""
    from tests.oracle.runner import Batch  # noqa: PLC0415  (Django is set up by then)

    batch = Batch(seed, number, size=SIZE, features_out=features.left_out())
    report = batch.run()
    return batch.name, report.compared, batch.told(is_detailed=is_detailed)
