"""The Django application."""

from __future__ import annotations

import importlib

from django.apps import AppConfig
from django.core import checks

from kingsync import garbage


class KingsyncConfig(AppConfig):
    name = "kingsync"
    verbose_name = "kingsync"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the audit trail of logins and our check of the database.

        The last thing at a start: we are the last of the applications.
        """
        # Whichever page a login comes through.
        importlib.import_module("kingsync.accounts.login_trail").connect()
        checks.register(importlib.import_module("kingsync.upkeep.wall_check").check, checks.Tags.database)
        garbage.resume()
