"""Journal of what was created in the other systems, stored outside the database.

An export writes a King order here (one line before and one after `Order_Toevoegen`), an import a work order in OutSmart
(one line before). A restored database does not know what its journal names. The files carry the identity of the
database, so that a new one does not mistake them for its own. Without a folder, or if a line cannot be written, exports
go on: King is still asked what it has of ours.
"""

from __future__ import annotations

import enum
import errno
import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from django.conf import settings
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.restores import Installation

logger = logging.getLogger(__name__)

ABOUT_TO, NOT_MADE, MARK = "", "-", "mark"
_TAIL_BYTES = 4096


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """`number` is King's, or one of the words above; in a mark `reference` is its name."""

    at: str
    reference: str
    number: str


class Purpose(enum.StrEnum):
    EXPORTS = "exports"
    IMPORTS = "imports"


class Journal:
    """The journal of one tenant in one administration."""

    def __init__(self, administration: str, purpose: Purpose = Purpose.EXPORTS) -> None:
        self._path = _path_of(administration, purpose)
        self._is_broken = False

    def about_to_create(self, reference: str) -> None:
        """Record that an order is about to be created, on disk before this returns."""
        self._append(reference, ABOUT_TO, is_durable=True)

    def about_to_create_all(self, references: Iterable[str]) -> None:
        """Record the same for many at once."""
        self._append_all([(reference, ABOUT_TO) for reference in references], is_durable=True)

    def created(self, reference: str, number: str) -> None:
        self._append(reference, number)

    def not_created(self, reference: str) -> None:
        """Record that King surely has no order of this reference."""
        self._append(reference, NOT_MADE)

    def mark(self, name: str) -> None:
        """Record that a database has taken in everything above."""
        self._append(name, MARK, is_durable=True)

    def newest(self) -> list[Entry]:
        """Return the newest entries, oldest first."""
        return _read(self._bytes(_TAIL_BYTES))

    def all(self) -> list[Entry]:
        """Return every entry, oldest first."""
        return _read(self._bytes())

    def entries(self) -> dict[str, Entry]:
        """Return the last entry of each reference."""
        return {entry.reference: entry for entry in self.all() if entry.number != MARK}

    def _bytes(self, at_most: int | None = None) -> bytes:
        if self._path is None:
            return b""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - at_most) if at_most else 0)
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._complain(error)
            return b""

    def _append(self, reference: str, number: str, *, is_durable: bool = False) -> None:
        self._append_all([(reference, number)], is_durable=is_durable)

    def _append_all(self, entries: Sequence[tuple[str, str]], *, is_durable: bool) -> None:
        if self._path is None:
            return
        at = timezone.now().isoformat()
        lines = b"".join(msgspec.json.encode(Entry(at, *entry)) + b"\n" for entry in entries)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _write_whole(file, lines)
                if is_durable:
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._is_broken:
            logger.warning("journal.broken: the journal of created orders cannot be used: %s", error.strerror)
        self._is_broken = True


def _write_whole(file: int, lines: bytes) -> None:
    """Append lines, after the end of one that a full disk cut off. Raises `OSError`, also when not all of it fits."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        lines = b"\n" + lines
    if os.write(file, lines) < len(lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(content: bytes) -> list[Entry]:
    entries = []
    for line in content.splitlines():
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except msgspec.MsgspecError:
            continue  # cut off at the beginning of the tail, or by a full disk
    return entries


def files_of(tenant_id: int) -> list[Path]:
    """Return a tenant's journals in all its administrations."""
    folder_of_all = folder()
    return sorted(folder_of_all.glob(f"{tenant_id}-*.jsonl")) if folder_of_all else []


def folder() -> Path | None:
    """Return where this database's journals are, which may not exist yet; None without a folder."""
    if not settings.JOURNAL_FOLDER:
        return None
    installation = Installation.objects.order_by("pk").first() or Installation.objects.create()
    return Path(settings.JOURNAL_FOLDER) / str(installation.identity)


def _path_of(administration: str, purpose: Purpose) -> Path | None:
    found = folder()
    digest = hashlib.blake2b(tenants.administration_key(administration).encode(), digest_size=8).hexdigest()
    return found / f"{tenants.current_id()}-{digest}-{purpose}.jsonl" if found else None
