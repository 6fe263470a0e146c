"""Show one tenant as the JSON file that apply_tenant accepts."""

from __future__ import annotations

import json
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from kingsync import tenant_file
from kingsync.management.lookup import tenant_of


class Command(BaseCommand):
    help = "Show one tenant as JSON; secrets read ***, which apply_tenant leaves as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def handle(self, *args: object, **options: str) -> None:
        document = tenant_file.show(tenant_of(options["slug"]))
        self.stdout.write(json.dumps(document, indent=1, ensure_ascii=False))
