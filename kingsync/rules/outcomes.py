"""What a rule may answer, beside the thing asked for."""

from __future__ import annotations

import msgspec


def gettext_noop(text: str) -> str:
    """Mark a text for translation; the translation itself happens where the reader's language is known."""
    return text


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done: a word of `kingsync.models.wording` and the values in its sentence."""

    code: str
    params: dict[str, str] = {}


def reason(code: str, **params: str) -> Reason:
    return Reason(code=code, params=params)
