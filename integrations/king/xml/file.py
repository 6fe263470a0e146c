"""One of King's XML files, and what may be wrong with it."""

from __future__ import annotations

import msgspec

from integrations import errors
from integrations.king.records import Kind

SYSTEM = "king"


class XmlFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `key` is the caller's name for it in marks and errors; it contains no colon.

    `kind` is what its document lists; None while that is unknown: then any readable document is accepted.
    `digest` is the sha-256 of the expected content; a file with other content is refused.
    """

    key: str
    name: str
    path: str
    kind: Kind | None = None
    digest: str = ""


class FileError(errors.PayloadError):
    """A file cannot be read. `key` is the caller's name for the file; `line` is 0 where no line is to blame.

    The operation is the file's name and the detail its line, so that a message can name both.
    """

    def __init__(self, file: XmlFile, reason: str, *, line: int = 0, detail: str = "") -> None:
        self.key, self.line = file.key, line
        super().__init__(
            system=SYSTEM, operation=file.name, reason=reason, detail=detail or (str(line) if line else ""), path=""
        )
