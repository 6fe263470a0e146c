"""Text that PostgreSQL can hold."""

from __future__ import annotations


def is_storable(text: str) -> bool:
    """Return False for a text with a NUL or half a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
