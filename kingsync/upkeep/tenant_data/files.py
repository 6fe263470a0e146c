"""A tenant's files outside the database: King's XML files and the journal of what was created."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings

from kingsync.imports.files import store
from kingsync.runs import journal


def king_folder(slug: str) -> Path | None:
    """Return the folder of King's XML files; None when there is none."""
    found = store.folder_of(slug) if settings.KING_XML_FOLDER else None
    return found if found and (found.is_dir() or found.is_symlink()) else None


def found(slug: str, tenant_id: int) -> list[Path]:
    """Return every file and folder of a tenant."""
    folder = king_folder(slug)
    return [*([folder, *folder.rglob("*")] if folder else []), *journal.files_of(tenant_id)]


def remove(slug: str, tenant_id: int) -> int:
    """Remove them and return how many files that were; raises `OSError`. What a link points to stays."""
    files = [path for path in found(slug, tenant_id) if path.is_symlink() or not path.is_dir()]
    for path in journal.files_of(tenant_id):
        path.unlink(missing_ok=True)
    folder = king_folder(slug)
    if folder and folder.is_symlink():
        folder.unlink()
    elif folder:
        shutil.rmtree(folder)
    return len(files)
