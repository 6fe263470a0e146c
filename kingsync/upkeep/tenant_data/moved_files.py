"""The files of an imported tenant: those of King, and the journal, which keeps orders from being created twice."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.conf import settings

from kingsync.imports.files import store
from kingsync.models.tenants import Tenant
from kingsync.runs import journal
from kingsync.upkeep.tenant_data.archive import JOURNAL, KING_XML, Archive, ArchiveError

# As `kingsync.runs.journal` names them: tenant, administration, purpose.
_JOURNAL_NAME = re.compile(r"(\d+)-([0-9a-f]{16}-[a-z]+\.jsonl)")


@contextmanager
def removed_on_error() -> Iterator[list[Path]]:
    """Give a list for the files that the block writes; they go again if it fails."""
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        for path in reversed(written):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        raise


def restore(found: Archive, tenant: Tenant, *, old_key: int, written: list[Path]) -> tuple[int, int]:
    """Write the files; return how many, and how many have no folder here. Raises `ArchiveError`, `OSError`."""
    before = len([path for path in written if path.is_file()])
    without = _journals(found, tenant, old_key, written) + _king_files(found, tenant, written)
    return len([path for path in written if path.is_file()]) - before, without


def _journals(found: Archive, tenant: Tenant, old_key: int, written: list[Path]) -> int:
    without, folder = 0, journal.folder()
    for path, content in found.files(JOURNAL):
        name = _JOURNAL_NAME.fullmatch(str(path))
        if name is None or int(name[1]) != old_key:
            raise ArchiveError(f"{path} is no journal of this tenant. Export again.")
        if folder is None:
            without += 1
        else:
            _write(folder / f"{tenant.pk}-{name[2]}", content, written)
    return without


def _king_files(found: Archive, tenant: Tenant, written: list[Path]) -> int:
    files = found.files(KING_XML)
    if not settings.KING_XML_FOLDER:
        return sum(1 for _file in files)
    for path, content in files:
        _write(store.folder_of(tenant.slug) / path, content, written)
    return 0


def _write(path: Path, content: IO[bytes], written: list[Path]) -> None:
    """Write a file that does not exist yet, on disk before this returns; only its owner may read it."""
    missing = [each for each in path.parents if not each.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    written.extend(reversed(missing))
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            written.append(path)
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ArchiveError(f"{path} exists already. Move it away, then import again.") from None
