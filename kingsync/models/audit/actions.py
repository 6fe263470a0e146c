"""What the audit trail records: one name for each kind of fact; the part before the dot is its group."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    SETTINGS_SAVED = "settings.saved", _("Settings saved")
    CONNECTION_CREATED = "connection.created", _("Connection made")
    CONNECTION_CHANGED = "connection.changed", _("Connection changed")
    ADMINISTRATION_SWITCHED = "connection.switched", _("Switched to another administration")
    COMPANY_CREATED = "company.created", _("Company added")
    COMPANY_CHANGED = "company.changed", _("Company changed")
    COMPANY_DELETED = "company.deleted", _("Company deleted")
    MEMBER_ADDED = "member.added", _("User added")
    MEMBER_ROLE_CHANGED = "member.role_changed", _("Role changed")
    MEMBER_REMOVED = "member.removed", _("User removed")
    INVITATION_SENT = "member.invited", _("Invitation sent")
    INVITATION_WITHDRAWN = "member.invitation_withdrawn", _("Invitation withdrawn")
    INVITATION_ACCEPTED = "member.invitation_accepted", _("Invitation accepted")
    LOGIN_SUCCEEDED = "login.succeeded", _("Logged in")
    LOGIN_FAILED = "login.failed", _("Wrong e-mail address or password")
    LOGIN_LOCKED = "login.locked", _("Locked out after too many attempts")
    LOGGED_OUT = "login.ended", _("Logged out")
    CODE_ACCEPTED = "login.code_accepted", _("Code accepted")
    CODE_REFUSED = "login.code_refused", _("Wrong code")
    PASSWORD_CHANGED = "account.password_changed", _("Password changed")
    PASSWORD_REFUSED = "account.password_refused", _("Wrong password while logged in")
    RESET_REQUESTED = "account.reset_requested", _("Password reset requested")
    PASSWORD_RESET = "account.password_reset", _("Password reset")
    SECOND_STEP_SET_UP = "account.second_step_set_up", _("Two-step verification set up")
    SECOND_STEP_REMOVED = "account.second_step_removed", _("Two-step verification removed")
    CODES_MADE = "account.codes_made", _("Backup codes made")
    BACKUP_CODE_USED = "account.backup_code_used", _("Backup code used")
    ACCOUNT_CREATED = "account.created", _("Account made")
    ACCOUNT_CHANGED = "account.changed", _("Account changed")
    ACCOUNT_DELETED = "account.deleted", _("Account deleted")
    NOTIFICATIONS_CHOSEN = "account.notifications_chosen", _("Own e-mail notifications changed")
    ADDRESS_RESUMED = "settings.address_resumed", _("Stopped e-mail address resumed")
    DECIDED = "decision.work_order", _("Decision about a work order")
    IMPORT_APPROVED = "decision.import_approved", _("Stopped import approved")
    IMPORT_REFUSED = "decision.import_refused", _("Stopped import refused")
    MONTH_SIGNED = "decision.month_signed", _("Month signed")
    FILE_UPLOADED = "file.uploaded", _("King file uploaded")
    FILE_REMOVED = "file.removed", _("King file removed")
    TOKEN_MADE = "api.token_made", _("API token made")
    TOKEN_REVOKED = "api.token_revoked", _("API token revoked")
    WEBHOOK_MADE = "api.webhook_made", _("Webhook added")
    WEBHOOK_CHANGED = "api.webhook_changed", _("Webhook changed")
    WEBHOOK_SECRET_RENEWED = "api.webhook_secret_renewed", _("New secret for a webhook")
    WEBHOOK_REMOVED = "api.webhook_removed", _("Webhook removed")
    OPERATOR_LOOKED = "operator.looked", _("An operator opened the company's pages")
    RIGHTS_CHANGED = "operator.rights_changed", _("Rights changed in the admin")
    TRAIL_PURGED = "operator.trail_purged", _("Old entries of the audit trail purged")


# Name → label, in the order of the filter.
GROUPS = {
    "settings": _("Settings"),
    "connection": _("Connections"),
    "company": _("Company"),
    "member": _("Users and invitations"),
    "login": _("Logins"),
    "account": _("Accounts and passwords"),
    "decision": _("Decisions"),
    "file": _("King files"),
    "api": _("API tokens and webhooks"),
    "operator": _("Operators"),
}
