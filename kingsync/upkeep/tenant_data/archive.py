"""Read the zip file of an exported tenant: whole, of our format, of the same tables and columns as here."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kingsync.models.tenants import Tenant
from kingsync.upkeep.tenant_data import export, tables
from kingsync.upkeep.tenant_data.tables import Model

KING_XML, JOURNAL = "king-xml/", "journal/"
Row = dict[str, Any]


class ArchiveError(Exception):
    """The file cannot be imported; the text says why and what to do."""


@dataclass(frozen=True)
class Archive:
    zipped: zipfile.ZipFile
    slug: str
    made_at: str
    counts: Mapping[str, int]

    def rows(self, model: Model) -> Iterator[tuple[str, Row]]:
        """Yield each row of a table as it is written, and decoded. Raises `ArchiveError`."""
        return self._rows(export.name_of(model), {each.column for each in model._meta.concrete_fields})

    def users(self) -> Iterator[Row]:
        return (row for _text, row in self._rows(export.USERS, set(export.USER_COLUMNS)))

    def _rows(self, name: str, columns: set[str]) -> Iterator[tuple[str, Row]]:
        number = 0
        with self._opened(name) as file:
            for line in io.TextIOWrapper(file, "utf-8"):
                row = json.loads(line)
                if not isinstance(row, dict) or row.keys() != columns:
                    raise ArchiveError(
                        f"{name} has other columns than this version of kingsync. "
                        "Bring both installations to the same version and export again."
                    )
                number += 1
                yield line, row
        if number != self.counts[name]:
            raise ArchiveError(f"{name} has {number} rows instead of {self.counts[name]}. Export again.")

    def files(self, folder: str) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
        """Yield the files below a folder of the zip by their paths in it. Raises `ArchiveError`."""
        for name in self.zipped.namelist():
            if name.startswith(folder) and not name.endswith("/"):
                path = PurePosixPath(name.removeprefix(folder))
                if path.is_absolute() or ".." in path.parts or "\\" in name:
                    raise ArchiveError(f"The file has an impossible name in it: {name}")
                with self._opened(name) as file:
                    yield path, file

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self.zipped.open(name) as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError) as error:
            raise ArchiveError(
                f"{name} cannot be read ({type(error).__name__}). Copy or export the file again."
            ) from None


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an exported tenant. Raises `ArchiveError`, `OSError`."""
    try:
        zipped = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise ArchiveError("This is no file of export_tenant, or not a whole one.") from None
    with zipped:
        yield _checked(zipped)


def _checked(zipped: zipfile.ZipFile) -> Archive:
    try:
        manifest = json.loads(zipped.read("manifest.json"))
        kind, version = manifest["format"], manifest["version"]
        found = Archive(zipped, str(manifest["slug"]), str(manifest["made_at"]), dict(manifest["rows"]))
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error):
        raise ArchiveError("This is no file of export_tenant, or not a whole one.") from None
    if (kind, version) != (export.FORMAT, export.VERSION):
        raise ArchiveError(
            f"The file has format {kind} {version}; this version of kingsync reads {export.FORMAT} {export.VERSION}. "
            "Bring both installations to the same version and export again."
        )
    every: tuple[Model, ...] = (Tenant, *tables.of_tenants())
    ours = {export.USERS, *map(export.name_of, every)}
    if found.counts.keys() != ours:
        other = ", ".join(sorted(found.counts.keys() ^ ours))
        raise ArchiveError(
            f"The file has other tables than this version of kingsync ({other}). "
            "Bring both installations to the same version and export again."
        )
    return found
