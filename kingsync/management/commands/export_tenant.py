"""Export everything of one tenant to a zip file."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

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
        if path.exists():
            raise CommandError(f"{path} exists already. Choose another name.", returncode=2)
        try:
            with _whole_or_nothing(path) as file:
                rows = export.write(tenant, file)
                size = file.tell()
        except OSError as error:
            raise CommandError(
                f"{path} cannot be written: {error.strerror}. Nothing is left of it.", returncode=2
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(path), "bytes": size, "rows": rows}))
        else:
            self.stdout.write(f"{path}: {sum(rows.values())} rows, {size} bytes")


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which gets its name once it is complete and on disk; only its owner may read it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
