"""What to do about each message, for the help pages: every code of `reason_texts` has an answer, in a group."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
# Answers, each with the codes that it is for. The sentence says what happened; the answer says how to go on, and what
# follows.
Answers = tuple[tuple[Text, str], ...]

_WORK_ORDER: Answers = (
    (
        _(
            "In OutSmart, choose a customer that was imported from King. The next export picks the work order up "
            "automatically."
        ),
        "no_debtor",
    ),
    (
        _(
            "Create the missing customer in King, or choose the right one on the work order in OutSmart. The next "
            "export tries again."
        ),
        "unknown_debtor",
    ),
    (
        _(
            "Lift the block in King, if the customer may have orders again, and wait for the next export. If not, "
            "exclude the work order."
        ),
        "blocked_debtor",
    ),
    (
        _("Choose a default warehouse in the settings, or a warehouse for the material in OutSmart."),
        "no_warehouse",
    ),
    (
        _("Shorten the number in OutSmart; the next export tries again."),
        "number_too_long",
    ),
    (
        _(
            "Add the missing materials or hours in OutSmart. If there is really nothing to invoice, exclude the work "
            "order; release it to create an order with text lines only."
        ),
        "nothing_to_invoice",
    ),
    (
        _(
            "Look at the reason of each line on the page of the work order and repair those. The next export sends "
            "everything that is right."
        ),
        "all_lines_refused waits_for_lines line_refused",
    ),
    (
        _(
            "Enter the number of an open King order as external work order number in OutSmart, link the work order to "
            "an order here, or switch the setting on."
        ),
        "not_linked not_linked_interim",
    ),
    (
        _("Release the work order to send it anyway, exclude it, or change the start date in the settings."),
        "before_from_date",
    ),
    (
        _(
            "Correct the external work order number in OutSmart. If the order was closed on purpose, choose “New "
            "order after all” on the page of the work order."
        ),
        "unknown_order",
    ),
    (
        _(
            "Check in King which work order the order belongs to. Then link this work order to the right order, or "
            "reset its link so that the next export creates a new one."
        ),
        "order_of_another",
    ),
    (
        _(
            "Compare both customers. Correct the external work order number in OutSmart if it is a typing error, or "
            "release the work order if it belongs on that order. The setting “Orders of another customer” applies to "
            "all."
        ),
        "order_of_other_customer",
    ),
    (
        _(
            "Decide on the page of the work order: exclude it if the former administration has the work already, or "
            "release it to send it to the present one."
        ),
        "in_former_administration excluded_in_former_administration",
    ),
)
_CLOSED: Answers = (
    (
        _(
            "Nothing was lost: the lines are still on the old order. Follow the sentence, or enter the old number in "
            "OutSmart again; the next export goes on from there."
        ),
        "move_from_closed_order move_of_changed_lines move_refused",
    ),
    (
        _(
            "Compare the difference on the page of the work order. Once the King order is closed, create a "
            "supplementary order with what is missing, or process it in King yourself and settle it by hand."
        ),
        "order_delivered order_delivered.approved order_delivered.not_approved changed_after_export",
    ),
    (
        _(
            "Search King for our reference, keep the right order and remove the others. The next export continues "
            "with the one that remains."
        ),
        "several_orders",
    ),
    (
        _("Check in King what happened to the order. kingsync sends nothing again automatically."),
        "king_order_gone",
    ),
)
_UNKNOWN: Answers = (
    (
        _(
            "Look in King for our reference. If the order is there, link the work order to it; if it is not, reset "
            "the link to King. Until then nothing is sent, so nothing arrives twice."
        ),
        "not_looked_up restored_may_be_in_king",
    ),
    (
        _("Wait a few minutes: the next run looks the order up in King and continues from there."),
        "not_settled",
    ),
    (
        _(
            "Check the work orders that the start page names. Everything else was put right; the operator of kingsync "
            "can tell why the database was restored."
        ),
        "restore_noticed restored.in_journal_only restored.confirmed_only restored.confirmed_since",
    ),
    (
        _("Nothing: the next export compares both systems and links what belongs together."),
        "restored.in_king_only restored.closed_since restored.at_trigger_again",
    ),
)
_IN_KING: Answers = (
    (
        _(
            "Choose under “Changed in both King and OutSmart” on the page of the work order which value applies. The "
            "next export carries it out."
        ),
        "line_conflict line_removed line_dropped",
    ),
    (
        _("Nothing is needed: what King's staff changed is never overwritten. Correct it in King if it is wrong."),
        "king_value_stays removed_line_stays_away line_out_of_place king_header_changed",
    ),
    (
        _("Remove the empty order in King, unless you want to use it."),
        "order_left_empty",
    ),
    (
        _("Complete the other work orders first, or approve the order in King yourself."),
        "approval_waits",
    ),
    (
        _("For your information: King has delivered these lines. Nothing has to be done."),
        "delivered_in_king",
    ),
    (
        _(
            "Compare both sides on the page of the work order. If King is right, nothing has to be done; if not, "
            "correct the order in King."
        ),
        "differs_after_sending",
    ),
)
_REVIEW: Answers = (
    (
        _(
            "Look at the line or the customer, correct the work order in OutSmart where needed, and press “Release”. "
            "What is held for review is chosen in the settings."
        ),
        "review.credit review.warranty review.zero_price review.free_line review.first_order_of_customer",
    ),
)
_REFUSED: Answers = (
    (
        _("Nothing: the next run tries again. Close the record in King if it stays open."),
        "order_busy still_locked system.busy",
    ),
    (
        _("Find out in King who has the order open, and close it. The next run then succeeds."),
        "order_busy_long",
    ),
    (
        _("Check the order in King and approve it there yourself."),
        "not_approved_credit not_approved_supplement",
    ),
    (
        _(
            "Read King's answer after the colon. Correct in King, or in OutSmart, what it mentions; the next export "
            "tries again."
        ),
        "order_refused approval_refused refused_by_king",
    ),
)
_IN_OUTSMART: Answers = (
    (
        _("Nothing: the order is in King, and each run tries again to report it. Check OutSmart if it lasts a day."),
        "confirmation_failed",
    ),
    (
        _("Exclude the work order, unless it comes back in OutSmart."),
        "deleted_in_outsmart",
    ),
    (
        _("Decide whether the work must be invoiced. If not, remove its lines in King and exclude the work order."),
        "deleted_with_order",
    ),
    (
        _(
            "Give the work order the status that starts the export in OutSmart, or export it from its own page. If it "
            "should not go to King, do nothing or exclude it."
        ),
        "left_the_trigger never_at_trigger status_not_complete other_work_status",
    ),
    (
        _("Restore the work order from the archive in OutSmart if it must still go to King."),
        "archived",
    ),
    (
        _(
            "Open the work order in OutSmart, correct what the sentence mentions and save it again. Contact the "
            "operator of kingsync if you see nothing wrong."
        ),
        "unreadable_work_order",
    ),
    (
        _(
            "Wait for the next attempt. If the message stays, contact the operator of kingsync and give the number of "
            "the work order or run."
        ),
        "internal call.broken system.unexpected system.unexpected.bare system.protocol workers_lost",
    ),
    (
        _("Restore the work order if it must go to King after all."),
        "excluded",
    ),
)
_DECISIONS: Answers = (
    (
        _("Reload the page of the work order to see its present state; it shows which decisions are possible now."),
        "decision.wrong_state decision.changed_meanwhile decision.nothing_to_settle decision.nothing_to_solve "
        "decision.already_linked decision.unknown_work_order decision.unknown_cause decision.order_is_open",
    ),
    (
        _("Wait until the run has finished, then try again."),
        "decision.export_going_on decision.not_settled switch.run_open",
    ),
    (
        _("Repair the cause that is shown; the next export then sends the work order. Or exclude it."),
        "decision.nothing_to_release",
    ),
    (
        _("Fill in what is asked for and confirm again."),
        "decision.choice_needed decision.reason_needed decision.name_needed switch.name_needed",
    ),
    (
        _("Compare both customers, then confirm explicitly or choose another order."),
        "decision.other_customer",
    ),
    (
        _("Check the number in King, and that the order is open there. Then enter it again."),
        "decision.no_such_order",
    ),
    (
        _(
            "Remove or close in King what the sentence mentions, and only then reset the link: otherwise King gets "
            "the work twice."
        ),
        "decision.still_in_king decision.lines_in_king decision.order_not_open",
    ),
    (
        _("Nothing: this is how the difference was settled. The next export carries it out."),
        "solved.line_conflict.king solved.line_conflict.outsmart solved.line_conflict.sum solved.line_removed.king "
        "solved.line_removed.outsmart solved.line_dropped.king solved.line_dropped.outsmart",
    ),
    (
        _("Nothing: this says what was done."),
        "moved settled_by_hand cancelled",
    ),
)
_ADMINISTRATIONS: Answers = (
    (
        _("Choose one of the names that are listed."),
        "unknown_administration",
    ),
    (
        _("Enter the new name in the settings of the connection; a switch is not needed."),
        "switch.same switch.not_linked",
    ),
    (
        _("Export the file from the present administration in King and upload it again."),
        "file_of_former_administration",
    ),
)
_BUTTONS: Answers = (
    (
        _("Wait a minute and press the button again."),
        "call.busy call.too_often call.interrupted system.occupied_by_export system.occupied_by_import "
        "system.occupied_by_page system.occupied_by_verify",
    ),
    (
        _("Ask an owner of your company for a role that allows this."),
        "call.not_allowed",
    ),
)
_LINES: Answers = (
    (
        _("Nothing: this says what the export changed in the King order."),
        "lines_written",
    ),
    (
        _("Choose an hour type for the work period in OutSmart; hour types come from King's rates."),
        "line_refused.no_hour_type no_hour_type",
    ),
    (
        _(
            "Choose an article for the material in OutSmart, or set an article for lines without a code in the "
            "settings."
        ),
        "no_article_code",
    ),
    (
        _(
            "Create the record in King, or choose another one in OutSmart. Then import master data, so that OutSmart "
            "only offers what King has."
        ),
        "unknown_article unknown_warehouse unknown_rate",
    ),
    (
        _("Lift the block in King, or choose another article or hour type in OutSmart."),
        "blocked_article blocked_rate",
    ),
    (
        _("Correct the quantity of the line in OutSmart; the next export tries again."),
        "no_quantity unreadable_quantity too_many_decimals quantity_too_large",
    ),
    (
        _(
            "Nothing, if the line is really zero: such lines are left out and do not stop the order. Else correct it "
            "in OutSmart."
        ),
        "zero_quantity zero_time empty_text",
    ),
    (
        _("Correct the price of the line in OutSmart; the next export tries again."),
        "unreadable_price negative_price price_too_large price_decimals",
    ),
    (
        _("Shorten the text in OutSmart, or the text line in the settings."),
        "line_text_too_long",
    ),
    (
        _("Correct the times of the work period in OutSmart; the next export tries again."),
        "no_time unreadable_time break_too_long",
    ),
    (
        _(
            "Let the rate have more decimals in King, or choose an hour rounding in the settings that fits it, such "
            "as 15 minutes with two decimals."
        ),
        "time_does_not_fit",
    ),
    (
        _("Correct the travel distance in OutSmart; the next export tries again."),
        "unreadable_distance negative_distance",
    ),
)
_IMPORTS: Answers = (
    (
        _("Fill the field in, or shorten it, in King. The next import sends the record."),
        "missing_fields too_long text_too_long unusable_number negative_hour_price unreadable_record "
        "unreadable_customer",
    ),
    (
        _("Let King export prices excluding VAT, or choose another price of products in the settings."),
        "price_with_vat_only",
    ),
    (
        _("Read OutSmart's answer after the colon and correct the record in King. The next import tries again."),
        "refused_by_outsmart",
    ),
    (
        _("Nothing: this follows from the settings of the import. Change them if the record must be in OutSmart."),
        "skipped_inactive inactive_never_sent deleted_in_king other_revenue_group order_before_from_date "
        "made_by_export",
    ),
    (
        _("Remove the record in OutSmart by hand if it must no longer be used."),
        "deleted_in_king_stays cannot_deactivate_product",
    ),
    (
        _("Nothing: nothing was deactivated. The next complete import reads everything again."),
        "scan_not_whole",
    ),
    (
        _(
            "Review the list of changes. Approve if you changed this much in King on purpose; hold it if not, and "
            "find out first what happened in King."
        ),
        "change_limit file_held",
    ),
    (
        _("Import the customers first; the page of master data shows why one was skipped."),
        "customer_not_imported unknown_address",
    ),
    (
        _("Nothing: the next import looks it up and continues."),
        "order_being_posted order_not_made",
    ),
    (
        _("Correct or remove the external work order number in OutSmart; the next import then continues."),
        "work_order_of_another work_order_of_former_administration",
    ),
    (
        _("Change or cancel the work order in OutSmart by hand, if the work requires it."),
        "order_differs order_deleted_in_king",
    ),
)
_RUNS: Answers = (
    (
        _("Contact the operator of kingsync. Nothing is lost: everything continues once the licence is active."),
        "licence_inactive",
    ),
    (
        _("An owner can undo the deletion on the page with company data, until the day that is shown there."),
        "closing",
    ),
    (
        _("Switch on in the settings what has to run."),
        "exports_off imports_off",
    ),
    (
        _("Fill in the connection in the settings, save, and press “Test connection”."),
        "no_connection",
    ),
    (
        _("Nothing: the next run continues where this one stopped."),
        "interrupted database_away",
    ),
    (
        _("Enter the tokens and access codes again in the settings, or ask the operator for the missing key."),
        "decryption",
    ),
)
_CONNECTIONS: Answers = (
    (
        _(
            "Check that the system is running and that the address is right, then press “Test connection”. If King is "
            "on your own network, its port must be open to kingsync."
        ),
        "system.unreachable",
    ),
    (
        _("Nothing the first time: the next run tries again. If it keeps happening, check the system and its network."),
        "system.timeout system.reset system.rate_limit system.server_error system.server_error.bare system.empty "
        "system.too_large",
    ),
    (
        _("Ask the operator of kingsync to check the outgoing proxy."),
        "system.proxy",
    ),
    (
        _(
            "Have King use a certificate of a known authority, or paste your own authority's certificate under "
            "“Advanced” in the settings of the connection."
        ),
        "system.certificate",
    ),
    (
        _("Correct the address in the settings of the connection, then press “Test connection”."),
        "system.redirect system.not_json system.configuration",
    ),
    (
        _("Enter a public address that begins with https://, or ask the operator of kingsync to allow this one."),
        "system.forbidden_address",
    ),
    (
        _("Correct the address of OutSmart, or enter a software token of your own."),
        "system.software_token",
    ),
    (
        _(
            "Enter the token or access code again in the settings and press “Test connection”. Until then the "
            "connection is paused, so nothing is lost."
        ),
        "system.authentication",
    ),
    (
        _(
            "Check the token in OutSmart, and whether the King integration is active in OutSmart's License Manager. "
            "Then press “Test connection”."
        ),
        "system.authentication.outsmart-1004 system.authentication.outsmart-1005",
    ),
    (
        _("Read the answer after the colon, correct what it mentions in that system, and try again."),
        "system.rejected",
    ),
    (
        _("Check in the other system whether the record still exists; the next run looks again."),
        "system.not_found",
    ),
)
_FILES: Answers = (
    (
        _("Export the file from King again, without changing it, and upload it."),
        "system.file_broken system.file_doctype system.file_encoding system.file_too_large system.file_foreign "
        "system.file_missing",
    ),
    (
        _("Nothing: the next import reads the new file."),
        "system.file_changed",
    ),
    (
        _("Set the source of imports to King's web services in the settings of the connection."),
        "system.files_only",
    ),
)
# All answers, under the headings of the help page.
GROUPS: tuple[tuple[Text, Answers], ...] = (
    (_("The work order and its customer"), _WORK_ORDER),
    (_("Closed King orders"), _CLOSED),
    (_("Unknown outcomes and restored databases"), _UNKNOWN),
    (_("Changes in King"), _IN_KING),
    (_("Review before sending"), _REVIEW),
    (_("King refuses or is busy"), _REFUSED),
    (_("The work order in OutSmart"), _IN_OUTSMART),
    (_("Decisions"), _DECISIONS),
    (_("Administrations"), _ADMINISTRATIONS),
    (_("Buttons that call OutSmart or King"), _BUTTONS),
    (_("Lines of a work order"), _LINES),
    (_("Imports"), _IMPORTS),
    (_("Whole runs"), _RUNS),
    (_("Connections"), _CONNECTIONS),
    (_("King's XML files"), _FILES),
)
ADVICE: dict[str, Text] = {
    code: answer for _heading, answers in GROUPS for answer, codes in answers for code in codes.split()
}


def codes_by_heading() -> list[tuple[str, list[str]]]:
    """Return all codes under their headings, in the order of the help page."""
    return [
        (str(heading), [code for _answer, codes in answers for code in codes.split()]) for heading, answers in GROUPS
    ]
