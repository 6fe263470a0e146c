"""Helpers for reading pages."""

from __future__ import annotations

import re
from typing import Protocol


class Answer(Protocol):
    """The parts of the test client's response that are read."""

    @property
    def content(self) -> bytes: ...


def html(answer: Answer) -> str:
    """Return the page with all white space collapsed."""
    return re.sub(r"\s+", " ", answer.content.decode())


def text(answer: Answer) -> str:
    """Return the words of the page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
