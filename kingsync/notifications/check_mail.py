"""A test of the e-mail notifications: an e-mail to each address, and what the mail server said to it."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.notifications import mailer

# A page answers within five seconds, whatever the mail server does.
PAGE_SECONDS = 4.0 - mailer.PAGE_SECONDS
MOST = 10
_NO_SERVER = ("console", "filebased", "dummy")


class Outcome(Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_LOGIN = "no_login"
    TOO_SLOW = "too_slow"
    UNREACHABLE = "unreachable"
    NOT_SENT = "not_sent"
    NOT_TRIED = "not_tried"
    NO_SERVER = "no_server"


# What the next address would meet too.
_OF_THE_SERVER = {Outcome.NO_LOGIN, Outcome.TOO_SLOW, Outcome.UNREACHABLE}


@dataclass(frozen=True)
class Checked:
    """What became of the e-mail to one address; `detail` is the mail server's own text."""

    address: str
    outcome: Outcome
    detail: str = ""


def send(tenant: Tenant, addresses: Iterable[str], *, by: User) -> Iterator[Checked]:
    """Send a test to each address by itself: a server may accept one and refuse another.

    Stops where the server itself does not work, and when the page would take too long; the others were not tried then.
    """
    until, is_over = time.monotonic() + PAGE_SECONDS, False
    for number, address in enumerate(addresses):
        if is_over or number >= MOST or time.monotonic() > until:
            yield Checked(address, Outcome.NOT_TRIED)
            continue
        checked = _sent(tenant, address, by)
        is_over = checked.outcome in _OF_THE_SERVER
        yield checked


def _sent(tenant: Tenant, address: str, by: User) -> Checked:
    context = {"tenant": tenant, "by": by.display_name, "link": mailer.link("settings", tenant.slug)}
    with translation.override(tenant.language):
        subject = gettext("%(company)s: test of the e-mail notifications") % {"company": tenant.name}
        try:
            mailer.send_from_page(to=[address], subject=subject, template="check", context=context)
        except OSError as error:
            return Checked(address, _outcome_of(error), _detail_of(error))
    return Checked(address, Outcome.NO_SERVER if _has_no_server() else Outcome.ACCEPTED)


def _has_no_server() -> bool:
    """Return whether e-mails of this installation go to a file or a screen."""
    return any(f".backends.{name}." in settings.EMAIL_BACKEND for name in _NO_SERVER)


def _outcome_of(error: OSError) -> Outcome:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return Outcome.REFUSED
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Outcome.NO_LOGIN
    if isinstance(error, TimeoutError):
        return Outcome.TOO_SLOW
    if isinstance(error, smtplib.SMTPResponseException):
        return Outcome.NOT_SENT
    return Outcome.UNREACHABLE


def _detail_of(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(words)}" for code, words in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return ""


def _text(words: bytes | str) -> str:
    return (words.decode(errors="replace") if isinstance(words, bytes) else words)[:300]
