"""The packages of the lock files in requirements/, with their hashes and who needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
RUN = REQUIREMENTS / "run.lock"
# All that an installation or a gate puts on a machine.
ALL = (RUN, REQUIREMENTS / "dev.lock", REQUIREMENTS / "uv.lock")

_ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; [^\\]*?)? ?\\?$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_COMMENT = re.compile(r"^ +# +(?:via +)?(\S.*)$", re.MULTILINE)
_ROOT = "kingsync (pyproject.toml)"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    hashes: tuple[str, ...]
    # The packages that need this one.
    needed_by: tuple[str, ...]
    # pyproject.toml asks for it itself.
    is_direct: bool


def read(lock: Path) -> list[Package]:
    """Return the packages of a lock file. Raises `ValueError` for a line that is none."""
    text = lock.read_text()
    entries = list(_ENTRY.finditer(text))
    if len(entries) != len(re.findall(r"^\S", text, flags=re.MULTILINE)):
        raise ValueError(f"{lock.name} has a line that is no package of the form name==version. Run: make lock")
    ends = [entry.start() for entry in entries[1:]] + [len(text)]
    return [_package(entry, text[entry.end() : end]) for entry, end in zip(entries, ends, strict=True)]


def _package(entry: re.Match[str], rest: str) -> Package:
    needed_by = list(_needed_by(rest))
    return Package(
        name=entry["name"],
        version=entry["version"],
        hashes=tuple(_HASH.findall(rest)),
        needed_by=tuple(name for name in needed_by if name != _ROOT),
        is_direct=_ROOT in needed_by,
    )


def _needed_by(rest: str) -> Iterator[str]:
    """Yield the names after `# via`, on its line or below it."""
    for comment in _COMMENT.findall(rest):
        if comment != "via":
            yield comment
