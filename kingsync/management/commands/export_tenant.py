"""Export everything of one tenant to a zip file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from kingsync.management import whole_file
from kingsync.management.lookup import tenant_of
from kingsync.upkeep.tenant_data import export


class Command(BaseCommand):
    help = "Export everything of one tenant to a zip file, without secrets; runs and pages go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("file", metavar="FILE", help="a name that does not exist yet")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant, path = tenant_of(options["slug"]), Path(options["file"])
        with whole_file.written(path) as file:
            rows = export.write(tenant, file)
            size = file.tell()
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(path), "bytes": size, "rows": rows}))
        else:
            self.stdout.write(f"{path}: {sum(rows.values())} rows, {size} bytes")
