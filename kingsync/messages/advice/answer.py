"""The form of an answer: the step, who takes it, and what of kingsync would help."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
KING, OUTSMART, SETTINGS, DECISION, NOBODY = "king", "outsmart", "settings", "decision", "nobody"

_BY_WHOM: dict[str, Text] = {
    KING: _("To be fixed in King, by the person who maintains articles, customers and orders there."),
    OUTSMART: _("To be fixed in OutSmart, by the person who plans and checks the work orders."),
    SETTINGS: _("To be fixed in the settings of kingsync, or per work order in OutSmart."),
    DECISION: _("Yours to decide: open a work order to see all that is possible for it."),
    NOBODY: _("Nothing to fix: each run tries again."),
}


@dataclass(frozen=True)
class Advice:
    """The step to take about the messages of some codes, written with a space between them.

    `place` says who takes it; `more`, for the help pages, what else there is to know. `setting` is the column of the
    settings that would solve it for all; the first possible one of `actions`, kinds of manual actions, is recommended.
    """

    step: Text
    codes: str
    place: str = NOBODY
    more: Text = ""
    setting: str = ""
    actions: tuple[str, ...] = ()

    @property
    def by_whom(self) -> str:
        return str(_BY_WHOM[self.place])

    def step_for(self, params: Mapping[str, str]) -> str:
        """Return the step with the values of a reason."""
        return str(self.step) % defaultdict(str, params)


Answers = tuple[Advice, ...]
