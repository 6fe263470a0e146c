"""The commands of a page for operators, as its reader would paste them: blocks that are marked `<!-- run -->`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^<!-- run(?:: ([a-z ]+))? -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"\b([A-Z][A-Z_]+)=")


@dataclass(frozen=True)
class Block:
    # "" is a block for any shell with the page's variables.
    kind: str
    commands: str


def blocks(page: Path) -> list[Block]:
    """Return the marked blocks of a page, in order."""
    return [Block(kind, commands) for kind, commands in _BLOCK.findall(page.read_text())]


def later_blocks(page: Path) -> list[str]:
    """Return the blocks of the days after the installation that no test runs: each is typed into a new shell."""
    later = page.read_text().partition("\n## 9. ")[2]
    return re.findall(r"(?<!-->\n)^```sh\n(.*?)^```$", later, re.MULTILINE | re.DOTALL)


def variables(page: Path) -> set[str]:
    """Return the names that the page's first block sets."""
    first = re.search(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert first
    return set(_VARIABLE.findall(first.group(1)))
