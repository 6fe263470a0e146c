"""What an export asks before it sends, in words."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from kingsync.exports import mass_question
from kingsync.models.runs import SyncRun
from kingsync.web.shared.dates import short_date


@dataclass(frozen=True)
class Question:
    """`sentence` says how much would be sent; `answer` is the label of the button that sends it.

    `is_about_start_date`: another start date would change the answer.
    """

    sentence: str
    answer: str
    is_about_start_date: bool


def of(run: SyncRun | None) -> Question | None:
    """Return the question of a run that waits for an answer."""
    if run is None or not mass_question.is_open(run):
        return None
    parts = (_why(run), _how_many(run), _before_start(run), gettext("Nothing has been sent yet."))
    about_start = run.options[SyncRun.ASKS] == mass_question.FIRST or SyncRun.BEFORE_START in run.options
    return Question(" ".join(filter(None, parts)), _answer(run), about_start)


def _answer(run: SyncRun) -> str:
    """Return the label of the button: how many it exports, or that it only holds what is from before the start date."""
    held = int(run.options.get(SyncRun.BEFORE_START, 0))
    number = run.read_count - held
    if number > 0:
        return ngettext("Export %(count)s work order", "Export %(count)s work orders", number) % {"count": number}
    return ngettext("Hold %(count)s work order", "Hold %(count)s work orders", held) % {"count": held}


def _why(run: SyncRun) -> str:
    why = run.options[SyncRun.ASKS]
    if why == mass_question.FIRST:
        return gettext("This is the first export.")
    if why == mass_question.OLDER:
        return gettext("There is work from before the start date.")
    return gettext("These are far more work orders than in other exports.")


def _before_start(run: SyncRun) -> str:
    """Return how many of them are held because they are too old; "" for none."""
    number = int(run.options.get(SyncRun.BEFORE_START, 0))
    text = ngettext(
        "%(count)s was finished before the start date and would be held.",
        "%(count)s were finished before the start date and would be held.",
        number,
    )
    return text % {"count": number} if number else ""


def _how_many(run: SyncRun) -> str:
    """Return "590 work orders, the oldest of 3 Nov 2026; 12 would be rejected."."""
    number = {"count": run.read_count}
    parts = ngettext("%(count)s work order", "%(count)s work orders", run.read_count) % number
    oldest = run.options.get(SyncRun.OLDEST)
    if oldest:
        date = short_date(datetime.date.fromisoformat(str(oldest)))
        parts += ", " + gettext("the oldest of %(date)s") % {"date": date}
    if not run.rejected_count:
        return f"{parts}."
    rejected = ngettext("%(count)s would be rejected", "%(count)s would be rejected", run.rejected_count)
    return f"{parts}; {rejected % {'count': run.rejected_count}}."
