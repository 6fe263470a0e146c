"""The reader of King's XML export files."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NoReturn

import msgspec

from integrations import errors
from integrations.king.reader import Coverage
from integrations.king.records import Kind, Order, Page
from integrations.king.xml import documents
from integrations.king.xml.file import SYSTEM, XmlFile
from integrations.king.xml.parser import Place
from integrations.king.xml.records import Record


class XmlReader:
    """A `KingReader` over files, read in the given order: the oldest first, so that the newest wins.

    After reading, `counted` holds the number of records per file, by its key; files not read to the end are absent.
    """

    can_look_up = False

    def __init__(self, files: Sequence[XmlFile]) -> None:
        self.files = tuple(files)
        self.counted: dict[str, int] = {}

    def covers(self, kind: Kind) -> Coverage:
        """Return whether there are files of a kind: SOME or NOTHING, never ALL, because a King Job may select."""
        return Coverage.SOME if any(file.kind is kind for file in self.files) else Coverage.NOTHING

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """Yield all pages from there on. Raises FileError.

        A file does not say when something changed, so `changed_since` leaves nothing out.
        """
        del changed_since
        files = [file for file in self.files if file.kind is kind]
        mark = _Mark.parse(after)
        first = next((at for at, file in enumerate(files) if mark and file.key == mark.key), None)
        if first is None:  # the file of the mark is gone: better to repeat records than to miss some
            mark, first = None, 0
        for file in files[first:]:
            behind = mark.place if mark and mark.key == file.key else None
            for records, place in self._batches(file, behind, size):
                raw = tuple(msgspec.Raw(record.raw) for record in records)
                yield Page(records=raw, next_after=str(_Mark(file.key, place)))
        yield Page(records=())

    def _batches(self, file: XmlFile, after: Place | None, size: int) -> Iterator[tuple[list[Record], Place]]:
        """Yield a file's records in batches of `size`, none twice in a batch, and the place after each batch."""
        batch: list[Record] = []
        numbers: set[str] = set()
        place = after or Place(element=0, offset=0, line=0)
        for found in documents.read(file, after):
            new = {record.number for record in found.records}
            if batch and (len(batch) + len(new) > size or numbers & new):
                yield batch, place
                batch, numbers = [], set()
            batch += found.records
            numbers |= new
            place = found.place
            if len(batch) >= size:
                yield batch, place
                batch, numbers = [], set()
        if batch:
            yield batch, place
        self.counted[file.key] = place.records

    def get_order(self, *, number: str) -> Order | None:
        """Raise ConfigurationError, as `find_record` does: ask `can_look_up` first."""
        self._cannot(number)

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        self._cannot(kind, number)

    def _cannot(self, *_asked: object) -> NoReturn:
        raise errors.ConfigurationError(system=SYSTEM, operation="KING_*.xml", reason="files_only")


class _Mark(msgspec.Struct, frozen=True):
    """Where to continue: in which file, after which record."""

    key: str
    place: Place

    @classmethod
    def parse(cls, text: str) -> _Mark | None:
        parts = text.split(":")
        if len(parts) != 5 or not all(part.isdigit() for part in parts[1:]):
            return None
        element, records, offset, line = map(int, parts[1:])
        return cls(parts[0], Place(element=element, offset=offset, line=line, records=records))

    def __str__(self) -> str:
        place = self.place
        return f"{self.key}:{place.element}:{place.records}:{place.offset}:{place.line}"
