"""E-mails: plain text with a simple HTML alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from kingsync.notifications import mail_server
from kingsync.runs.thread_pool import Pool, PoolFullError

# How long a page waits for the mail server; the e-mail may still go out afterwards.
PAGE_SECONDS = 3.0
_pool = Pool(threads=2, waiting=8)


def send(
    *,
    to: Sequence[str],
    subject: str,
    template: str,
    context: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send `templates/mails/<template>` in the active language. Raises `OSError` when no server accepts it."""
    mail = _filled(to, subject, template, context)
    mail.extra_headers.update(headers or {})
    try:
        mail.send()
    except OSError as error:
        mail_server.failed(error)
        raise
    mail_server.accepted()


def send_from_page(*, to: Sequence[str], subject: str, template: str, context: Mapping[str, object]) -> None:
    """Send an e-mail as `send` does, without holding the page: a server that is too slow is an `OSError` as well."""
    mail, sent = _filled(to, subject, template, context), Future[int]()
    try:
        _pool.submit(lambda: _settle(sent, mail))
    except PoolFullError:
        raise TimeoutError from None
    sent.result(PAGE_SECONDS)


def _settle(sent: Future[int], mail: EmailMultiAlternatives) -> None:
    try:
        sent.set_result(mail.send())
    except Exception as error:  # noqa: BLE001 - raised again by the caller that waits for it
        sent.set_exception(error)


def _filled(to: Sequence[str], subject: str, template: str, context: Mapping[str, object]) -> EmailMultiAlternatives:
    filled = {**context, "subject": subject, "site_url": settings.SITE_URL}
    text = render_to_string(f"mails/{template}.txt", filled)
    # A header is one line, whatever the company's name contains.
    mail = EmailMultiAlternatives(subject=" ".join(subject.split()), body=text.strip() + "\n", to=list(to))
    if settings.MAIL_BOUNCES_TO:
        # The sender of the envelope, which is where servers send bounces; readers see the one of the header.
        mail.from_email, mail.extra_headers["From"] = settings.MAIL_BOUNCES_TO, settings.DEFAULT_FROM_EMAIL
    mail.attach_alternative(render_to_string(f"mails/{template}.html", filled), "text/html")
    return mail


def link(name: str, *args: object) -> str:
    """Return the absolute URL of a page."""
    return settings.SITE_URL + reverse(name, args=args)
