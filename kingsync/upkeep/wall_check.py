"""Django's system check of the wall between tenants: `manage.py check --database default`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from kingsync.database import sessions
from kingsync.upkeep import tenant_wall


def check(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Return an error for each gap; nothing while the owner is at work, who builds the wall after the migrations."""
    if "default" not in (databases or []) or sessions.default().is_owner:
        return []
    hint = "Run `manage.py migrate`; a role above the wall must lose SUPERUSER, BYPASSRLS and its memberships."
    return [checks.Error(problem, hint=hint, id="kingsync.E001") for problem in tenant_wall.problems()]
