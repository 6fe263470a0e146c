"""King's XML export files, read as a stream: each record becomes the JSON that King's read gateway would return."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from integrations import notation
from integrations.king.records import Kind
from integrations.king.xml import records as xml_records
from integrations.king.xml.file import FileError, XmlFile
from integrations.king.xml.parser import Found, Parser, Place
from integrations.king.xml.records import Record

_CHUNK = 64 * 1024
_START = 1024  # holds the XML declaration
_WAREHOUSES = 10_000  # King numbers them 0 to 999


class Records(msgspec.Struct, frozen=True):
    """The records of one element of a file, seldom more than one, and the place to continue after them."""

    records: list[Record]
    place: Place


def read(file: XmlFile, after: Place | None = None) -> Iterator[Records]:
    """Yield a file's records after a place. Raises FileError, also half-way."""
    counted = after.records if after else 0
    done = after.element if after else 0
    seen: set[str] = set()
    with _opened(file) as stream:
        for found in _elements(file, stream, after):
            if found.place.element <= done:
                continue
            records = _new(file.kind, xml_records.records(file.kind, found.node), seen) if file.kind else []
            counted += len(records)
            yield Records(records, msgspec.structs.replace(found.place, records=counted))


def check(file: XmlFile) -> str:
    """Read a whole file, keep nothing and return its root. Raises FileError."""
    with _opened(file) as stream:
        parser = _parser(file, stream)
        for chunk in _chunks(stream):
            parser.feed(chunk, is_last=not chunk)
            parser.take()
        return parser.root


def document_of(file: XmlFile) -> str:
    """Return the root of a file, which must be one of King's documents. Raises FileError."""
    with _opened(file) as stream:
        parser = _parser(file, stream)
        for chunk in _chunks(stream):
            parser.feed(chunk, is_last=not chunk)
            if parser.root:
                break
        return parser.root


def digest_of(path: Path) -> str:
    """Return the sha-256 of a file. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _elements(file: XmlFile, stream: BinaryIO, after: Place | None) -> Iterator[Found]:
    """Yield the elements that hold a record; also those before `after` when it has no offset."""
    parser = _parser(file, stream)
    if after and after.offset:
        before, head = _head(file, stream)
        parser.feed(before)
        parser.go_on_at(after, head)
        stream.seek(after.offset)
    for chunk in _chunks(stream):
        try:
            parser.feed(chunk, is_last=not chunk)
        except FileError:
            yield from parser.take()
            raise
        yield from parser.take()


def _head(file: XmlFile, stream: BinaryIO) -> tuple[bytes, Place]:
    """Return what precedes the first record, and the place where that record begins."""
    parser = _parser(file, stream)
    for chunk in _chunks(stream):
        parser.feed(chunk, is_last=not chunk)
        if parser.head:
            stream.seek(0)
            return stream.read(parser.head.offset), parser.head
    raise FileError(file, "file_changed")


def _parser(file: XmlFile, stream: BinaryIO) -> Parser:
    start = stream.read(_START)
    stream.seek(0)
    return Parser(file, start)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream in pieces; the last one is empty."""
    while chunk := stream.read(_CHUNK):
        yield chunk
    yield b""


@contextmanager
def _opened(file: XmlFile) -> Iterator[BinaryIO]:
    """Open a file and check that it holds the expected content."""
    try:
        with Path(file.path).open("rb") as stream:
            if file.digest and hashlib.file_digest(stream, "sha256").hexdigest() != file.digest:
                raise FileError(file, "file_changed")
            stream.seek(0)
            yield stream
    except OSError:
        raise FileError(file, "file_missing") from None


def _new(kind: Kind | None, records: list[Record], seen: set[str]) -> list[Record]:
    """Leave out warehouses that were returned before: the stock names them with every article."""
    if kind is not Kind.WAREHOUSE:
        return records
    new = []
    for record in records:
        number = notation.canonical_number(record.number.strip())
        if number not in seen:
            new.append(record)
            if len(seen) < _WAREHOUSES:
                seen.add(number)
    return new
