"""Imports, whole runs, and what a restored database lacks."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
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
}
