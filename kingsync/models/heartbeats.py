"""When each part of the installation last said that it is alive. They belong to no tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """The newest heartbeat of a part; several workers of a kind are one. `kingsync.runs.heartbeats` writes it."""

    class Part(models.TextChoices):
        CLOCK = "clock", _("clock")
        EXPORTS = "exports", _("worker of exports")
        IMPORTS = "imports", _("worker of imports")
        # Of the broker when the clock reached it.
        BROKER = "broker", _("broker")

    PROCESSES: ClassVar = [Part.CLOCK, Part.EXPORTS, Part.IMPORTS]

    part = models.CharField(_("part"), max_length=10, choices=Part.choices, primary_key=True)
    at = models.DateTimeField(_("alive at"))
    # When an e-mail told operators of its silence; null while all is well.
    reported_at = models.DateTimeField(_("silence reported at"), null=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.get_part_display()
