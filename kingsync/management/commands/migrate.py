"""`manage.py migrate`: Django's, as the owner of the tables, and then the wall between tenants."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from kingsync.database import sessions
from kingsync.upkeep import tenant_wall


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Check, apply the migrations, and create what is missing of the wall, also for a restored database."""
        with sessions.as_owner():
            answer = super().execute(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            tenant_wall.build()
        return answer
