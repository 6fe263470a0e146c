"""What keeps a decision from being made, as a sentence for the page."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations import errors
from kingsync.models.encryption import DecryptionError
from kingsync.models.wording import reason_of, sentence, stored
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import people
from kingsync.runs.clients import NotConnectedError
from kingsync.runs.deciding import NotDecidedError

Refusal = NotDecidedError | NotConnectedError | DecryptionError | errors.IntegrationError
REFUSALS = (NotDecidedError, NotConnectedError, DecryptionError, errors.IntegrationError)
NAMED = 10


def words(error: Refusal) -> str:
    return sentence(stored(_why(error)))


def _why(error: Refusal) -> Reason:
    if isinstance(error, NotDecidedError | NotConnectedError):
        return error.why
    return reason("decryption") if isinstance(error, DecryptionError) else reason_of(error)


def result(decided: people.Decided) -> str:
    """Return "12 done, 3 not: why (A, B, C).", each reason once."""
    done, refused = len(decided.done), len(decided.refused)
    told = ngettext("%(count)s work order done", "%(count)s work orders done", done) % {"count": done}
    if not refused:
        return f"{told}."
    return _("%(done)s, %(count)s not: %(why)s") % {"done": told, "count": refused, "why": _reasons(decided.refused)}


def _reasons(refused: Iterable[people.Refused]) -> str:
    by_reason: dict[str, list[str]] = {}
    for each in refused:
        by_reason.setdefault(sentence(stored(each.why)), []).append(str(each.work_order or each.key))
    return " ".join(f"{why} ({_names(names)})" for why, names in by_reason.items())


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return (
        shown
        if more <= 0
        else ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more)
        % {"names": shown, "count": more}
    )
