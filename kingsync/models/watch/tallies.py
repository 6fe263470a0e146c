"""What happened in any process since the installation began: `/metrics` shows it."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """One series of a counter or histogram. It belongs to no tenant; `kingsync.watch.tallies` adds to it.

    No page shows it, so nothing of it has a name for people.
    """

    # The sample's name in Prometheus, and its labels as JSON with sorted keys.
    sample = models.TextField()
    labels = models.TextField()
    value = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sample", "labels"], name="one_tally_per_series")]

    def __str__(self) -> str:
        return f"{self.sample}{self.labels}"
