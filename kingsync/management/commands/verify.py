"""Verify every exported work order now, in OutSmart and in King: it finds differences and changes neither."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from kingsync.exports.verification import runs as verification_run
from kingsync.exports.verification.checks import Found
from kingsync.management.lookup import tenant_of
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models import tenants

NOTHING_NEW, SOMETHING_FOUND, FAILED = 0, 1, 2


class Command(BaseCommand):
    help = "Compare every exported work order with OutSmart and with King now; write to neither."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["slug"])
        with tenants.scope(tenant), translation.override(tenant.language):
            found = verification_run.by_command()
            self._tell(found, as_json=options["json"])
        if _exit_code(found) != NOTHING_NEW:
            sys.exit(_exit_code(found))

    def _tell(self, found: Found, *, as_json: bool) -> None:
        error = sentence(stored(found.error)) if found.error else None
        counts = {
            "checked": len(found.checked),
            "changed": found.changed,
            "notices": found.notices,
            "left": found.left,
        }
        if as_json:
            self.stdout.write(json.dumps({**counts, "error": error}, ensure_ascii=False))
            return
        self.stdout.write(", ".join(f"{name} {number}" for name, number in counts.items()))
        if error:
            self.stderr.write(error)


def _exit_code(found: Found) -> int:
    if found.error:
        return FAILED
    return SOMETHING_FOUND if found.changed or found.notices or found.left else NOTHING_NEW
