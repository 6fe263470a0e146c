"""Uploads of King's files: streamed to the tenant's own folder, for neither memory nor a small /tmp can hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.urls import Resolver404, resolve


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request brings files, which are read while they come in."""
    try:
        return method == "POST" and resolve(path).view_name == "king_files"
    except Resolver404:
        return False


class Upload(UploadedFile):
    """One uploaded file. It is gone at the end of the request, unless it was kept."""

    def __init__(self, file: Any, name: str | None, size: int, *, is_too_large: bool) -> None:
        super().__init__(file=file, name=name, size=size)
        self.is_too_large = is_too_large

    @property
    def path(self) -> Path:
        return Path(str(self.file and self.file.name))


class UploadHandler(FileUploadHandler):
    """Writes what comes in to a folder. Of a file beyond the limit the rest is received and thrown away.

    To stop reading would show people a broken connection instead of the reason.
    """

    chunk_size = 256 * 1024

    def __init__(self, folder: Callable[[], Path], *, most_bytes: int) -> None:
        super().__init__()
        self._folder, self._most = folder, most_bytes

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with a file; no other handler is to keep it in memory."""
        super().new_file(*args, **kwargs)
        # Django closes the files of a request at its end, and closing this one removes it.
        self._file = NamedTemporaryFile(dir=self._folder(), prefix=".incoming-")  # noqa: SIM115
        self._is_too_large = False
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self._most:
            self._is_too_large = True
            self._file.truncate(0)
        if not self._is_too_large:
            self._file.write(raw_data)

    def file_complete(self, file_size: int) -> Upload:
        self._file.flush()
        return Upload(self._file, self.file_name, file_size, is_too_large=self._is_too_large)

    def upload_interrupted(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
