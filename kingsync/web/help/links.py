"""Filters and tags that lead from a message or a field to its explanation (settings: `builtins`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kingsync.messages import reason_texts
from kingsync.models.runs import LogEntry
from kingsync.web.help import message_entries, setting_entries
from kingsync.web.shared import event_names

register = template.Library()


class Explained(str):
    """Sentences for a page: in HTML each ends with a link to what can be done; cut or in an e-mail they are text."""

    _parts: list[tuple[str, str]]

    def __new__(cls, parts: Iterable[tuple[str, str]]) -> Explained:
        """Take each sentence with its code; "" for one without an explanation."""
        whole = [(text, code) for text, code in parts if text]
        made = super().__new__(cls, " ".join(text for text, _code in whole))
        made._parts = whole
        return made

    def __html__(self) -> SafeString:
        return format_html_join(" ", "{}{}", ((text, _link(code)) for text, code in self._parts))


@register.filter
def sentence(reason: Mapping[str, Any]) -> Explained:
    """Return the text of a reason."""
    return Explained([(reason_texts.sentence(reason), reason_texts.code_of_sentence(reason))])


@register.filter
def sentences(reasons: Iterable[Mapping[str, Any]]) -> Explained:
    """Return the texts of several reasons."""
    return Explained([(reason_texts.sentence(each), reason_texts.code_of_sentence(each)) for each in reasons])


@register.filter
def happened(entry: LogEntry) -> Explained:
    """Return the text of a log entry: a sentence, else its event in words."""
    text = reason_texts.event_sentence(entry.event, entry.reason)
    if text == entry.event:
        text = event_names.name_of(entry.event) or text
    return Explained([(text, reason_texts.code_of_sentence(entry.reason))])


@register.simple_tag
def setting_link(field: BoundField) -> str:
    """Return the link of a field to its explanation; "" for a field that is no setting."""
    if field.html_name not in setting_entries.all_keys():
        return ""
    label = _("Help")  # without the name of the field: it is the label of one thing only
    link = '<a class="help-mark" href="{}" target="_blank" aria-label="{}" title="{}">?</a>'
    return format_html(link, setting_entries.address(field.html_name), label, label)


def _link(code: str) -> str:
    if not code:
        return ""
    label = _("What to do")
    link = ' <a class="help-mark" href="{}" aria-label="{}" title="{}">?</a>'
    return format_html(link, message_entries.address(code), label, label)
