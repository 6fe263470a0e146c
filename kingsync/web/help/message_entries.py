"""Every message that a reason can become, with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from kingsync.messages import reason_texts
from kingsync.messages.advice import table
from kingsync.messages.advice.answer import Advice
from kingsync.models import sync_settings

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
    return [MessageGroup(title, [_entry(code) for code in codes]) for title, codes in table.codes_by_heading()]


def address(code: str) -> str:
    """Return where the help explains the message of a code."""
    return f"{reverse('help_messages')}#{code}"


def _entry(code: str) -> MessageEntry:
    return MessageEntry(code, _with_gaps(str(reason_texts.SENTENCES[code])), _answer(table.ADVICE[code]))


def _answer(advice: Advice) -> str:
    """Return all that there is to know: the step, what follows, and the setting that would solve it for all."""
    parts = [_with_gaps(str(advice.step)), str(advice.more)]
    if advice.setting:
        parts.append(_("Or change the setting “%(name)s”.") % {"name": sync_settings.label(advice.setting)})
    return " ".join(filter(None, parts))


def _with_gaps(text: str) -> str:
    return re.sub(r"%\(\w+\)s", GAP, text)
