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
    """`sentence` says how much would be sent; `answer` is the label of the button that sends it."""

    sentence: str
    answer: str


def of(run: SyncRun | None) -> Question | None:
    """Return the question of a run that waits for an answer."""
    if run is None or not mass_question.is_open(run):
        return None
    number = {"count": run.read_count}
    answer = ngettext("Export %(count)s work order", "Export %(count)s work orders", run.read_count) % number
    return Question(" ".join((_why(run), _how_many(run), gettext("Nothing has been sent yet."))), answer)


def _why(run: SyncRun) -> str:
    if run.options[SyncRun.ASKS] == mass_question.FIRST:
        return gettext("This is the first export.")
    return gettext("These are far more work orders than in other exports.")


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
