"""A kind of run that fails: since when, how often it was tried, and when it is tried again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from kingsync.messages import reason_texts
from kingsync.models.runs import RunKind
from kingsync.runs import failures
from kingsync.runs.failures import Failure
from kingsync.web.shared.template_tags import when
from kingsync.web.shared.tenant_status import RunCard, SystemCard


@dataclass(frozen=True)
class Failing:
    """A failure on the page; `paused` is the connection that it paused, if it is that one which must be repaired."""

    failure: Failure
    card: RunCard
    paused: SystemCard | None

    @property
    def kind(self) -> RunKind:
        return self.card.kind

    @property
    def title(self) -> str:
        """Return "The export has been failing since 16:34: tried 3 times, next try 16:49."."""
        values = {
            "kind": self.kind.label,
            "since": when(self.failure.since),
            "count": self.failure.tries,
            "next": next_try(self.card),
        }
        if self.failure.tries == 1:
            return gettext("The %(kind)s failed %(since)s; %(next)s.") % values
        return gettext("The %(kind)s has been failing since %(since)s: tried %(count)s times, %(next)s.") % values

    @property
    def why(self) -> str:
        return reason_texts.sentence(self.failure.run.error)


def of(cards: list[RunCard], systems: list[SystemCard], failing: Collection[RunKind]) -> list[Failing]:
    """Return what fails, exports first: those keep work orders out of the books. A kind that is off is left out."""
    wanted = [card for card in cards if card.refusal is None and card.kind in failing]
    found = [(failures.of(card.kind), card) for card in sorted(wanted, key=lambda card: card.kind != RunKind.EXPORT)]
    return [Failing(failure, card, _paused_by(failure, systems)) for failure, card in found if failure]


def next_try(card: RunCard) -> str:
    """Return when a kind of run is tried again, in the middle of a sentence."""
    if card.run is not None and card.run.is_open and not card.run.is_dry:
        return gettext("being tried again now")
    if card.is_overdue:
        return gettext("next try overdue since %(when)s") % {"when": when(card.next_at)}
    if card.is_due:
        return gettext("next try within a minute")
    if card.next_at:
        return gettext("next try %(when)s") % {"when": when(card.next_at)}
    if card.waits_for_connections:
        return gettext("no next try before the connection works")
    return gettext("no next try: the schedule is off")


def _paused_by(failure: Failure, systems: list[SystemCard]) -> SystemCard | None:
    """Return the connection that is paused for the very reason of this failure."""
    error = failure.run.error
    blamed = (card for card in systems if card.is_paused and card.problem and _kind_of(card.problem) == _kind_of(error))
    return next(blamed, None)


def _kind_of(why: Mapping[str, Any]) -> tuple[str, str]:
    return why.get("code", ""), why.get("params", {}).get("system", "")
