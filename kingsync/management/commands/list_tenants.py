"""List the tenants of this installation."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Q

from kingsync.management.output import quiet_when_nobody_reads
from kingsync.models.tenants import Role, Tenant


class Command(BaseCommand):
    help = "List the tenants: short name, name, licence, users, and whether one is being deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON array on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        is_owner = Q(memberships__role=Role.OWNER)
        rows = Tenant.objects.annotate(users=Count("memberships"), owners=Count("memberships", filter=is_owner))
        found = [_entry(row) for row in rows.order_by("slug")]
        with quiet_when_nobody_reads():
            if options["json"]:
                self.stdout.write(json.dumps(found, ensure_ascii=False))
                return
            for entry in found:
                self.stdout.write(_line(entry))


def _entry(row: Any) -> dict[str, object]:
    return {
        "slug": row.slug,
        "name": row.name,
        "licensed": row.is_licence_active,
        "licensed_until": row.licensed_until.isoformat() if row.licensed_until else None,
        "users": row.users,
        "owners": row.owners,
        "created_at": row.created_at.isoformat(),
        "deleted_after": row.closing_at.isoformat() if row.closing_at else None,
    }


def _line(entry: dict[str, object]) -> str:
    licence = "licensed" if entry["licensed"] else "no licence"
    if entry["deleted_after"]:
        licence += f", deleted after {entry['deleted_after']}"
    return f"{entry['slug']:<30} {entry['name']} ({licence}; users: {entry['users']}, owners: {entry['owners']})"
