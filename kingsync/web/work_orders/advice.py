"""What to do about each cause: the step, where it is taken, the setting that would solve it, the action here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import ManualAction
from kingsync.rules import review

KING, OUTSMART, SETTINGS, DECISION, NOBODY = "king", "outsmart", "settings", "decision", "nobody"
Kind = ManualAction.Kind

_BY_WHOM: dict[str, str | Promise] = {
    KING: _("To be fixed in King, by the person who maintains articles, customers and orders there."),
    OUTSMART: _("To be fixed in OutSmart, by the person who plans and checks the work orders."),
    SETTINGS: _("To be fixed in the settings of kingsync, or per work order in OutSmart."),
    DECISION: _("Decide per work order: open it to see what is possible."),
    NOBODY: _("Nothing to fix: each run tries again."),
}


@dataclass(frozen=True)
class Advice:
    """`setting` is the column that would solve it for all; the first possible one of `actions` is recommended."""

    place: str
    step: str | Promise
    setting: str = ""
    actions: tuple[Kind, ...] = ()

    @property
    def by_whom(self) -> str:
        return str(_BY_WHOM[self.place])

    @property
    def setting_label(self) -> str:
        """The setting as the settings page names it; "" if no setting would solve it."""
        field = SyncSettings._meta.get_field(self.setting) if self.setting else None
        return str(capfirst(getattr(field, "verbose_name", "")))

    def step_for(self, params: Mapping[str, str]) -> str:
        """Return the step with the values of a reason."""
        return str(self.step) % defaultdict(str, params)


_NOTHING = Advice(NOBODY, _("Nothing: each run tries again."))
_QUANTITY = Advice(OUTSMART, _("Correct the quantity in OutSmart."))
_PRICE = Advice(OUTSMART, _("Correct the price in OutSmart."))
_DISTANCE = Advice(OUTSMART, _("Correct the travel distance in OutSmart."))
_STATUS = Advice(DECISION, _("Give the work order the status that starts the export in OutSmart."))
_CONFLICT = Advice(DECISION, _("Choose for each line which value applies."), actions=(Kind.SOLVE,))
_REVIEW = Advice(DECISION, _("Check the work order, then release it."), setting="review", actions=(Kind.RELEASE,))

_ADVICE: dict[str, Advice] = {
    # Customers
    "no_debtor": Advice(OUTSMART, _("Choose a customer with a King number on the work order in OutSmart.")),
    "unknown_debtor": Advice(
        KING, _("Create customer %(debtor)s in King, or choose another customer on the work order in OutSmart.")
    ),
    "blocked_debtor": Advice(KING, _("Unblock customer %(debtor)s for orders in King.")),
    # Lines
    "unknown_article": Advice(
        KING, _("Create article %(article)s in King, or correct the article number in OutSmart.")
    ),
    "blocked_article": Advice(KING, _("Unblock article %(article)s in King.")),
    "unknown_rate": Advice(KING, _("Create rate %(rate)s in King, or choose another hour type in OutSmart.")),
    "blocked_rate": Advice(KING, _("Unblock rate %(rate)s in King.")),
    "unknown_warehouse": Advice(
        KING, _("Create warehouse %(warehouse)s in King, or choose another warehouse for the line in OutSmart.")
    ),
    "refused_by_king": Advice(KING, _("Fix in King what it reports about the line.")),
    "time_does_not_fit": Advice(KING, _("Allow more decimals for rate %(rate)s in King.")),
    "no_article_code": Advice(
        OUTSMART, _("Enter an article number for the material in OutSmart."), setting="free_line_article"
    ),
    "no_warehouse": Advice(
        SETTINGS, _("Choose a warehouse for the material in OutSmart."), setting="default_warehouse"
    ),
    "no_quantity": Advice(OUTSMART, _("Enter the quantity in OutSmart.")),
    "unreadable_quantity": _QUANTITY,
    "too_many_decimals": _QUANTITY,
    "quantity_too_large": _QUANTITY,
    "unreadable_price": _PRICE,
    "negative_price": _PRICE,
    "price_too_large": _PRICE,
    "price_decimals": _PRICE,
    "line_text_too_long": Advice(OUTSMART, _("Shorten the text in OutSmart.")),
    "no_hour_type": Advice(OUTSMART, _("Choose an hour type for the hours in OutSmart.")),
    "no_time": Advice(OUTSMART, _("Enter the time of the work period in OutSmart.")),
    "unreadable_time": Advice(OUTSMART, _("Correct the time of the work period in OutSmart.")),
    "break_too_long": Advice(OUTSMART, _("Correct the break or the time of the work period in OutSmart.")),
    "unreadable_distance": _DISTANCE,
    "negative_distance": _DISTANCE,
    "waits_for_lines": Advice(
        SETTINGS, _("Fix the refused lines, see the reason at each line."), setting="incomplete_orders"
    ),
    "all_lines_refused": Advice(DECISION, _("Fix the refused lines, see the reason at each line.")),
    # The King order
    "not_linked": Advice(
        SETTINGS, _("Enter the number of the King order on the work order in OutSmart."), setting="create_new_order"
    ),
    "not_linked_interim": Advice(
        SETTINGS, _("Enter the number of the King order on the work order in OutSmart."), setting="create_interim_order"
    ),
    "unknown_order": Advice(OUTSMART, _("Correct the external work order number in OutSmart.")),
    "number_too_long": Advice(
        OUTSMART, _("Enter the order in King yourself, then exclude the work order."), actions=(Kind.EXCLUDE,)
    ),
    "unreadable_work_order": Advice(OUTSMART, _("Check the work order in OutSmart and save it again.")),
    "several_orders": Advice(KING, _("Remove the wrong orders in King.")),
    "order_refused": Advice(KING, _("Fix in King what it reports about the order.")),
    "approval_refused": Advice(KING, _("Fix in King what it reports about the approval.")),
    "move_refused": Advice(KING, _("Fix in King what it reports about the line.")),
    "order_busy_long": Advice(KING, _("Close the order in King, where someone has it open.")),
    "order_of_other_customer": Advice(
        DECISION,
        _("Release the work order if the King order is right; otherwise correct its number in OutSmart."),
        setting="order_of_other_customer",
        actions=(Kind.RELEASE,),
    ),
    "order_of_another": Advice(
        DECISION, _("Reset the link to King, so that the work order gets an order of its own."), actions=(Kind.RESET,)
    ),
    "move_from_closed_order": Advice(DECISION, _("Enter the previous King order number in OutSmart again.")),
    "move_of_changed_lines": Advice(
        DECISION, _("Undo the changes to its lines in King, or enter the previous King order number in OutSmart again.")
    ),
    "order_delivered": Advice(
        DECISION,
        _("Check the order in King, and process there what is missing."),
        actions=(Kind.SUPPLEMENT, Kind.EXCLUDE),
    ),
    "changed_after_export": Advice(
        DECISION, _("Check what was changed, then bring it to King."), actions=(Kind.SUPPLEMENT,)
    ),
    "differs_after_sending": Advice(DECISION, _("Compare the order in King with the lines below, then export again.")),
    "not_looked_up": Advice(DECISION, _("Export it again: kingsync first looks in King for its order.")),
    "restored_may_be_in_king": Advice(
        DECISION,
        _("Look in King for “%(reference)s”, and release the work order if it is not there."),
        actions=(Kind.RELEASE,),
    ),
    "line_conflict": _CONFLICT,
    "line_removed": _CONFLICT,
    "line_dropped": _CONFLICT,
    # On purpose
    **dict.fromkeys(review.CODES, _REVIEW),
    "before_from_date": Advice(
        DECISION,
        _("Release the work order if it must still go to King."),
        setting="export_from_date",
        actions=(Kind.RELEASE,),
    ),
    "nothing_to_invoice": Advice(
        DECISION, _("Exclude the work order, or add materials or hours in OutSmart."), actions=(Kind.EXCLUDE,)
    ),
    "in_former_administration": Advice(
        DECISION, _("Exclude the work order if it was processed there."), actions=(Kind.EXCLUDE,)
    ),
    "excluded_in_former_administration": Advice(
        DECISION, _("Exclude the work order here too."), actions=(Kind.EXCLUDE,)
    ),
    "deleted_in_outsmart": Advice(
        DECISION, _("Exclude the work order if it is not coming back."), actions=(Kind.EXCLUDE,)
    ),
    "deleted_with_order": Advice(
        DECISION, _("Remove its lines in King if nothing is to be invoiced, then exclude it."), actions=(Kind.EXCLUDE,)
    ),
    "never_at_trigger": _STATUS,
    "left_the_trigger": _STATUS,
}


def of(code: str) -> Advice:
    """Return the advice about a cause; what is not known here is tried again by each run."""
    return _ADVICE.get(code, _NOTHING)


def codes() -> frozenset[str]:
    """Return the causes that need a step of a user."""
    return frozenset(_ADVICE)
