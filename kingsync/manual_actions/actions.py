"""Manual actions on any number of work orders: try again, release, exclude, restore, supplement, settle.

All of it in the open tenant scope. Every decision is stored with who, when and why, in one transaction with what it
changes. While a worker is running the tenant's exports no action is allowed: a run keeps what it read of a work order
in memory and would overwrite the decision, or send what was just excluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from django.utils import timezone

from kingsync.exports import supplements
from kingsync.exports.overview import causes
from kingsync.exports.verdict import LIFTED_BY_IS_RELEASED, OF_FORMER_ADMINISTRATION
from kingsync.manual_actions import guards, possible
from kingsync.manual_actions.guards import Person
from kingsync.messages.reason_texts import stored
from kingsync.models.work_orders import LedgerState, ManualAction, Step, WorkOrder
from kingsync.rules import linking, outcomes, review
from kingsync.rules.outcomes import Reason

# A ledger row, or its primary key where there are many.
Row: TypeAlias = WorkOrder | int

BATCH = 1000

# The state of a restored work order if something of it is in King; else it is being sent.
_BACK_TO = {
    LedgerState.INTERIM: LedgerState.INTERIM,
    LedgerState.UNCONFIRMED: LedgerState.UNCONFIRMED,
    LedgerState.CHANGED: LedgerState.DONE,  # and compared with OutSmart again
}


@dataclass(frozen=True)
class Refused:
    """A work order that stays as it was; `work_order` is None when the ledger has none with that key."""

    key: int
    work_order: WorkOrder | None
    why: Reason


@dataclass(frozen=True)
class Decided:
    """The result of an action on many work orders."""

    done: list[WorkOrder] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def retry(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Make rejected, held and incomplete work orders, and those with an unknown outcome, due now for the next run.

    What has nothing in King waits again; the others keep their state until then. All keep their reasons until there is
    a new outcome. Raises `ExportGoingOnError`, `NotNamedError`; so do all actions.
    """

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, possible.REPAIRABLE)
        return _due_again(row)

    return _Many(ManualAction.Kind.RETRY, by, reasons=None).decide(work_orders, choose)


def retry_cause(*, key: str, by: Person) -> Decided:
    """Retry everything that a cause stops. Raises `UnknownCauseError` and as `retry`."""
    return retry(work_orders=causes.stopped_by(key), by=by)


