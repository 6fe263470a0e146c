"""The lines that e-mails consist of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One line of an e-mail: what, why, and where to look."""

    title: str
    text: str
    link: str
