"""Choosing what applies where King's staff and the office both changed a line of a held work order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from kingsync.exports import ledger
from kingsync.manual_actions import guards
from kingsync.manual_actions.guards import Person
from kingsync.messages.reason_texts import StoredReason, sentences
from kingsync.models.work_orders import LedgerState, ManualAction, OrderLine, WorkOrder
from kingsync.rules import conflicts
from kingsync.rules.conflicts import Choice
from kingsync.rules.outcomes import reason

Chosen: TypeAlias = list[tuple[StoredReason, Choice]]


def open_conflicts(row: WorkOrder) -> list[StoredReason]:
    """Return the reasons of a held work order that are conflicts; one stored without its values is not solved here."""
    if row.state != LedgerState.HELD:
        return []
    return [why for why in row.reasons if why["code"] in conflicts.CODES and why["params"].get("mark")]


def solve_all(*, work_order: WorkOrder, choice: str, by: Person) -> ManualAction:
    """Solve every conflict of a work order in the same way. Raises as `solve`."""
    found = open_conflicts(guards.reread(work_order))
    return solve(work_order=work_order, chosen={why["params"]["mark"]: choice for why in found}, by=by)


def solve(*, work_order: WorkOrder, chosen: Mapping[str, str], by: Person) -> ManualAction:
    """Keep a choice for each conflict of a held work order, by its mark; the next export carries them out.

    Raises `ExportGoingOnError`, `NotNamedError`, `WrongStateError`, `NothingToSolveError`, `ChangedMeanwhileError`,
    `ChoiceNeededError`.
    """
    guards.name_of(by)
    with guards.alone():
        row = guards.require_known(guards.locked([work_order.pk]).get(work_order.pk))
        guards.require(row, frozenset({LedgerState.HELD}))
        choices = _checked(row, chosen)
        (decision,) = guards.save_actions([row], ManualAction.Kind.SOLVE, by, text=_described(choices))
        for why, choice in choices:
            _keep(row, why, choice)
        ledger.settle(row, LedgerState.SENDING)
    return decision


def _checked(row: WorkOrder, chosen: Mapping[str, str]) -> Chosen:
    found = open_conflicts(row)
    if not found:
        raise guards.NothingToSolveError(reason("decision.nothing_to_solve"))
    if chosen.keys() != {why["params"]["mark"] for why in found}:
        raise guards.ChangedMeanwhileError(reason("decision.changed_meanwhile"))
    return [(why, _possible(why, chosen[why["params"]["mark"]])) for why in found]


def _possible(why: StoredReason, choice: str) -> Choice:
    if choice not in conflicts.possible(why["code"], why["params"]):
        raise guards.ChoiceNeededError(reason("decision.choice_needed", line=why["params"]["line"]))
    return Choice(choice)


def _keep(row: WorkOrder, why: StoredReason, choice: Choice) -> None:
    line = OrderLine.objects.get(work_order=row, reference=why["params"]["reference"])
    line.choices |= conflicts.kept(why["code"], why["params"], choice)
    line.save(update_fields=["choices"])


def _described(choices: Chosen) -> str:
    """Return the choices for the history, in the language of the person who decides."""
    said = [_said(why, choice) for why, choice in choices]
    return sentences(said)[: guards.REASON_LENGTH]


def _said(why: StoredReason, choice: Choice) -> StoredReason:
    params = dict(why["params"])
    if choice is Choice.SUM:
        params["both"] = str(conflicts.total(params["before"], params["ours"], params["theirs"]))
    return {"code": f"solved.{why['code']}.{choice}", "params": params}
