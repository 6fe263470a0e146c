"""Import a tenant that `export_tenant` wrote, in another installation or in this one."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kingsync.upkeep.tenant_data import importing
from kingsync.upkeep.tenant_data.archive import ArchiveError
from kingsync.upkeep.tenant_data.importing import Imported


class Command(BaseCommand):
    help = "Import a tenant from a file of export_tenant: all of it or nothing; refused when its short name is taken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        path = Path(options["file"])
        try:
            imported = importing.read(path)
        except ArchiveError as error:
            raise CommandError(f"{error} Nothing was imported.", returncode=2) from None
        except OSError as error:
            where = error.filename or path
            raise CommandError(f"{where}: {error.strerror}. Nothing was imported.", returncode=2) from None
        self.stdout.write(json.dumps(_as_json(imported)) if options["json"] else _as_text(imported))


def _as_json(imported: Imported) -> dict[str, object]:
    return {
        "slug": imported.tenant.slug,
        "rows": imported.rows,
        "files": imported.files,
        "files_without_folder": imported.without_folder,
        "accounts": [{"email": each.email, "new_account": each.is_new} for each in imported.accounts],
    }


def _as_text(imported: Imported) -> str:
    slug = imported.tenant.slug
    lines = [f"{slug}: {sum(imported.rows.values())} rows, {imported.files} files"]
    if imported.without_folder:
        lines.append(f"{imported.without_folder} files were left out: KING_XML_FOLDER or JOURNAL_FOLDER is empty here.")
    new = [each.email for each in imported.accounts if each.is_new]
    if new:
        lines.append(f"New accounts, still without a password: {', '.join(new)}")
        lines.append(f"An owner gets a link from: manage.py create_owner {slug} EMAIL")
    lines.append(
        "Nothing runs before the credentials of OutSmart and King are filled in again (apply_tenant, or the page)."
    )
    return "\n".join(lines)