def release(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Lift what stops work orders, as far as a person may; all other rules still apply.

    That is the start date, “nothing to invoice”, the King order of another customer or of a former administration (that
    order only), and reviews (those of these lines only).
    """

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, possible.RELEASABLE)
        if not possible.is_liftable(row):
            raise guards.NothingToReleaseError(outcomes.reason("decision.nothing_to_release"))
        return _due_again(row)

    return _Many(ManualAction.Kind.RELEASE, by, own=_released).decide(work_orders, choose)


def _released(row: WorkOrder) -> dict[str, object]:
    """Return the columns that lift the reasons that stop a work order, and no others."""
    reviewed = [review.key_of(msgspec.convert(why, Reason)) for why in row.reasons if why["code"] in review.CODES]
    # A tuple: rows that get the same columns are saved together.
    lifted: dict[str, object] = {"released_reviews": (*row.released_reviews, *reviewed)} if reviewed else {}
    for why in row.reasons:
        if why["code"] in LIFTED_BY_IS_RELEASED:
            lifted["is_released"] = True
        elif why["code"] in OF_FORMER_ADMINISTRATION:
            lifted["accepted_former"] = why["params"]["former"]
        elif why["code"] == "order_of_other_customer":
            lifted["accepted_order"] = linking.mark(why["params"]["number"], why["params"]["debtor"])
    return lifted


def exclude(*, work_orders: Iterable[Row], by: Person, reason: str) -> Decided:
    """Keep work orders out of all later exports; an earlier release is withdrawn. Raises `ReasonNeededError`."""

    def choose(row: WorkOrder) -> LedgerState:
        guards.require_not(row, possible.NOT_EXCLUDABLE)
        return LedgerState.EXCLUDED

    text = guards.checked_reason(reason, is_required=True)
    reasons = [outcomes.reason("excluded", name=guards.name_of(by), reason=text)]
    withdrawn = {"is_released": False, "accepted_order": "", "accepted_former": "", "released_reviews": ()}
    many = _Many(ManualAction.Kind.EXCLUDE, by, text=text, reasons=reasons, columns=withdrawn)
    return many.decide(work_orders, choose)


def restore(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Restore excluded work orders to where they were in King."""

    def choose(row: WorkOrder) -> LedgerState:
        guards.require(row, frozenset({LedgerState.EXCLUDED}))
        return _state_before_exclusion(row)

    columns = {"verified_at": None}
    return _Many(ManualAction.Kind.RESTORE, by, columns=columns).decide(work_orders, choose)


def supplement(*, work_orders: Iterable[Row], by: Person) -> Decided:
    """Let the next export create a King order of what differs from a closed one."""
    return _each_undecided(work_orders, ManualAction.Kind.SUPPLEMENT, by, supplements.begin)


def settle(*, work_orders: Iterable[Row], by: Person, reason: str) -> Decided:
    """Save that users settled in King what differs from a closed order. Raises `ReasonNeededError`."""
    text = guards.checked_reason(reason, is_required=True)

    def apply(row: WorkOrder) -> None:
        supplements.settle(row, name=guards.name_of(by), text=text)

    return _each_undecided(work_orders, ManualAction.Kind.SETTLE, by, apply, text=text)


def _each_undecided(
    work_orders: Iterable[Row],
    kind: ManualAction.Kind,
    by: Person,
    apply: Callable[[WorkOrder], None],
    *,
    text: str = "",
) -> Decided:
    """Apply a decision to work orders whose order is closed and that differ from it."""
    guards.name_of(by)
    result = Decided()
    keys = [row if isinstance(row, int) else row.pk for row in work_orders]
    with guards.alone():
        for key in dict.fromkeys(keys):
            row = guards.locked_whole(key)
            if row is None or not supplements.is_undecided(row):
                why = outcomes.reason("decision.nothing_to_settle" if row else "decision.unknown_work_order")
                result.refused.append(Refused(key, row, why))
                continue
            guards.save_actions([row], kind, by, text=text, number=row.king_order_number or "")
            apply(row)
            result.done.append(row)
    return result


def _due_again(row: WorkOrder) -> LedgerState:
    return LedgerState.WAITING if row.step == Step.NEW else LedgerState(row.state)


def _state_before_exclusion(row: WorkOrder) -> LedgerState:
    if row.step == Step.NEW:
        return LedgerState.WAITING
    last = ManualAction.objects.filter(work_order=row, kind=ManualAction.Kind.EXCLUDE).order_by("-id").first()
    return _BACK_TO.get(LedgerState(last.state_before), LedgerState.SENDING) if last else LedgerState.SENDING


class _Many:
    """One action on many work orders: those it cannot be applied to are reported, the others are done.

    `reasons` are those of work orders that get another state; None: they keep theirs.
    """

    def __init__(
        self,
        kind: ManualAction.Kind,
        by: Person,
        *,
        columns: Mapping[str, object] = MappingProxyType({}),
        own: Callable[[WorkOrder], Mapping[str, object]] = lambda _row: {},
        text: str = "",
        reasons: Iterable[Reason] | None = (),
    ) -> None:
        self._kind, self._by, self._text = kind, by, text
        self._columns, self._own = columns, own
        self._moved = {} if reasons is None else {"reasons": [stored(why) for why in reasons]}
        self._result = Decided()
        guards.name_of(by)

    def decide(self, work_orders: Iterable[Row], choose: Callable[[WorkOrder], LedgerState]) -> Decided:
        """Put each work order in the state that `choose` returns, unless it raises a refusal."""
        keys = iter(dict.fromkeys(row if isinstance(row, int) else row.pk for row in work_orders))
        with guards.alone():
            while batch := list(islice(keys, BATCH)):
                self._batch(batch, choose)
        return self._result

    def _batch(self, keys: list[int], choose: Callable[[WorkOrder], LedgerState]) -> None:
        rows = guards.locked(keys)
        chosen: dict[LedgerState, list[WorkOrder]] = defaultdict(list)
        for key in keys:
            row = rows.get(key)
            try:
                chosen[choose(guards.require_known(row))].append(guards.require_known(row))
            except guards.ActionRefusedError as error:
                self._result.refused.append(Refused(key, row, error.why))
        for state, group in chosen.items():
            guards.save_actions(group, self._kind, self._by, text=self._text)
            self._store([row for row in group if row.state == state], {})
            moved = {"state": state, "changed_at": timezone.now(), **self._moved}
            self._store([row for row in group if row.state != state], moved)
            self._result.done.extend(group)

    def _store(self, rows: list[WorkOrder], changes: Mapping[str, object]) -> None:
        alike: dict[tuple[tuple[str, object], ...], list[WorkOrder]] = defaultdict(list)
        for row in rows:
            alike[tuple(self._own(row).items())].append(row)
        for own, group in alike.items():
            every = {**self._columns, **dict(own), **changes}
            WorkOrder.objects.filter(pk__in=[row.pk for row in group]).update(**every)
            for row in group:
                for name, value in every.items():
                    setattr(row, name, value)
