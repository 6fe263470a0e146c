"""The Django application."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class KingsyncConfig(AppConfig):
    name = "kingsync"
    verbose_name = "kingsync"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make our Celery application the default in every thread, so that pages and commands send to our broker.

        And let logins leave entries in the audit trail, whichever page they come through.
        """
        importlib.import_module("kingsync.celery").app.set_default()
        importlib.import_module("kingsync.accounts.login_trail").connect()
