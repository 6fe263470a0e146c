"""Reading pages in tests."""

from __future__ import annotations

import re
from typing import Protocol


class Answer(Protocol):
    """What the test client answers, as far as a reader needs it."""

    @property
    def content(self) -> bytes: ...


def html(answer: Answer) -> str:
    """Return the page with every run of white space as one space."""
    return re.sub(r"\s+", " ", answer.content.decode())


def text(answer: Answer) -> str:
    """Return the words of the page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
