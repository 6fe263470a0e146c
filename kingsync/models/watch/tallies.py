"""What happened in any process since the installation began: `/metrics` shows it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tally(models.Model):
    """One series of a counter or histogram. It belongs to no tenant; `kingsync.watch.tallies` adds to it."""

    # The sample's name in Prometheus, and its labels as JSON with sorted keys.
    sample = models.CharField(_("sample"), max_length=100)
    labels = models.CharField(_("labels"), max_length=300)
    value = models.FloatField(_("value"), default=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [models.UniqueConstraint(fields=["sample", "labels"], name="one_tally_per_series")]

    def __str__(self) -> str:
        return f"{self.sample}{self.labels}"
