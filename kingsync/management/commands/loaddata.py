"""`manage.py loaddata`: Django's, as the owner of the tables, for the rows of all tenants."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import loaddata

from kingsync.database import sessions


class Command(loaddata.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with sessions.as_owner():
            return super().handle(*args, **options)
