"""Create or update one tenant from a JSON file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from kingsync import tenant_file


class Command(BaseCommand):
    help = "Create or update one tenant from a JSON file ('-' reads standard input). Nothing is stored on an error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")

    def handle(self, *args: object, **options: str) -> None:
        try:
            tenant = tenant_file.apply(_content(options["file"]))
        except tenant_file.TenantFileError as error:
            raise CommandError(str(error), returncode=2) from None
        self.stderr.write(f"Tenant {tenant.slug} is stored.")


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}", returncode=2) from None
