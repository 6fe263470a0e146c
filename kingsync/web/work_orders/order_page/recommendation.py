"""The one thing to do now about a work order, and what follows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kingsync.exports import verdict
from kingsync.exports.overview import causes
from kingsync.manual_actions import order_notices
from kingsync.messages.advice import table
from kingsync.messages.advice.answer import DECISION, KING, Advice
from kingsync.models import sync_settings
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.web.work_orders import repairs
from kingsync.web.work_orders.record_names import Names

Kind = ManualAction.Kind
# Besides the manual actions: export this one now.
EXPORT = "export"
# The manual actions that the page offers, in its order; differences are solved in a form of their own.
OFFERED = tuple(
    str(kind)
    for kind in (
        *(Kind.RETRY, Kind.RELEASE, Kind.RESTORE, Kind.SUPPLEMENT, Kind.SETTLE),
        *(Kind.NEW_ORDER, Kind.LINK, Kind.RESET, Kind.EXCLUDE),
    )
)

_IN_STATE: dict[str, str | Promise] = {
    LedgerState.WAITING: gettext_lazy("Nothing: the next export sends it."),
    LedgerState.SENDING: gettext_lazy("Nothing: it is being sent, or the next export continues with it."),
    LedgerState.INTERIM: gettext_lazy(
        "Nothing: it is in King as interim. The final export follows once the work order is completed in OutSmart."
    ),
    LedgerState.UNCONFIRMED: gettext_lazy("Nothing: it is in King, and each run reports it to OutSmart again."),
    LedgerState.DONE: gettext_lazy("Nothing: it is in King completely, and reported to OutSmart."),
    LedgerState.EXCLUDED: gettext_lazy(
        "Nothing: kingsync does not send it. Restore it if it must go to King after all."
    ),
}
_ACTION_IN_STATE = {LedgerState.WAITING: EXPORT, LedgerState.SENDING: EXPORT, LedgerState.EXCLUDED: str(Kind.RESTORE)}


@dataclass(frozen=True)
class Recommendation:
    """`step` first; `also` are the steps of its other causes. `action` is "" when there is nothing to press here."""

    step: str
    also: list[str] = field(default_factory=list)
    advice: Advice | None = None
    after: str = ""
    action: str = ""

    @property
    def setting(self) -> str:
        """The column that would solve it for all work orders; "" if there is none."""
        return self.advice.setting if self.advice else ""

    @property
    def setting_label(self) -> str:
        return sync_settings.label(self.setting) if self.setting else ""

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return self.advice is None


def of(row: WorkOrder, *, possible: Collection[str], names: Names, after: str) -> Recommendation:
    """Return what to do about a work order; `after` says what happens to what was repaired."""
    if row.state not in WorkOrder.NEEDS_A_PERSON:
        return _of_state(row, possible)
    found = causes.of(row.reasons)
    if not found:
        step = _("Export it again.")
        return Recommendation(step, advice=Advice(step, "", DECISION), action=EXPORT)
    steps = [table.of(cause.code).step_for(names.in_params(cause.params)) for cause in found]
    first = found[0].code
    action = _action(first, possible)
    return Recommendation(
        step=_supplement_step() if action == Kind.SUPPLEMENT else steps[0],
        also=[step for step in dict.fromkeys(steps) if step != steps[0]],
        advice=table.of(first),
        after=after if first not in repairs.NOT_RETRIED and action != Kind.EXCLUDE else "",
        action=action,
    )


def _supplement_step() -> str:
    return _("Create a supplementary order with the difference below, or process it in King and settle it by hand.")


def _action(code: str, possible: Collection[str]) -> str:
    if code in verdict.OFF_TRIGGER:
        return ""  # an export would leave it as it is
    return next((str(kind) for kind in table.of(code).actions if kind in possible), EXPORT)


def _of_state(row: WorkOrder, possible: Collection[str]) -> Recommendation:
    state = LedgerState(row.state)
    if order_notices.approval_notice(row):
        step = _("Check King order %(number)s and approve it in King.") % {"number": row.king_order_number}
        return Recommendation(step, advice=Advice(step, "", KING))
    action = _ACTION_IN_STATE.get(state, "")
    is_possible = action == EXPORT or action in possible
    return Recommendation(str(_IN_STATE.get(state, "")), action=action if is_possible else "")
