"""Why an action of a user or a call of a page was refused."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    # Refused actions of users
    "decision.nothing_to_settle": _(
        "This can only be decided for a work order that differs from a King order that is no longer open."
    ),
    "decision.order_is_open": _("King has order %(number)s open. Try the work order again instead."),
    "unknown_administration": _("There is no administration %(name)s. Known: %(known)s."),
    "switch.run_open": _("An import or export is in progress or queued. Switch when it has finished."),
    "switch.name_needed": _("Enter the name of the administration."),
    "switch.same": _("%(name)s is the present administration already."),
    "switch.not_linked": _(
        "Nothing is linked to the present administration yet: simply change its name in the settings."
    ),
    "file_of_former_administration": _(
        "The administration was switched before this file was imported. Export it again from the present one."
    ),
    "decision.wrong_state": _("This is not possible for a work order with state “%(state)s”."),
    "decision.export_going_on": _("An export is in progress. Decide again when it has finished."),
    "decision.not_settled": _("King may still be processing an earlier call. Decide again after %(time)s."),
    "decision.nothing_to_release": _(
        "A release only lifts a review, the start date, “nothing to invoice”, the King order of another "
        "customer, an order of a former administration and the unknown outcome after a restored database; "
        "this work order has another cause. Fix it, or exclude the work order."
    ),
    "decision.nothing_to_solve": _("No line of this work order was changed in both King and OutSmart."),
    "decision.choice_needed": _("Choose what applies to line “%(line)s”."),
    "solved.line_conflict.king": _("%(field)s of line “%(line)s”: King's value %(theirs)s stays."),
    "solved.line_conflict.outsmart": _("%(field)s of line “%(line)s”: OutSmart's value %(ours)s is written to King."),
    "solved.line_conflict.sum": _("%(field)s of line “%(line)s”: the sum %(both)s is written to King."),
    "solved.line_removed.king": _("Line “%(line)s” stays removed in King."),
    "solved.line_removed.outsmart": _("Line “%(line)s” is added to the King order again."),
    "solved.line_dropped.king": _("Line “%(line)s” stays in King and is no longer updated."),
    "solved.line_dropped.outsmart": _("Line “%(line)s” is removed from the King order."),
    "decision.other_customer": _(
        "King order %(number)s belongs to customer %(debtor)s (%(debtor_name)s), but the work order is for customer "
        "%(customer)s (%(customer_name)s). Confirm explicitly that this is right, or choose another order."
    ),
    "decision.already_linked": _("The work order is on King order %(number)s already."),
    "decision.no_such_order": _("King has no open order %(number)s in this administration."),
    "decision.still_in_king": _(
        "King still has open order %(number)s with our reference. Close or remove it in King first."
    ),
    "decision.lines_in_king": _(
        "King order %(number)s still has lines of this work order. Remove those lines in King first."
    ),
    "decision.order_not_open": _(
        "King order %(number)s is no longer open: it was delivered, invoiced or removed. Resetting "
        "the link sends everything again, so first make sure that the order was removed."
    ),
    "decision.changed_meanwhile": _("The work order changed while you were deciding. Check it again, then decide."),
    "decision.reason_needed": _("Enter a reason of at most %(length)s characters."),
    "decision.name_needed": _("State who decides."),
    "decision.unknown_work_order": _("This work order is unknown."),
    "decision.unknown_cause": _("No work order has this cause at the moment."),
    # Calls made by pages
    "call.busy": _("Other calls to OutSmart or King are in progress. Try again in a minute."),
    "call.too_often": _("Too many connection tests in a short time. Try again in a minute."),
    "call.interrupted": _("This was interrupted before it finished. Try again."),
    "call.not_allowed": _("You no longer have permission to do this."),
    "call.broken": _(
        "Something went wrong inside kingsync. Try again, and contact the operator if it keeps happening."
    ),
}
