"""Write a zip file for who helps to find a fault, without secrets and personal data."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from kingsync.management import whole_file
from kingsync.management.lookup import tenant_of
from kingsync.upkeep.support import bundle


class Command(BaseCommand):
    help = (
        "Write what the doctor finds, versions, settings, the newest runs and their log; no secret and no name in it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a name that does not exist yet")
        parser.add_argument("--tenant", default="", metavar="SLUG", help="of this company only")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["tenant"]) if options["tenant"] else None
        path = Path(options["file"])
        with whole_file.written(path) as file:
            names = bundle.write(file, tenant)
            size = file.tell()
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(path), "bytes": size, "files": names}))
        else:
            self.stdout.write(f"{path}: {', '.join(names)}, {size} bytes. Look into it before you send it.")
