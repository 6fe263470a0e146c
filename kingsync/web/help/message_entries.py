"""Every message that a reason can become, with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.urls import reverse

from kingsync.messages import advice, reason_texts

# Where a value of the moment is filled in.
GAP = "[…]"


@dataclass(frozen=True)
class MessageEntry:
    """One message; `code` is its anchor."""

    code: str
    sentence: str
    advice: str


@dataclass(frozen=True)
class MessageGroup:
    title: str
    entries: list[MessageEntry]


def groups() -> list[MessageGroup]:
    """Return all messages in the active language, under their headings."""
    return [MessageGroup(title, [_entry(code) for code in codes]) for title, codes in advice.codes_by_heading()]


def address(code: str) -> str:
    """Return where the help explains the message of a code."""
    return f"{reverse('help_messages')}#{code}"


def _entry(code: str) -> MessageEntry:
    sentence = re.sub(r"%\(\w+\)s", GAP, str(reason_texts.SENTENCES[code]))
    return MessageEntry(code, sentence, str(advice.ADVICE[code]))
