"""What a rule may return instead of its result."""

from __future__ import annotations

import msgspec

SHOWN_LENGTH = 80


def gettext_noop(text: str) -> str:
    """Mark a text for translation; it is translated where the reader's language is known."""
    return text


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done: a code of `kingsync.messages.reason_texts` and the values of its sentence."""

    code: str
    params: dict[str, str] = {}


def shown(text: str, longest: int = SHOWN_LENGTH) -> str:
    """Return an outside value for use in a sentence, cut when it is longer than people read."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def reason(code: str, **params: str) -> Reason:
    return Reason(code=code, params=params)


def with_cause(code: str, cause: Reason) -> Reason:
    """Return a reason whose sentence ends with that of its cause."""
    return Reason(code=code, params={**cause.params, "cause": cause.code})
