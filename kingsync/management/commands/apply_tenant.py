"""Create or update one tenant from a JSON file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kingsync import tenant_file
from kingsync.models.tenants import Tenant


class Command(BaseCommand):
    help = "Create or update one tenant from a JSON file ('-' reads standard input). Nothing is stored on an error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        help_text = "switch to the King administration that the file names; without it another one is refused"
        parser.add_argument("--switch-administration", action="store_true", help=help_text)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            content = _content(options["file"])
            if options["switch_administration"]:
                self._switch(content)
            else:
                self._report_stored(tenant_file.apply(content))
        except tenant_file.TenantFileError as error:
            raise CommandError(str(error), returncode=2) from None

    def _switch(self, content: bytes) -> None:
        applied = tenant_file.apply_and_switch(content)
        self._report_stored(applied.tenant)
        if applied.switched:
            self._report(applied.switched)

    def _report_stored(self, tenant: Tenant) -> None:
        self.stderr.write(f"Tenant {tenant.slug} is stored.")

    def _report(self, switched: tenant_file.Switched) -> None:
        """List what stays open in the administration that was left."""
        self.stderr.write(f"Switched from administration {switched.before} to {switched.after}.")
        found = switched.open_work
        for state, count in found.by_state:
            self.stderr.write(f"Still open in {switched.before}: {count} {state.value}")
        for row in found.listed:
            self.stderr.write(
                f"  {row.order_number or row.outsmart_id:<20} {row.state:<12} {row.king_order_number or '-'}"
            )
        for row in found.locked:
            self.stderr.write(f"  King order {row.king_order_number} may still be locked by kingsync")
        if found.file_count:
            self.stderr.write(f"  {found.file_count} King files were not imported")


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}", returncode=2) from None
