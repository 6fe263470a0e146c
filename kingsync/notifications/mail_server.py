"""Whether the mail server accepts e-mails: saved with each one, shown to operators, told to them when it is over."""

from __future__ import annotations

import datetime
import logging
import smtplib

from django.db import DatabaseError, transaction
from django.utils import timezone

from kingsync.models.notifications import MailServer

logger = logging.getLogger(__name__)

_ONLY = 1
# What worked is saved this often; a failure at once.
_SAID_AGAIN = datetime.timedelta(minutes=1)
# Operators hear afterwards of a failure that lasted longer.
LASTING = datetime.timedelta(minutes=10)


def state() -> MailServer | None:
    return MailServer.objects.filter(pk=_ONLY).first()


def accepted() -> None:
    """Save that the server accepted an e-mail."""
    now, known = timezone.now(), state()
    since = known.failing_since if known else None
    if known and since is None and known.worked_at and known.worked_at > now - _SAID_AGAIN:
        return
    told = {"recovered_from": since} if since and since < now - LASTING else {}
    _save(failing_since=None, worked_at=now, problem="", **told)


def reported(known: MailServer) -> None:
    """Save that operators were told that it works again."""
    MailServer.objects.filter(pk=known.pk, recovered_from=known.recovered_from).update(recovered_from=None)


def failed(error: OSError) -> None:
    """Save that the server accepted nothing; a refused address is no fault of the server."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return
    now, known = timezone.now(), state()
    since = known.failing_since if known else None
    if since is None:
        # No e-mail can tell it: the log and the operators' page do.
        logger.error("mail_server.failing: %s", words_of(error))
    _save(failing_since=since or now, failed_at=now, problem=words_of(error))


def words_of(error: OSError) -> str:
    """Return what went wrong, for operators and owners: the server's own words where it gave some."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(words)}" for code, words in error.recipients.values())[:500]
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"[:500]
    return f"{type(error).__name__}: {error}"[:500]


def is_permanent(error: OSError) -> bool:
    """Return whether the server refused the address for good (5xx): trying again would only annoy it."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    codes = [code for code, _words in error.recipients.values()]
    return bool(codes) and all(500 <= code < 600 for code in codes)


def _save(**values: object) -> None:
    # An e-mail matters more than what is known of its server.
    try:
        with transaction.atomic():
            MailServer.objects.update_or_create(pk=_ONLY, defaults=values)
    except DatabaseError:
        logger.warning("mail_server.not_saved")


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words
