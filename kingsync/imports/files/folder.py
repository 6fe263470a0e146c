"""Files that a King Job writes into the tenant's folder: registered once they are complete, each content once."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from integrations.king.xml import documents
from integrations.king.xml.file import FileError, XmlFile
from kingsync.imports.files import store
from kingsync.messages.reason_texts import reason_of, stored
from kingsync.models.king_files import KingFile

# King may still be writing: a file must have been unchanged for this long.
QUIET = datetime.timedelta(seconds=30)
# A file that is not well-formed after this long will not become so.
PATIENCE = datetime.timedelta(minutes=10)
_MAY_BECOME_WHOLE = frozenset({"file_broken", "file_encoding", "file_missing"})


@dataclass(frozen=True)
class _Seen:
    path: Path
    status: os.stat_result

    def age(self, now: datetime.datetime) -> datetime.timedelta:
        return now - datetime.datetime.fromtimestamp(self.status.st_mtime, tz=datetime.UTC)


def new_files(*, now: datetime.datetime | None = None) -> list[KingFile]:
    """Register the complete files of the tenant's folder with new content, oldest first; return their rows."""
    now = now or timezone.now()
    try:
        folder = store.folder()
    except store.NoFolderError:
        return []
    rows = (_taken(seen, now) for seen in _in(folder) if seen.age(now) >= QUIET)
    return [row for row in rows if row]


def _in(folder: Path) -> Iterator[_Seen]:
    """Yield the XML files of a folder, oldest first; no folders, no hidden files, no link that leads out of it."""
    if not folder.is_dir():
        return
    inside = folder.resolve()
    paths = (path for path in folder.iterdir() if path.suffix.lower() == ".xml" and not path.name.startswith("."))
    real = (path for path in paths if path.is_file() and path.resolve().is_relative_to(inside))
    yield from sorted((_Seen(path, path.stat()) for path in real), key=lambda seen: (seen.status.st_mtime, seen.path))


def _taken(seen: _Seen, now: datetime.datetime) -> KingFile | None:
    """Return the new row of a file; None for one that was seen before or is not complete yet."""
    place = str(seen.path.relative_to(settings.KING_XML_FOLDER))
    if _is_untouched(seen, place):
        return None
    digest = documents.digest_of(seen.path)
    if KingFile.objects.filter(digest=digest).exists():
        return None
    row = KingFile(name=store.clean_name(seen.path.name), path=place, size=seen.status.st_size, digest=digest)
    try:
        row.document = _document(seen, now)
    except FileError as error:
        if error.reason in _MAY_BECOME_WHOLE and seen.age(now) < PATIENCE:
            return None
        row.state, row.reason = KingFile.State.FAILED, dict(stored(reason_of(error)))
    # The file that waited under this name was overwritten: it can no longer be read.
    KingFile.objects.filter(state=KingFile.State.NEW, path=place).delete()
    row.save()
    return row


def _is_untouched(seen: _Seen, place: str) -> bool:
    """Return True when the file is known and unchanged, which saves reading it all to compare its content."""
    changed_at = datetime.datetime.fromtimestamp(max(seen.status.st_ctime, seen.status.st_mtime), tz=datetime.UTC)
    known = KingFile.objects.filter(path=place, size=seen.status.st_size, came_at__gt=changed_at)
    return known.exists()


def _document(seen: _Seen, now: datetime.datetime) -> str:
    """Return the root of a file; a recent one must be complete. Damage further on is found by the import."""
    file = XmlFile(key="", name=seen.path.name, path=str(seen.path))
    return documents.check(file) if seen.age(now) < PATIENCE else documents.document_of(file)
