"""Where a cause is repaired and by whom, and which actions apply here to all that it stops."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kingsync.exports.causes import Affected, Cause
from kingsync.exports.verdict import LIFTED_BY_RELEASE
from kingsync.models.work_orders import ManualAction
from kingsync.rules import review

KING, OUTSMART, SETTINGS, DECISION, NOBODY = "king", "outsmart", "settings", "decision", "nobody"

_PLACES: dict[str, str] = {
    "unknown_debtor": KING,
    "blocked_debtor": KING,
    "order_delivered": DECISION,
    "several_orders": KING,
    "order_refused": KING,
    "approval_refused": KING,
    "unknown_article": KING,
    "blocked_article": KING,
    "unknown_rate": KING,
    "blocked_rate": KING,
    "unknown_warehouse": KING,
    "refused_by_king": KING,
    "time_does_not_fit": KING,
    "no_debtor": OUTSMART,
    "number_too_long": OUTSMART,
    "unknown_order": OUTSMART,
    "order_of_another": DECISION,
    "move_from_closed_order": DECISION,
    "move_of_changed_lines": DECISION,
    "move_refused": KING,
    "unreadable_work_order": OUTSMART,
    "no_article_code": OUTSMART,
    "no_quantity": OUTSMART,
    "unreadable_quantity": OUTSMART,
    "too_many_decimals": OUTSMART,
    "unreadable_price": OUTSMART,
    "negative_price": OUTSMART,
    "quantity_too_large": OUTSMART,
    "price_too_large": OUTSMART,
    "price_decimals": OUTSMART,
    "line_text_too_long": OUTSMART,
    "no_hour_type": OUTSMART,
    "no_time": OUTSMART,
    "unreadable_time": OUTSMART,
    "break_too_long": OUTSMART,
    "unreadable_distance": OUTSMART,
    "negative_distance": OUTSMART,
    "no_warehouse": SETTINGS,
    "not_linked": SETTINGS,
    "not_linked_interim": SETTINGS,
    "waits_for_lines": SETTINGS,
    "order_of_other_customer": DECISION,
    **dict.fromkeys(review.CODES, DECISION),
    "in_former_administration": DECISION,
    "excluded_in_former_administration": DECISION,
    "before_from_date": DECISION,
    "nothing_to_invoice": DECISION,
    "deleted_in_outsmart": DECISION,
    "deleted_with_order": DECISION,
    "never_at_trigger": DECISION,
    "left_the_trigger": DECISION,
    "line_conflict": DECISION,
    "line_removed": DECISION,
    "line_dropped": DECISION,
    "differs_after_sending": DECISION,
    "changed_after_export": DECISION,
    "not_looked_up": DECISION,
}
_LABELS: dict[str, str | Promise] = {
    KING: _("To be fixed in King, by the person who maintains articles, customers and orders there."),
    OUTSMART: _("To be fixed in OutSmart, by the person who plans and checks the work orders."),
    SETTINGS: _("To be fixed in the settings of kingsync, or per work order in OutSmart."),
    DECISION: _("Decide per work order: open it to see what is possible."),
    NOBODY: _("Nothing to fix: each run tries again."),
}
# A state that no retry picks up.
_NOT_RETRIED = frozenset({"changed_after_export", "order_delivered", "deleted_with_order"})


@dataclass(frozen=True)
class Repair:
    """A cause as the page shows it."""

    cause: Cause

    @property
    def place(self) -> str:
        return _PLACES.get(self.cause.code, NOBODY)

    @property
    def by_whom(self) -> str:
        return str(_LABELS[self.place])

    @property
    def kinds(self) -> list[ManualAction.Kind]:
        """The actions that apply here to all that it stops."""
        found = [] if self.cause.code in _NOT_RETRIED else [ManualAction.Kind.RETRY]
        if self.cause.code in LIFTED_BY_RELEASE:
            found += [ManualAction.Kind.RELEASE, ManualAction.Kind.EXCLUDE]
        return found

    @property
    def work_orders(self) -> list[Affected]:
        return self.cause.work_orders

    @property
    def more(self) -> int:
        """How many work orders it stops beyond those listed."""
        return self.cause.count - len(self.cause.work_orders)
