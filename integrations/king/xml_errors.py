"""What is wrong with one of King's XML files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations import errors

if TYPE_CHECKING:
    from integrations.king.xml_files import XmlFile

SYSTEM = "king"


class FileError(errors.PayloadError):
    """A file cannot be read. `key` is what the caller calls the file; `line` is 0 where no line is to blame.

    The operation is the file's name and the detail its line, so that a sentence for people can name both.
    """

    def __init__(self, file: XmlFile, reason: str, *, line: int = 0, detail: str = "") -> None:
        self.key, self.line = file.key, line
        super().__init__(
            system=SYSTEM, operation=file.name, reason=reason, detail=detail or (str(line) if line else ""), path=""
        )
