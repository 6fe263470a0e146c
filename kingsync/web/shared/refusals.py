"""Why an action was refused or a run not started, as a sentence for the page."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kingsync.manual_actions import actions
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.work_orders import ManualAction
from kingsync.runs.background_calls import CallRefusedError
from kingsync.runs.refusals import REFUSALS as REFUSALS  # noqa: PLC0414 - pages catch what they show
from kingsync.runs.refusals import Refusal, why

NAMED = 10


def message(error: Refusal | CallRefusedError) -> str:
    return sentence(stored(error.why if isinstance(error, CallRefusedError) else why(error)))


def result(decided: actions.Decided, *, kind: ManualAction.Kind, export: str) -> str:
    """Return "12 are ready for the next export, 3 are not: why (A, B, C).", each reason once; `export` is its name."""
    done, refused = len(decided.done), len(decided.refused)
    message_text = _done(kind, done, export)
    if not refused:
        return f"{message_text}."
    return _("%(done)s, %(count)s not: %(why)s") % {
        "done": message_text,
        "count": refused,
        "why": _reasons(decided.refused),
    }


def _done(kind: ManualAction.Kind, count: int, export: str) -> str:
    if kind == ManualAction.Kind.EXCLUDE:
        message_text = ngettext("%(count)s work order excluded", "%(count)s work orders excluded", count)
    elif kind == ManualAction.Kind.SETTLE:
        message_text = ngettext("%(count)s work order settled by hand", "%(count)s work orders settled by hand", count)
    else:
        message_text = ngettext(
            "%(count)s work order is ready for %(export)s",
            "%(count)s work orders are ready for %(export)s",
            count,
        )
    return message_text % {"count": count, "export": export}


def _reasons(refused: Iterable[actions.Refused]) -> str:
    by_reason: dict[str, list[str]] = {}
    for each in refused:
        by_reason.setdefault(sentence(stored(each.why)), []).append(str(each.work_order or each.key))
    return " ".join(f"{message_text} ({_names(names)})" for message_text, names in by_reason.items())


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return (
        shown
        if more <= 0
        else ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more)
        % {"names": shown, "count": more}
    )
