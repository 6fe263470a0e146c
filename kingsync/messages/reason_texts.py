"""The sentence of each reason, for users: what happened, what to do. All other code returns a code and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import errors
from kingsync.messages.field_names import field_name, field_names
from kingsync.rules import outcomes


class StoredReason(TypedDict):
    code: str
    params: dict[str, str]


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
    # Single lines
    "line_refused": _("Line “%(line)s”: %(sentence)s"),
    "line_refused.no_hour_type": _("Hours %(line)s have no hour type."),
    "no_article_code": _("The material has no article number."),
    "unknown_article": _("King does not know article %(article)s."),
    "blocked_article": _("Article %(article)s is blocked for sale in King."),
    "unknown_warehouse": _("King does not know warehouse %(warehouse)s."),
    "no_quantity": _("The quantity is empty."),
    "unreadable_quantity": _("The quantity “%(value)s” cannot be read."),
    "too_many_decimals": _("King accepts at most %(decimals)s decimals for %(number)s; the quantity is %(quantity)s."),
    "quantity_too_large": _(
        "The quantity %(value)s is larger than King accepts. Was a code scanned into the quantity by mistake?"
    ),
    "zero_quantity": _("The quantity is zero."),
    "unreadable_price": _("The price “%(value)s” cannot be read."),
    "negative_price": _("King does not accept a negative price (%(value)s). Enter a credit as a negative quantity."),
    "price_too_large": _("The price %(value)s is larger than King accepts."),
    "price_decimals": _("King accepts at most %(decimals)s decimals in a price; this one is %(value)s."),
    "line_text_too_long": _(
        "The text has %(length)s characters; King accepts at most %(limit)s. Shorten it in OutSmart: "
        "nothing is cut off."
    ),
    "no_hour_type": _("The work period has no hour type."),
    "unknown_rate": _("King does not know rate %(rate)s."),
    "blocked_rate": _("Rate %(rate)s is blocked for sale in King."),
    "no_time": _("The work period has no time."),
    "unreadable_time": _("The time “%(value)s” cannot be read."),
    "break_too_long": _("The break (%(break)s minutes) is longer than the work period."),
    "zero_time": _("The work period has no minutes."),
    "time_does_not_fit": _(
        "Rate %(rate)s has %(decimals)s decimals in King: %(minutes)s minutes cannot be booked in it."
    ),
    "unreadable_distance": _("The travel distance “%(value)s” cannot be read."),
    "negative_distance": _("The travel distance is negative (%(value)s)."),
    "empty_text": _("The text is empty."),
    "refused_by_king": _("King refused it: %(detail)s"),
    # Imports
    "missing_fields": _("King has no %(fields)s for this record, and OutSmart requires it."),
    "too_long": _(
        "%(field)s: %(length)s characters is more than the %(limit)s that OutSmart accepts. Shorten "
        "it in King: nothing is cut off."
    ),
    "text_too_long": _(
        "%(field)s: %(length)s bytes is more than the %(limit)s that OutSmart accepts. Shorten it in "
        "King: nothing is cut off."
    ),
    "unusable_number": _(
        "King's number “%(number)s” cannot be used in an OutSmart code: it is empty or contains a hyphen."
    ),
    "negative_hour_price": _("OutSmart does not accept a negative price for an hour type (%(value)s)."),
    "price_with_vat_only": _(
        "King's file only contains the price including VAT, and OutSmart needs the price excluding VAT. What to do: "
        "let King export prices excluding VAT, or choose another price in the settings."
    ),
    "refused_by_outsmart": _("OutSmart refused it: %(detail)s"),
    "skipped_inactive": _("Blocked in King; the settings say to skip blocked records."),
    "inactive_never_sent": _("Blocked in King and never sent to OutSmart; it is left out."),
    "deleted_in_king": _("King no longer has it; it was deactivated in OutSmart."),
    "deleted_in_king_stays": _(
        "King no longer has it. OutSmart cannot deactivate it, so it stays there; remove it in OutSmart."
    ),
    "scan_not_whole": _(
        "King did not send all its records: one that seemed to be missing still exists. Nothing was deactivated."
    ),
    "change_limit": _(
        "Of %(known)s records, %(changed)s would change and %(deactivated)s would be deactivated: more than the safety "
        "limit allows at once. Nothing was written. Review the list, then approve or hold the import."
    ),
    "other_revenue_group": _("Its revenue group is not one of those chosen in the settings."),
    "cannot_deactivate_product": _(
        "Blocked in King. OutSmart cannot deactivate a product, so nothing was sent and the product "
        "in OutSmart stays as it is. Remove it in OutSmart by hand if it should no longer be used."
    ),
    "made_by_export": _("This order was created by our export; its work order already exists."),
    "order_before_from_date": _("The order is dated %(date)s, before the start date in the settings."),
    "customer_not_imported": _(
        "Customer %(debtor)s of this order is not in OutSmart. Import the customers first; the master "
        "data page says why one was skipped."
    ),
    "unreadable_customer": _("King's answer for customer %(debtor)s of this order could not be read: %(detail)s"),
    "unknown_address": _(
        "The order is for delivery address %(address)s of customer %(debtor)s, which is unknown. "
        "Correct the address in King, or import the customers with their delivery addresses first."
    ),
    "order_being_posted": _(
        "The work order was being sent to OutSmart when the run stopped. The next run looks it up there."
    ),
    "order_not_made": _("OutSmart did not refuse the work order, but does not have it either. It will be tried again."),
    "work_order_of_another": _(
        "The work order with this number (%(work_order)s in OutSmart) was created from King order "
        "%(other)s. Correct the external work order number in OutSmart."
    ),
    "work_order_of_former_administration": _(
        "OutSmart's work order with this number belongs to an order of former administration %(administration)s. "
        "Remove the external work order number there if the order of the present administration needs a work order."
    ),
    "order_differs": _(
        "The order was changed in King after its work order was created: %(fields)s. The work order "
        "was not changed; change it in OutSmart if the work requires it."
    ),
    "order_deleted_in_king": _(
        "King no longer shows this order as open: it was delivered, invoiced or removed. Cancel the "
        "work order in OutSmart if the work is no longer needed."
    ),
    "unreadable_record": _("King's answer for this record could not be read: %(detail)s"),
    # Whole runs
    "licence_inactive": _(
        "The licence is not active, so nothing is imported or exported. Contact the operator: %(contact)s."
    ),
    "closing": _("This company is being deleted, so nothing is imported or exported."),
    "exports_off": _("“Orders” is off in the settings, so nothing is exported."),
    "imports_off": _("No import is switched on in the settings."),
    "no_connection": _("There is no connection with %(system)s yet. Fill in its address and credentials."),
    "interrupted": _("The run was interrupted before it finished. The next run continues where it stopped."),
    "workers_lost": _(
        "The program that carried out this run ended %(count)s times in a row, probably for lack of memory, so the run "
        "was stopped. What was sent is recorded, and the next run continues from there. Tell the operator of kingsync."
    ),
    # After a restore
    "restored.in_king_only": _(
        "King has order %(number)s with our reference %(reference)s, and kingsync does not know it. The next export "
        "links it to its work order again: enter nothing by hand."
    ),
    "restored.in_journal_only": _(
        "%(reference)s was sent to King after the backup (order %(number)s), and King no longer shows it as open. The "
        "next export links it again; if its work order is still to be exported, a user decides."
    ),
    "restored.confirmed_only": _(
        "In OutSmart the work order of %(reference)s is done, and neither kingsync nor King know the order. Look in "
        "King for %(reference)s; if it is not there, set the work order back to the status for exports."
    ),
    "restored.closed_since": _(
        "King no longer shows order %(number)s (%(reference)s) as open: it was delivered, invoiced or removed. Nothing "
        "has to be done, unless it was removed by mistake."
    ),
    "restored.at_trigger_again": _(
        "The work order of %(reference)s was exported completely (order %(number)s), and has the status for exports "
        "again. The next export compares and confirms it, and creates nothing."
    ),
    "restored.confirmed_since": _(
        "In OutSmart the work order of %(reference)s is done, and kingsync has sent nothing for it. Look in King for "
        "%(reference)s; if it is not there, set the work order back to the status for exports."
    ),
    "database_away": _(
        "kingsync’s database was not available for a moment, so the run stopped halfway. Nothing was lost. The "
        "background service continues the run; without one, run the command again."
    ),
    "cancelled": _("Stopped on request."),
    "decryption": _(
        "The stored credentials cannot be decrypted: ENCRYPTION_KEYS lacks the key that they were stored with."
    ),
    # The two systems: one sentence for each reason of integrations.errors
    "system.unreachable": _("%(system)s could not be reached. Check the address and whether the system is running."),
    "system.timeout": _("%(system)s did not answer in time. The next run tries again."),
    "system.reset": _("%(system)s closed the connection in the middle of a call. The next run tries again."),
    "system.proxy": _("%(system)s could not be reached through the outgoing proxy. Ask the operator to check it."),
    "system.certificate": _(
        "The certificate of %(system)s is not trusted. Add its certificate authority to the connection."
    ),
    "system.forbidden_address": _(
        "The address of %(system)s is not allowed: it must be a public https address, or one that the "
        "operator has allowed."
    ),
    "system.software_token": _(
        "The operator's software token is only sent to OutSmart's own address. What to do: correct "
        "the address, or fill in a software token of your own."
    ),
    "system.rate_limit": _("%(system)s received too many requests. The next run tries again."),
    "system.server_error": _("%(system)s reported an internal error (HTTP %(status)s). The next run tries again."),
    "system.server_error.bare": _("%(system)s reported an internal error. The next run tries again."),
    "system.redirect": _(
        "%(system)s redirects %(operation)s to another address. Correct the address of the connection."
    ),
    "system.not_json": _(
        "%(system)s answered with something other than data, such as a web page. Check the address of the connection."
    ),
    "system.empty": _("%(system)s gave an empty answer. The next run tries again."),
    "system.unexpected": _("%(system)s gave an answer that we could not understand: %(detail)s"),
    "system.unexpected.bare": _("%(system)s gave an answer that we could not understand. The next run tries again."),
    "system.authentication": _("%(system)s refused our credentials for %(operation)s. Correct them in the settings."),
    "system.authentication.outsmart-1004": _(
        "OutSmart does not allow the token (1004). Check the token, and whether the licence for the King integration "
        "is active in OutSmart's License Manager."
    ),
    "system.authentication.outsmart-1005": _(
        "OutSmart does not allow the software token, or not with this token (1005). Check both, and whether the "
        "licence for the King integration is active in OutSmart's License Manager."
    ),
    "system.configuration": _(
        "%(system)s does not offer %(operation)s at this address. Check the connection. %(detail)s"
    ),
    "system.protocol": _("%(system)s did not understand our request %(operation)s: %(detail)s"),
    "system.rejected": _("%(system)s refused %(operation)s: %(detail)s"),
    "system.not_found": _("%(system)s does not have this record (%(operation)s)."),
    "system.busy": _("Someone has the record open in %(system)s. The next run tries again."),
    "system.occupied_by_export": _("%(system)s is busy with an export to this administration. Try again in a moment."),
    "system.occupied_by_import": _(
        "%(system)s is busy with an import from this administration. Try again in a moment."
    ),
    "system.occupied_by_page": _(
        "%(system)s is busy with another request to this administration. Try again in a moment."
    ),
    "system.occupied_by_verify": _(
        "%(system)s is busy with a verification of this administration. Try again in a moment."
    ),
    "system.too_large": _("%(system)s gave an answer that is larger than allowed."),
    # King's XML files: operation is the file's name, detail its line
    "file_held": _(
        "Waiting: it would change more than the safety limit allows. Approve it on the start page, or remove the file."
    ),
    "system.file_broken": _(
        "“%(operation)s” is cut off or damaged at line %(detail)s. Export the whole file from King again."
    ),
    "system.file_doctype": _(
        "“%(operation)s” has a DOCTYPE at line %(detail)s. King's own files have none, so it was not "
        "read. Use the file as King exports it."
    ),
    "system.file_encoding": _(
        "“%(operation)s” has a character at line %(detail)s that does not match the encoding named in "
        "its first line. Export it from King again, and do not save it with another program."
    ),
    "system.file_too_large": _(
        "“%(operation)s” has a record at line %(detail)s that is far larger than any King record. "
        "Export it from King again."
    ),
    "system.file_foreign": _(
        "“%(operation)s” is not an export file that can be imported: KING_DEBITEUREN, KING_ARTIKELEN, "
        "KING_TARIEVEN, KING_VOORRAAD or KING_ORDERS. Choose the right one."
    ),
    "system.file_missing": _("“%(operation)s” is missing or cannot be read. Put it back, or upload it again."),
    "system.file_changed": _(
        "“%(operation)s” was overwritten after it was found. The next import reads the new content."
    ),
    "system.files_only": _(
        "Imports read King's XML files, and a file cannot be searched for one record. Let imports use "
        "King's web services."
    ),
}

# Events of the log, for entries without a reason.
EVENTS: dict[str, str | Promise] = {
    "order.moved": _("The work order went to another King order."),
    "order.created": _("The order was created in King."),
    "order.updated": _("The order was updated in King."),
    "order.unchanged": _("King already had all of it."),
    "order.approved": _("The order was approved and released for delivery."),
    "record.open_again": _("The order is open in King again."),
    "order.found_again": _("The order of an interrupted run was found in King; the export continues with it."),
}

_NAMES = {"outsmart": "OutSmart", "king": "King"}


def sentence(reason: Mapping[str, Any]) -> str:
    """Return the reason as a sentence in the active language; "" for no reason."""
    if not reason or not reason.get("code"):
        return ""
    params = dict(reason.get("params", {}))
    if "cause" in params:
        params = {"detail": sentence({"code": params.pop("cause"), "params": params})}
    template = _template(reason["code"], params)
    if "fields" in params:
        params["fields"] = field_names(params["fields"])
    if "field" in params:
        params["field"] = _capital(field_name(params["field"]))
    if reason["code"] == "line_refused":
        params["sentence"] = sentence({"code": params.pop("code", ""), "params": params})
    return (template % _Missing(params)).strip()


def code_of_sentence(reason: Mapping[str, Any]) -> str:
    """Return under which code the sentence of a reason is in `SENTENCES`; that of its line if it is about a line."""
    code, params = str((reason or {}).get("code", "")), (reason or {}).get("params", {})
    own = _code_of_template(code, params)
    if code == own == "line_refused" and params.get("code") in SENTENCES:
        return str(params["code"])
    return own if own in SENTENCES else ""


def _code_of_template(code: str, params: Mapping[str, Any]) -> str:
    """Return the code of the sentence; a line, a system's code and what is known of a King order may have their own."""
    own = f"{code}.{params.get('variant') or params.get('code', '')}"
    bare = f"{code}.bare" if not params.get(_BARE_WITHOUT.get(code, "")) else ""
    return next((each for each in (own, bare) if each in SENTENCES), code)


