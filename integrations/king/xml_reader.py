"""The second reader: King's XML export files."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NoReturn

from integrations import errors
from integrations.king.reader import Coverage
from integrations.king.records import Kind, Order, Page
from integrations.king.xml_errors import SYSTEM
from integrations.king.xml_files import XmlFile


class XmlReader:
    """A `KingReader` over files, read in the order given: the oldest first, so that the newest has the last word.

    `counted` tells after reading how many records each file held, by its key; files not read to their end are absent.
    """

    can_look_up = False

    def __init__(self, files: Sequence[XmlFile]) -> None:
        self.files = tuple(files)
        self.counted: dict[str, int] = {}

    def covers(self, kind: Kind) -> Coverage:
        """This function will tell that files hold records of a kind, but never that they hold all: a King Job selects."""
        return Coverage.SOME if any(file.kind is kind for file in self.files) else Coverage.NOTHING

    def read_page(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Page:
        """This function will give the page that begins at the mark `after`. Raises FileError."""
        return next(self.iter_pages(kind, after=after, changed_since=changed_since, size=size))

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """This function will give all pages from there on. Raises FileError.

        A file does not tell what changed when, so `changed_since` leaves nothing out.
        """
        del kind, after, changed_since, size
        yield Page(records=())

    def find_orders(self, *, reference: str) -> tuple[Order, ...]:
        """This function will raise ConfigurationError, as the next two: ask `can_look_up` first."""
        self._cannot(reference)

    def get_order(self, *, number: str) -> Order | None:
        self._cannot(number)

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        self._cannot(kind, number)

    def _cannot(self, *_asked: object) -> NoReturn:
        raise errors.ConfigurationError(system=SYSTEM, operation="KING_*.xml", reason="files_only")
