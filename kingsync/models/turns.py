"""Turns for calling a King administration: one call at a time, whichever tenant, run or page makes it.

These tables belong to no tenant: two tenants may share one administration. `kingsync.runs.turns` reads and writes them.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Caller(models.TextChoices):
    EXPORT = "export", _("export")
    PAGE = "page", _("page")
    IMPORT = "import", _("import")
    VERIFICATION = "verify", _("verification")


class KingTurn(models.Model):
    """Who may call an administration now; over when `until` has passed. `holder` is empty when no one does."""

    key = models.CharField(_("administration"), max_length=600, primary_key=True)
    holder = models.CharField(_("held by"), max_length=200, blank=True)
    caller = models.CharField(_("for"), max_length=10, choices=Caller.choices, blank=True)
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("turn at King")
        verbose_name_plural = _("turns at King")

    def __str__(self) -> str:
        return self.key


class KingTurnRequest(models.Model):
    """A caller that waits for a turn; dropped when `until` has passed without a heartbeat."""

    holder = models.CharField(_("waits"), max_length=200, primary_key=True)
    key = models.CharField(_("administration"), max_length=600, db_index=True)
    caller = models.CharField(_("for"), max_length=10, choices=Caller.choices)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("wait for a turn at King")
        verbose_name_plural = _("waits for a turn at King")

    def __str__(self) -> str:
        return f"{self.key} {self.caller}"