def _template(code: str, params: Mapping[str, Any]) -> str:
    code = _code_of_template(code, params)
    template = str(SENTENCES.get(code, code))
    if template.endswith(": %(detail)s") and not params.get("detail"):
        return template.replace("%(detail)s", gettext("no explanation was given."))
    return template


def event_sentence(event: str, reason: Mapping[str, Any]) -> str:
    """Return the text of a log entry: its reason, else its event in words, else the event's dotted name."""
    return sentence(reason) or str(EVENTS.get(event, event))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# The value without which the sentence "<code>.bare" is the right one.
_BARE_WITHOUT = {"system.server_error": "status", "system.unexpected": "detail"}


class _Missing(dict[str, str]):
    """Values of a sentence; a missing one reads as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def sentences(reasons: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(text for text in map(sentence, reasons) if text)


def stored(reason: outcomes.Reason) -> StoredReason:
    """Return the reason in the form in which it is stored."""
    return {"code": reason.code, "params": dict(reason.params)}


def reason_of(error: errors.IntegrationError) -> outcomes.Reason:
    """Return the reason that describes an error of one of the two systems."""
    detail = " ".join(part for part in (error.code, error.detail) if part)
    params = {
        "system": _NAMES.get(error.system, error.system),
        "operation": error.operation,
        "status": "" if error.status is None else str(error.status),
        "detail": detail,
    }
    code, own = f"system.{error.reason}", f"{error.system}-{error.code}"
    return outcomes.Reason(code=code, params=params | ({"code": own} if f"{code}.{own}" in SENTENCES else {}))
