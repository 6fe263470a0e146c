"""What to do about decisions, buttons, imports, runs and connections."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kingsync.messages.advice.answer import Advice, Answers, Text

NOTHING = Advice(_("Nothing: each run tries again."), "")

_DECISIONS: Answers = (
    Advice(
        _("Reload the page of the work order to see its present state; it shows which decisions are possible now."),
        "decision.wrong_state decision.changed_meanwhile decision.nothing_to_settle decision.nothing_to_solve "
        "decision.already_linked decision.unknown_work_order decision.unknown_cause decision.order_is_open",
    ),
    Advice(
        _("Wait until the run has finished, then try again."),
        "decision.export_going_on decision.not_settled switch.run_open",
    ),
    Advice(
        _("Repair the cause that is shown; the next export then sends the work order. Or exclude it."),
        "decision.nothing_to_release",
    ),
    Advice(
        _("Fill in what is asked for and confirm again."),
        "decision.choice_needed decision.reason_needed decision.name_needed switch.name_needed",
    ),
    Advice(
        _("Compare both customers, then confirm explicitly or choose another order."),
        "decision.other_customer",
    ),
    Advice(
        _("Check the number in King, and that the order is open there. Then enter it again."),
        "decision.no_such_order",
    ),
    Advice(
        _(
            "Remove or close in King what the sentence mentions, and only then reset the link: otherwise King gets "
            "the work twice."
        ),
        "decision.still_in_king decision.lines_in_king decision.order_not_open",
    ),
    Advice(
        _("Nothing: this is how the difference was settled. The next export carries it out."),
        "solved.line_conflict.king solved.line_conflict.outsmart solved.line_conflict.sum solved.line_removed.king "
        "solved.line_removed.outsmart solved.line_dropped.king solved.line_dropped.outsmart",
    ),
    Advice(
        _("Nothing: this says what was done."),
        "moved settled_by_hand cancelled",
    ),
)
_ADMINISTRATIONS: Answers = (
    Advice(
        _("Choose one of the names that are listed."),
        "unknown_administration",
    ),
    Advice(
        _("Enter the new name in the settings of the connection; a switch is not needed."),
        "switch.same switch.not_linked",
    ),
    Advice(
        _("Export the file from the present administration in King and upload it again."),
        "file_of_former_administration",
    ),
)
_BUTTONS: Answers = (
    Advice(
        _("Wait a minute and press the button again."),
        "call.busy call.too_often call.interrupted system.occupied_by_export system.occupied_by_import "
        "system.occupied_by_page system.occupied_by_verify",
    ),
    Advice(
        _("Ask an owner of your company for a role that allows this."),
        "call.not_allowed",
    ),
)
_IMPORTS: Answers = (
    Advice(
        _("Fill the field in, or shorten it, in King. The next import sends the record."),
        "missing_fields too_long text_too_long unusable_number negative_hour_price unreadable_record "
        "unreadable_customer",
    ),
    Advice(
        _("Let King export prices excluding VAT, or choose another price of products in the settings."),
        "price_with_vat_only",
    ),
    Advice(
        _("Read OutSmart's answer after the colon and correct the record in King. The next import tries again."),
        "refused_by_outsmart",
    ),
    Advice(
        _("Nothing: this follows from the settings of the import. Change them if the record must be in OutSmart."),
        "skipped_inactive inactive_never_sent deleted_in_king other_revenue_group order_before_from_date "
        "made_by_export",
    ),
    Advice(
        _("Remove the record in OutSmart by hand if it must no longer be used."),
        "deleted_in_king_stays cannot_deactivate_product",
    ),
    Advice(
        _("Nothing: nothing was deactivated. The next complete import reads everything again."),
        "scan_not_whole",
    ),
    Advice(
        _(
            "Review the list of changes. Approve if you changed this much in King on purpose; hold it if not, and "
            "find out first what happened in King."
        ),
        "change_limit file_held",
    ),
    Advice(
        _("Import the customers first; the page of master data shows why one was skipped."),
        "customer_not_imported unknown_address",
    ),
    Advice(
        _("Nothing: the next import looks it up and continues."),
        "order_being_posted order_not_made",
    ),
    Advice(
        _("Correct or remove the external work order number in OutSmart; the next import then continues."),
        "work_order_of_another work_order_of_former_administration",
    ),
    Advice(
        _("Change or cancel the work order in OutSmart by hand, if the work requires it."),
        "order_differs order_deleted_in_king",
    ),
)
_RUNS: Answers = (
    Advice(
        _("Contact the operator of kingsync. Nothing is lost: everything continues once the licence is active."),
        "licence_inactive",
    ),
    Advice(
        _("An owner can undo the deletion on the page with company data, until the day that is shown there."),
        "closing",
    ),
    Advice(
        _("Switch on in the settings what has to run."),
        "exports_off imports_off",
    ),
    Advice(
        _("Fill in the connection in the settings, save, and press “Test connection”."),
        "no_connection",
    ),
    Advice(
        _("Nothing: the next run continues where this one stopped."),
        "interrupted database_away",
    ),
    Advice(
        _("Enter the tokens and access codes again in the settings, or ask the operator for the missing key."),
        "decryption",
    ),
)
_CONNECTIONS: Answers = (
    Advice(
        _(
            "Check that the system is running and that the address is right, then press “Test connection”. If King is "
            "on your own network, its port must be open to kingsync."
        ),
        "system.unreachable",
    ),
    Advice(
        _("Nothing the first time: the next run tries again. If it keeps happening, check the system and its network."),
        "system.timeout system.reset system.rate_limit system.server_error system.server_error.bare system.empty "
        "system.too_large",
    ),
    Advice(
        _(
            "Nothing the first time: the next run tries again. If it keeps happening, ask the operator of kingsync to "
            "check the database."
        ),
        "system.begun_late",
    ),
    Advice(
        _("Ask the operator of kingsync to check the outgoing proxy."),
        "system.proxy",
    ),
    Advice(
        _(
            "Have King use a certificate of a known authority, or paste your own authority's certificate under "
            "“Advanced” in the settings of the connection."
        ),
        "system.certificate",
    ),
    Advice(
        _("Correct the address in the settings of the connection, then press “Test connection”."),
        "system.redirect system.not_json system.configuration",
    ),
    Advice(
        _("Enter a public address that begins with https://, or ask the operator of kingsync to allow this one."),
        "system.forbidden_address",
    ),
    Advice(
        _("Correct the address of OutSmart, or enter a software token of your own."),
        "system.software_token",
    ),
    Advice(
        _(
            "Enter the token or access code again in the settings and press “Test connection”. Until then the "
            "connection is paused, so nothing is lost."
        ),
        "system.authentication",
    ),
    Advice(
        _(
            "Check the token in OutSmart, and whether the King integration is active in OutSmart's License Manager. "
            "Then press “Test connection”."
        ),
        "system.authentication.outsmart-1004 system.authentication.outsmart-1005",
    ),
    Advice(
        _("Read the answer after the colon, correct what it mentions in that system, and try again."),
        "system.rejected",
    ),
    Advice(
        _("Check in the other system whether the record still exists; the next run looks again."),
        "system.not_found",
    ),
)
_FILES: Answers = (
    Advice(
        _("Export the file from King again, without changing it, and upload it."),
        "system.file_broken system.file_doctype system.file_encoding system.file_too_large system.file_foreign "
        "system.file_missing",
    ),
    Advice(
        _("Nothing: the next import reads the new file."),
        "system.file_changed",
    ),
    Advice(
        _("Set the source of imports to King's web services in the settings of the connection."),
        "system.files_only",
    ),
)
_WEBHOOKS: Answers = (
    Advice(
        _(
            "Check that the receiving program runs and can be reached from the internet by https, with a certificate "
            "of a public authority. Then choose “Send again” on the page of webhooks."
        ),
        "webhook.unreachable webhook.no_answer webhook.certificate webhook.refused",
    ),
    Advice(
        _("Change the webhook: enter the address at which the receiving program really is."),
        "webhook.forbidden_address webhook.redirect webhook.unreadable",
    ),
)
GROUPS: tuple[tuple[Text, Answers], ...] = (
    (_("Decisions"), _DECISIONS),
    (_("Administrations"), _ADMINISTRATIONS),
    (_("Buttons that call OutSmart or King"), _BUTTONS),
    (_("Imports"), _IMPORTS),
    (_("Whole runs"), _RUNS),
    (_("Connections"), _CONNECTIONS),
    (_("King's XML files"), _FILES),
    (_("Webhooks"), _WEBHOOKS),
)
