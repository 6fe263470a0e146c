"""Sentences for users who have reached a limit: what happened, and when to try again."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kingsync.web.accounts.throttle import TooManyTriesError
from kingsync.web.shared.template_tags import when


def too_many_mails(error: TooManyTriesError) -> str:
    return _("Too many e-mails were requested. Check your inbox, or try again after %(time)s.") % _time(error)


def too_many_invitations(error: TooManyTriesError) -> str:
    return _("This company has sent too many invitations. Try again after %(time)s.") % _time(error)


def _time(error: TooManyTriesError) -> dict[str, str]:
    return {"time": when(error.again_at)}
