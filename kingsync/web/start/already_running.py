"""Feedback when a run is already in progress: whether it covers the request, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from kingsync.models.runs import SyncRun
from kingsync.runs.lifecycle import Requested
from kingsync.web.shared import run_labels


@dataclass(frozen=True)
class AlreadyRunning:
    """A request that found run `run_id` open; `is_other` when that run does something else. Shown while relevant."""

    run_id: int
    is_other: bool

    @property
    def query(self) -> str:
        """Return the query string for the panel's own refreshes, so that the request is not lost with the first."""
        return urlencode({"joined": self.run_id, "other": "1" if self.is_other else ""})

    def message_for(self, run: SyncRun) -> str:
        """Return the message beside this run; "" when there is none any more."""
        if run.pk != self.run_id:
            return ""
        if not self.is_other:
            return _("A run was already in progress; this is the one.") if run.is_open else ""
        if not run.is_open:
            return _("The other run has finished. Your request has not started yet: press the button again.")
        wait = _("Your request is not part of it; press the button again when it has finished.")
        return f"{_what(run)} {wait}"


def for_request(requested: Requested, options: dict[str, object]) -> AlreadyRunning:
    """Return whether the open run covers a request with these options."""
    return AlreadyRunning(requested.run.pk, is_other=not requested.covers(options))


def from_query(query: QueryDict) -> AlreadyRunning | None:
    """Return the request that a panel carries in its URL."""
    number = query.get("joined", "")
    if not (number.isdecimal() and len(number) <= 18):
        return None
    return AlreadyRunning(int(number), is_other=bool(query.get("other")))


def _what(run: SyncRun) -> str:
    if run.is_dry:
        return _("A preview is in progress, which writes nothing.")
    asked = run_labels.asked(run)
    if asked:
        return _("A partial run is in progress: %(part)s.") % {"part": asked}
    return _("Another run is in progress.")
