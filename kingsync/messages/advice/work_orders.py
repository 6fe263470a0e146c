"""What to do about what stops a work order, or one of its lines."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kingsync.messages.advice.answer import DECISION, KING, OUTSMART, SETTINGS, Advice, Answers, Text
from kingsync.rules import review

_FIX_LINES = _("Fix the refused lines, see the reason at each line.")
_ENTER_ORDER = _("Enter the number of the King order on the work order in OutSmart.")
_ONCE_CLOSED = _(
    "Once the King order is closed, create a supplementary order with what is missing, or process it in King yourself "
    "and settle it by hand."
)

_WORK_ORDER: Answers = (
    Advice(_("Choose a customer with a King number on the work order in OutSmart."), "no_debtor", OUTSMART),
    Advice(
        _("Create customer %(debtor)s in King, or choose another customer on the work order in OutSmart."),
        "unknown_debtor",
        KING,
    ),
    Advice(
        _("Unblock customer %(debtor)s for orders in King."),
        "blocked_debtor",
        KING,
        more=_("If the customer may not have orders, exclude the work order."),
    ),
    Advice(
        _("Choose a warehouse for the material in OutSmart."), "no_warehouse", SETTINGS, setting="default_warehouse"
    ),
    Advice(
        _("Enter the order in King yourself, then exclude the work order."),
        "number_too_long",
        OUTSMART,
        actions=("exclude",),
    ),
    Advice(
        _("Exclude the work order, or add materials or hours in OutSmart."),
        "nothing_to_invoice",
        DECISION,
        more=_("Release it to create an order with text lines only."),
        actions=("exclude",),
    ),
    Advice(_FIX_LINES, "all_lines_refused line_refused", DECISION),
    Advice(_FIX_LINES, "waits_for_lines", SETTINGS, setting="incomplete_orders"),
    Advice(_ENTER_ORDER, "not_linked", SETTINGS, setting="create_new_order"),
    Advice(_ENTER_ORDER, "not_linked_interim", SETTINGS, setting="create_interim_order"),
    Advice(
        _("Release the work order if it must still go to King."),
        "before_from_date",
        DECISION,
        setting="export_from_date",
        actions=("release",),
    ),
    Advice(
        _("Correct the external work order number in OutSmart."),
        "unknown_order",
        OUTSMART,
        more=_("If the order was closed on purpose, choose “New order after all” on the page of the work order."),
    ),
    Advice(
        _("Reset the link to King, so that the work order gets an order of its own."),
        "order_of_another",
        DECISION,
        more=_("Check in King first which work order the order belongs to."),
        actions=("reset",),
    ),
    Advice(
        _("Release the work order if the King order is right; otherwise correct its number in OutSmart."),
        "order_of_other_customer",
        DECISION,
        setting="order_of_other_customer",
        actions=("release",),
    ),
    Advice(
        _("Exclude the work order if it was processed there."),
        "in_former_administration",
        DECISION,
        more=_("Release it to send it to the present administration."),
        actions=("exclude",),
    ),
    Advice(_("Exclude the work order here too."), "excluded_in_former_administration", DECISION, actions=("exclude",)),
)
_CLOSED: Answers = (
    Advice(
        _("Enter the previous King order number in OutSmart again."),
        "move_from_closed_order",
        DECISION,
        more=_("Nothing was lost: the lines are still on the old order."),
    ),
    Advice(
        _("Undo the changes to its lines in King, or enter the previous King order number in OutSmart again."),
        "move_of_changed_lines",
        DECISION,
    ),
    Advice(_("Fix in King what it reports about the line."), "move_refused refused_by_king", KING),
    Advice(
        _("Check the order in King, and process there what is missing."),
        "order_delivered",
        DECISION,
        actions=("supplement", "exclude"),
    ),
    Advice(
        _("Compare the difference on the page of the work order."),
        "order_delivered.approved order_delivered.not_approved",
        more=_ONCE_CLOSED,
    ),
    Advice(
        _("Check what was changed, then bring it to King."),
        "changed_after_export",
        DECISION,
        more=_ONCE_CLOSED,
        actions=("supplement",),
    ),
    Advice(
        _("Remove the wrong orders in King."),
        "several_orders",
        KING,
        more=_("The next export continues with the one that remains."),
    ),
    Advice(
        _("Check in King what happened to the order. kingsync sends nothing again automatically."), "king_order_gone"
    ),
)
_UNKNOWN: Answers = (
    Advice(
        _("Export it again: kingsync first looks in King for its order."),
        "not_looked_up",
        DECISION,
        more=_("Nothing arrives twice."),
    ),
    Advice(
        _("Look in King for “%(reference)s”, and release the work order if it is not there."),
        "restored_may_be_in_king",
        DECISION,
        more=_("If it is there, link the work order to it."),
        actions=("release",),
    ),
    Advice(_("Wait a few minutes: the next run looks the order up in King and continues from there."), "not_settled"),
    Advice(
        _(
            "Check the work orders that the start page names. Everything else was put right; the operator of kingsync "
            "can tell why the database was restored."
        ),
        "restore_noticed restored.in_journal_only restored.confirmed_only restored.confirmed_since",
    ),
    Advice(
        _("Nothing: the next export compares both systems and links what belongs together."),
        "restored.in_king_only restored.closed_since restored.at_trigger_again",
    ),
)
_IN_KING: Answers = (
    Advice(
        _("Choose for each line which value applies."),
        "line_conflict line_removed line_dropped",
        DECISION,
        more=_("The next export carries it out."),
        actions=("solve",),
    ),
    Advice(
        _("Nothing is needed: what King's staff changed is never overwritten. Correct it in King if it is wrong."),
        "king_value_stays removed_line_stays_away line_out_of_place king_header_changed",
    ),
    Advice(_("Remove the empty order in King, unless you want to use it."), "order_left_empty"),
    Advice(_("Complete the other work orders first, or approve the order in King yourself."), "approval_waits"),
    Advice(_("For your information: King has delivered these lines. Nothing has to be done."), "delivered_in_king"),
    Advice(
        _("Compare the order in King with the lines below, then export again."),
        "differs_after_sending",
        DECISION,
        more=_("If King is right, nothing has to be done; if not, correct the order in King."),
    ),
)
_REVIEW: Answers = (
    Advice(
        _("Check the work order, then release it."),
        " ".join(sorted(review.CODES)),
        DECISION,
        setting="review",
        actions=("release",),
    ),
)
_REFUSED: Answers = (
    Advice(
        _("Nothing: the next run tries again. Close the record in King if it stays open."),
        "order_busy still_locked system.busy",
    ),
    Advice(_("Close the order in King, where someone has it open."), "order_busy_long", KING),
    Advice(_("Check the order in King and approve it there yourself."), "not_approved_credit not_approved_supplement"),
    Advice(_("Fix in King what it reports about the order."), "order_refused", KING),
    Advice(_("Fix in King what it reports about the approval."), "approval_refused", KING),
)
_IN_OUTSMART: Answers = (
    Advice(
        _("Nothing: the order is in King, and each run tries again to report it. Check OutSmart if it lasts a day."),
        "confirmation_failed",
    ),
    Advice(
        _("Exclude the work order if it is not coming back."), "deleted_in_outsmart", DECISION, actions=("exclude",)
    ),
    Advice(
        _("Remove its lines in King if nothing is to be invoiced, then exclude it."),
        "deleted_with_order",
        DECISION,
        actions=("exclude",),
    ),
    Advice(
        _("Give the work order the status that starts the export in OutSmart."),
        "left_the_trigger never_at_trigger status_not_complete other_work_status",
        DECISION,
        more=_("Or export it from its own page. If it should not go to King, do nothing or exclude it."),
    ),
    Advice(_("Restore the work order from the archive in OutSmart if it must still go to King."), "archived"),
    Advice(
        _("Check the work order in OutSmart and save it again."),
        "unreadable_work_order",
        OUTSMART,
        more=_("Contact the operator of kingsync if you see nothing wrong."),
    ),
    Advice(
        _(
            "Wait for the next attempt. If the message stays, contact the operator of kingsync and give the number of "
            "the work order or run."
        ),
        "internal call.broken system.unexpected system.unexpected.bare system.protocol workers_lost",
    ),
    Advice(_("Restore the work order if it must go to King after all."), "excluded"),
)
_LINES: Answers = (
    Advice(_("Nothing: this says what the export changed in the King order."), "lines_written"),
    Advice(
        _("Choose an hour type for the hours in OutSmart."),
        "no_hour_type line_refused.no_hour_type",
        OUTSMART,
        more=_("Hour types come from King's rates."),
    ),
    Advice(
        _("Enter an article number for the material in OutSmart."),
        "no_article_code",
        OUTSMART,
        setting="free_line_article",
    ),
    Advice(
        _("Create article %(article)s in King, or correct the article number in OutSmart."), "unknown_article", KING
    ),
    Advice(
        _("Create warehouse %(warehouse)s in King, or choose another warehouse for the line in OutSmart."),
        "unknown_warehouse",
        KING,
    ),
    Advice(_("Create rate %(rate)s in King, or choose another hour type in OutSmart."), "unknown_rate", KING),
    Advice(
        _("Unblock article %(article)s in King."),
        "blocked_article",
        KING,
        more=_("Or choose another article in OutSmart."),
    ),
    Advice(
        _("Unblock rate %(rate)s in King."), "blocked_rate", KING, more=_("Or choose another hour type in OutSmart.")
    ),
    Advice(_("Enter the quantity in OutSmart."), "no_quantity", OUTSMART),
    Advice(
        _("Correct the quantity in OutSmart."), "unreadable_quantity too_many_decimals quantity_too_large", OUTSMART
    ),
    Advice(
        _(
            "Nothing, if the line is really zero: such lines are left out and do not stop the order. Else correct it "
            "in OutSmart."
        ),
        "zero_quantity zero_time empty_text",
    ),
    Advice(
        _("Correct the price in OutSmart."),
        "unreadable_price negative_price price_too_large price_decimals",
        OUTSMART,
    ),
    Advice(
        _("Shorten the text in OutSmart."),
        "line_text_too_long",
        OUTSMART,
        more=_("Or shorten the text line in the settings."),
    ),
    Advice(_("Enter the time of the work period in OutSmart."), "no_time", OUTSMART),
    Advice(_("Correct the time of the work period in OutSmart."), "unreadable_time", OUTSMART),
    Advice(_("Correct the break or the time of the work period in OutSmart."), "break_too_long", OUTSMART),
    Advice(
        _("Allow more decimals for rate %(rate)s in King."),
        "time_does_not_fit",
        KING,
        more=_("Or choose an hour rounding in the settings that fits it, such as 15 minutes with two decimals."),
    ),
    Advice(_("Correct the travel distance in OutSmart."), "unreadable_distance negative_distance", OUTSMART),
)
GROUPS: tuple[tuple[Text, Answers], ...] = (
    (_("The work order and its customer"), _WORK_ORDER),
    (_("Lines of a work order"), _LINES),
    (_("Closed King orders"), _CLOSED),
    (_("Unknown outcomes and restored databases"), _UNKNOWN),
    (_("Changes in King"), _IN_KING),
    (_("Review before sending"), _REVIEW),
    (_("King refuses or is busy"), _REFUSED),
    (_("The work order in OutSmart"), _IN_OUTSMART),
)
