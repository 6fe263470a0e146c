"""Uploads of King's files: streamed to the tenant's own folder, since neither memory nor a small /tmp can hold them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NoReturn

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers, StopUpload
from django.utils.translation import gettext

from kingsync.imports.files.store import INCOMING, clean_name

MEGABYTE = 1024 * 1024
FILES_AT_ONCE = 20
# The maximum size of a form's other parts.
FORM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits of one request. The page shows them beforehand, from the same values."""

    files: int
    file_bytes: int
    request_bytes: int
    # The room the tenant has left.
    room_bytes: int

    def problem_of_length(self, length: int) -> str:
        """Return why a request of this length is not even read; "" if it may be."""
        size = length - FORM_BYTES
        return self.problem_of(files=1, total=size) if size > 0 else ""

    def problem_of(self, *, files: int, total: int, name: str = "", size: int = 0) -> str:
        """Return what is wrong with this many files of this total size, the last one by name; "" for nothing."""
        if files > self.files:
            return too_many(self)
        if size > self.file_bytes:
            return too_large(self, name)
        if total > self.request_bytes:
            return too_much(self)
        return no_room(self) if total > self.room_bytes else ""


def too_many(limits: Limits) -> str:
    return gettext("Upload at most %(most)s files at once.") % {"most": limits.files}


def too_large(limits: Limits, name: str) -> str:
    message = gettext("“%(name)s” is larger than %(most)s MB. Let King export a smaller selection.")
    return message % {"name": name, "most": limits.file_bytes // MEGABYTE}


def too_much(limits: Limits) -> str:
    message = gettext("The files are larger than %(most)s MB in total. Upload fewer at once.")
    return message % {"most": limits.request_bytes // MEGABYTE}


def no_room(limits: Limits) -> str:
    message = gettext("There is room for %(room)s MB more. Import the waiting files or remove some, then try again.")
    return message % {"room": max(limits.room_bytes, 0) // MEGABYTE}


def no_disk() -> str:
    return gettext(
        "The disk of kingsync is full or cannot be written. Notify the operator of kingsync, then try again."
    )


class Upload(UploadedFile):
    """One uploaded file. It is deleted at the end of the request, unless it was kept."""

    @property
    def path(self) -> Path:
        return Path(str(self.file and self.file.name))


class UploadHandler(FileUploadHandler):
    """Writes uploads to a folder, and stops reading at the first limit, which `problem` then names.

    The front reads on for a moment after the answer, so that users see the reason and not a broken connection.
    """

    chunk_size = 256 * 1024

    def __init__(self, folder: Callable[[], Path], limits: Limits) -> None:
        super().__init__()
        self._folder, self._limits = folder, limits
        self._files = self._total = 0
        self.problem = ""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; no other handler may keep it in memory."""
        super().new_file(*args, **kwargs)
        self._files += 1
        self._check(size=0)
        # Django closes the files of a request at its end, and closing this one deletes it.
        with self._stopping_without_disk():
            self._file = NamedTemporaryFile(dir=self._folder(), prefix=INCOMING)  # noqa: SIM115
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._total += len(raw_data)
        self._check(size=start + len(raw_data))
        with self._stopping_without_disk():
            self._file.write(raw_data)
            self._file.flush()

    def file_complete(self, file_size: int) -> Upload:
        return Upload(file=self._file, name=self.file_name, size=file_size)

    def upload_interrupted(self) -> None:
        if hasattr(self, "_file"):
            with contextlib.suppress(OSError):  # what is left in its buffer does not fit either
                self._file.close()

    def _check(self, *, size: int) -> None:
        name = clean_name(self.file_name or "")
        self.problem = self._limits.problem_of(files=self._files, total=self._total, name=name, size=size)
        if self.problem:
            self._stop()

    @contextlib.contextmanager
    def _stopping_without_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.problem = no_disk()
            self._stop()

    def _stop(self) -> NoReturn:
        self.upload_interrupted()
        raise StopUpload(connection_reset=True)
