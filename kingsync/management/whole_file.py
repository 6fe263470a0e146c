"""Files of commands: whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.management.base import CommandError


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which gets its name once it is complete and on disk; only its owner may read it.

    Ends the command with 2 when there is a file of that name, or the disk does not take it.
    """
    try:
        if path.exists():
            raise CommandError(f"{path} exists already. Choose another name.", returncode=2)
        with _whole_or_nothing(path) as file:
            yield file
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}. Nothing is left of it.", returncode=2
        ) from None


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[IO[bytes]]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
