"""What stops a work order, or is good to know about it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    # Whole work orders
    "no_debtor": _("The work order has no debtor number. Choose a customer with a King number in OutSmart."),
    "unknown_debtor": _(
        "King does not know customer %(debtor)s. Create the customer in King or correct the work order."
    ),
    "blocked_debtor": _("Customer %(debtor)s is blocked for orders in King. Lift the block in King."),
    "no_warehouse": _(
        "Material “%(material)s” has no warehouse and no default warehouse is set. "
        "Choose a default warehouse in the settings or a warehouse in the work order."
    ),
    "number_too_long": _("OutSmart's number %(number)s is too long for King (20 characters)."),
    "nothing_to_invoice": _("Nothing to invoice: the work order has no materials and no hours."),
    "all_lines_refused": _("None of the materials and hours can be booked in King, so nothing was sent."),
    "waits_for_lines": _("The order waits until all its lines are right, as set in the settings."),
    "not_linked": _("The work order has no King order number and “Create new order” is off."),
    "not_linked_interim": _("The work order has no King order number and “Create interim order” is off."),
    "before_from_date": _("The work was finished on %(date)s, before the start date %(from_date)s."),
    "unknown_order": _(
        "King has no open order %(number)s: it was delivered, invoiced or removed, or the number is wrong. "
        "Correct the external work order number in OutSmart."
    ),
    "order_of_another": _(
        "King order %(number)s is now the order of work order %(other)s: King used its number again."
    ),
    "move_from_closed_order": _(
        "The work order has to go from King order %(number)s to %(wanted)s, but %(number)s is no longer open: it was "
        "delivered, invoiced or removed. Nothing was written. Enter %(number)s in OutSmart again, or reset the link "
        "to King."
    ),
    "move_of_changed_lines": _(
        "The work order has to go from King order %(number)s to %(wanted)s, but these lines of %(number)s were "
        "changed, removed or delivered in King, or are older than the work order: %(lines)s. Nothing was written. Undo "
        "that in King, or enter %(number)s in OutSmart again."
    ),
    "move_refused": _("King refused to remove a line from order %(number)s: %(detail)s"),
    "lines_written": _("The order was updated in King: %(lines)s"),
    "moved": _("The work order went from King order %(number)s to %(wanted)s with all its lines."),
    "order_of_other_customer": _(
        "King order %(number)s belongs to customer %(debtor)s (%(debtor_name)s), but the work order "
        "is for customer %(customer)s (%(customer_name)s). Correct the external work order number in "
        "OutSmart, or release the work order if this is right."
    ),
    "in_former_administration": _(
        "The work order belongs to King order %(number)s of former administration %(administration)s, so nothing was "
        "sent to the present one. Exclude it, or release it to send it to the present administration: to the order of "
        "its external work order number, else as a new order."
    ),
    "excluded_in_former_administration": _(
        "The work order was excluded in former administration %(administration)s. Exclude it here too, or release it "
        "to send it to the present administration."
    ),
    "order_delivered": _(
        "King order %(number)s is no longer open: it was delivered, invoiced or removed in the "
        "meantime, and was not changed."
    ),
    "order_delivered.approved": _(
        "King order %(number)s was approved and is no longer open: it was probably delivered or invoiced. It was not "
        "changed."
    ),
    "order_delivered.not_approved": _(
        "King order %(number)s is no longer open, and was not approved when kingsync last saw it: your staff removed "
        "it, or delivered or invoiced it since. It was not changed. Check it in King."
    ),
    "several_orders": _("King has %(count)s orders with our reference %(reference)s. Remove the wrong ones in King."),
    "restored_may_be_in_king": _(
        "The database was restored to an earlier state, and King may have had an order for this work "
        "order that it no longer shows. What to do: look in King for “%(reference)s”, then release "
        "the work order to send it, or exclude it."
    ),
    "restore_noticed": _(
        "The database was restored to an earlier state: King has %(found)s orders of ours that were "
        "missing from it, and %(closed)s more that King no longer shows. They were linked to their "
        "work orders again, so nothing is sent twice."
    ),
    "not_looked_up": _("It is not known whether King created the order, and it could not be looked up: %(detail)s"),
    "not_settled": _("King may still be processing an earlier call. It is looked up again by the next run."),
    "line_conflict": _(
        "%(field)s of line “%(line)s” was changed on both sides: from %(before)s to %(ours)s in OutSmart and to "
        "%(theirs)s in King. Nothing was written. Choose which value applies, or make both sides the same."
    ),
    "line_removed": _(
        "Line “%(line)s” was removed in King and changed in OutSmart (%(ours)s). Nothing was written. Choose whether "
        "the line stays removed."
    ),
    "line_dropped": _(
        "Line “%(line)s” was removed in OutSmart and changed in King (%(fields)s). Nothing was written. Choose "
        "whether the line stays in King."
    ),
    # Reviews: right perhaps, but a person wants to see it first
    "review.credit": _("Line “%(line)s” is a credit. Check it, then release the work order."),
    "review.warranty": _("Line “%(line)s” is under warranty. Check it, then release the work order."),
    "review.zero_price": _("Line “%(line)s” has a price of zero. Check it, then release the work order."),
    "review.free_line": _("Line “%(line)s” has no article number. Check it, then release the work order."),
    "review.first_order_of_customer": _(
        "This would be the first order of customer %(debtor)s. Check the customer, then release the work order."
    ),
    # Nothing wrong, but good to know
    "king_value_stays": _(
        "%(field)s of line “%(line)s” was changed in King from %(before)s to %(theirs)s and stays as it is."
    ),
    "removed_line_stays_away": _("Line “%(line)s” was removed in King and stays removed."),
    "line_out_of_place": _(
        "Line “%(line)s” is lower in the King order than the settings specify: to move it, lines that "
        "were changed or added in King would have to be created again."
    ),
    "order_left_empty": _(
        "King order %(number)s, which kingsync created, has no lines left. Remove it in King if you do not need it."
    ),
    "approval_waits": _("King order %(number)s is approved once these work orders on it are complete: %(others)s."),
    "king_header_changed": _(
        "%(field)s of King order %(number)s was changed in King from %(before)s to %(theirs)s and stays as it is."
    ),
    "delivered_in_king": _("King order %(number)s: delivered in King: %(lines)s."),
    "king_order_gone": _(
        "King order %(number)s is no longer open, and was not approved when kingsync last saw it: your staff removed "
        "it, or approved and delivered or invoiced it since. Check it in King."
    ),
    "differs_after_sending": _("The order in King differs from what was sent: %(detail)s"),
    "order_busy": _("Someone has the order open in King. The next run tries again."),
    "order_busy_long": _(
        "Someone has had the order open in King since %(since)s. Close it there; each run tries again."
    ),
    "still_locked": _(
        "King order %(number)s may still be locked for your staff: King has not unlocked it yet. Each run tries again."
    ),
    "not_approved_credit": _(
        "King order %(number)s has a credit line, so it was not approved. Check it and approve it in King."
    ),
    "not_approved_supplement": _(
        "King order %(number)s is a supplementary order, which kingsync does not approve. Check it and approve it "
        "in King."
    ),
    "settled_by_hand": _("Settled by hand by %(name)s: %(reason)s"),
    "order_refused": _("King refused the order: %(detail)s"),
    "approval_refused": _("King refused to approve the order: %(detail)s"),
    "confirmation_failed": _("The order is in King, but could not be reported to OutSmart yet: %(detail)s"),
    "deleted_in_outsmart": _(
        "OutSmart no longer has this work order, and King has nothing of it. Exclude it if it is not coming back."
    ),
    "deleted_with_order": _(
        "OutSmart no longer has this work order, but King order %(number)s has its lines: %(lines)s. If the work must "
        "not be invoiced, remove those lines in King by hand; then exclude the work order."
    ),
    "left_the_trigger": _("The work order no longer has the status that starts the export."),
    "never_at_trigger": _(
        "The work order has not had the status that starts the export yet. Give it that status in OutSmart, or export "
        "it from its page whatever its status."
    ),
    "status_not_complete": _(
        "Its status in OutSmart is %(status)s, and an export takes completed work orders. Exported anyway, an "
        "unfinished one is brought to King as interim and not reported to OutSmart."
    ),
    "other_work_status": _("Its work order status is %(status)s; an export takes status %(wanted)s."),
    "archived": _("The work order is archived in OutSmart."),
    "unreadable_work_order": _("OutSmart's answer for this work order could not be read: %(detail)s"),
    "changed_after_export": _("The work order was changed in OutSmart after it was exported: %(detail)s"),
    "internal": _("Something went wrong inside kingsync. Nothing was lost: it will be tried again."),
    "excluded": _("Excluded by %(name)s: %(reason)s"),
}
