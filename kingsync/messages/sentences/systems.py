"""The two systems and King's XML files: one sentence for each reason of integrations.errors."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    # The two systems: one sentence for each reason of integrations.errors
    "system.unreachable": _("%(system)s could not be reached. Check the address and whether the system is running."),
    "system.timeout": _("%(system)s did not answer in time. The next run tries again."),
    "system.reset": _("%(system)s closed the connection in the middle of a call. The next run tries again."),
    "system.begun_late": _(
        "Nothing was sent to %(system)s, because the database of kingsync took too long to save. The next run tries "
        "again."
    ),
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
    # Addresses to which webhooks send
    "webhook.unreachable": _("The address could not be reached."),
    "webhook.no_answer": _("The address did not answer in time, or not completely."),
    "webhook.certificate": _("The certificate of the address is not trusted."),
    "webhook.forbidden_address": _(
        "The address is not allowed: it must be a public https address, or one that the operator has allowed."
    ),
    "webhook.redirect": _("The address redirects to another one, which is not followed."),
    "webhook.refused": _("The address answered with HTTP status %(status)s."),
    "webhook.unreadable": _("The stored address cannot be decrypted any more. Ask the operator."),
}
