"""Texts as they are compared with what people type."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Return the text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
