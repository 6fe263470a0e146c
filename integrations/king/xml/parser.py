"""A stream of the XML elements that hold a record: expat, hardened.

A DOCTYPE is refused, so there are no entities and nothing outside the file is ever requested; a record is bounded
in size and depth. Only the current record is kept, so memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import re
from xml.parsers import expat

import msgspec

from integrations.king.xml import names
from integrations.king.xml.file import FileError, XmlFile
from integrations.king.xml.nodes import Node, is_marked_deleted

RECORD_BYTES = 8 * 1024 * 1024
_DEPTH = 32
_NAMES = 5_000  # expat remembers every name it has seen
_ROOT, _GROUP, _RECORD = 0, 1, 2

_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_UTF_8, _BOM = "utf-8", codecs.BOM_UTF8


class Place(msgspec.Struct, frozen=True):
    """An element that holds a record: its ordinal (from 1), where it begins, and how many records came so far.

    `offset` is 0 where reading cannot start at it: then the elements before it are read again.
    """

    element: int
    offset: int
    line: int
    records: int = 0


class Found(msgspec.Struct, frozen=True):
    node: Node
    place: Place


class Parser:
    """Accepts a file in pieces and returns the elements that hold a record; `head` is where the first one begins."""

    def __init__(self, file: XmlFile, start: bytes) -> None:
        self._found: list[Found] = []
        self.root = ""
        self.head: Place | None = None
        self._file, self._kept = file, names.KEPT[file.kind] if file.kind else frozenset[str]()
        self._stack: list[Node] = []
        self._names: dict[str, str] = {}
        self._depth = self._skipping = self._elements = self._groups = 0
        self._began = Place(element=0, offset=0, line=0)
        self._fed = self._byte_shift = self._line_shift = 0
        self._expat = self._made(start)

    def _made(self, start: bytes) -> expat.XMLParserType:
        made = expat.ParserCreate(encoding_of(self._file, start))
        made.buffer_text = True
        made.StartDoctypeDeclHandler = self._doctype
        made.StartElementHandler, made.EndElementHandler = self._start, self._end
        made.CharacterDataHandler = self._text
        return made

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        """Parse more of the file. Raises FileError."""
        try:
            self._expat.Parse(data, is_last)
        except expat.ExpatError as failure:
            raise self._error(self._reason_of(failure, data), line=failure.lineno + self._line_shift) from None
        except (LookupError, ValueError):  # an encoding that Python does not know, or a multi-byte one
            raise self._error("file_encoding", line=1) from None
        self._fed += len(data)
        if self._fed - self._expat.CurrentByteIndex > RECORD_BYTES:  # one tag or text without an end
            raise self._error("file_too_large")

    def take(self) -> list[Found]:
        """Return what was found since the last call."""
        found, self._found = self._found, []
        return found

    def go_on_at(self, place: Place, head: Place) -> None:
        """Treat what is fed next as the content at a place; only the header may have been fed so far."""
        self._byte_shift, self._line_shift = place.offset - head.offset, place.line - head.line
        self._elements = place.element - 1

    # --- What expat calls ---------------------------------------------------------------------------------------------

    def _doctype(self, *_declared: object) -> None:
        raise self._error("file_doctype")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = self._local(name)
        for attribute in attributes:
            self._local(attribute)
        depth, self._depth = self._depth, self._depth + 1
        if depth == _ROOT:
            self._check_root(local)
        elif self._stack or self._skipping:
            self._start_within(local, attributes)
        elif depth == _RECORD or (depth == _GROUP and local in names.RECORDS):
            self._start_record(local, attributes)
        elif depth == _GROUP:
            self._groups += 1

    def _start_record(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        line = self._expat.CurrentLineNumber + self._line_shift
        offset = self._expat.CurrentByteIndex + self._byte_shift
        place = Place(self._elements, offset, line)
        self.head = self.head or place
        self._began = place
        self._stack.append(Node(name, is_deleted=is_marked_deleted(attributes)))

    def _start_within(self, name: str, attributes: dict[str, str]) -> None:
        self._check_size()
        if self._skipping or name not in self._kept:
            self._skipping += 1
            return
        node = Node(name, is_deleted=is_marked_deleted(attributes))
        self._stack[-1].children.append(node)
        self._stack.append(node)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._skipping:
            self._skipping -= 1
        elif self._stack:
            node = self._stack.pop()
            if not self._stack:
                self._finish(node)

    def _finish(self, node: Node) -> None:
        place = self._began
        if self._groups > 1:  # the head opens the first group, so reading cannot start in another
            place = msgspec.structs.replace(place, offset=0)
        self._found.append(Found(node, place))

    def _text(self, data: str) -> None:
        if self._stack:
            self._check_size()
            if not self._skipping:
                self._stack[-1].parts.append(data)

    # --- Limits -------------------------------------------------------------------------------------------------------

    def _check_root(self, name: str) -> None:
        self.root = name
        kind = names.DOCUMENTS.get(name)
        if kind is None or self._file.kind not in (None, kind):
            raise self._error("file_foreign")

    def _check_size(self) -> None:
        size = self._expat.CurrentByteIndex + self._byte_shift - self._began.offset
        if size > RECORD_BYTES or self._depth > _DEPTH:
            raise self._error("file_too_large")

    def _local(self, name: str) -> str:
        """Return a name without its namespace, in capitals."""
        found = self._names.get(name)
        if found is None:
            if len(self._names) >= _NAMES:
                raise self._error("file_too_large")
            found = self._names[name] = name.rpartition(":")[2].upper()
        return found

    def _error(self, reason: str, *, line: int | None = None) -> FileError:
        here = self._expat.CurrentLineNumber + self._line_shift
        return FileError(self._file, reason, line=here if line is None else line)

    def _reason_of(self, failure: expat.ExpatError, data: bytes) -> str:
        """Return the reason; an invalid non-ASCII character is one that the file's encoding does not know."""
        place = self._expat.ErrorByteIndex - self._fed
        is_sign = failure.code == expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
        if is_sign and 0 <= place < len(data) and data[place] >= 0x80:
            return "file_encoding"
        return "file_broken"


def encoding_of(file: XmlFile, start: bytes) -> str | None:
    """Return the encoding to read with; None leaves it to expat. Raises FileError for an unknown one.

    Expat itself reads UTF-8, UTF-16, ISO-8859-1 and ASCII and asks Python for single-byte encodings such as
    Windows-1252; but it knows UTF-8 by one spelling only.
    """
    if start.startswith(_BOM):
        return _UTF_8
    declared = _DECLARED.match(start)
    if not declared:
        return None
    try:
        name = codecs.lookup(declared.group(1).decode("ascii")).name
    except LookupError:
        raise FileError(file, "file_encoding", line=1) from None
    return _UTF_8 if name in {_UTF_8, "utf-8-sig"} else None
