"""Mails to people: plain text with a simple HTML beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse


def send(*, to: Sequence[str], subject: str, template: str, context: Mapping[str, object]) -> None:
    """Send `templates/mails/<template>` in the active language. Raises `OSError` when no server takes the mail."""
    filled = {**context, "subject": subject, "site_url": settings.SITE_URL}
    text = render_to_string(f"mails/{template}.txt", filled)
    # A header is one line, whatever somebody named their company.
    mail = EmailMultiAlternatives(subject=" ".join(subject.split()), body=text.strip() + "\n", to=list(to))
    mail.attach_alternative(render_to_string(f"mails/{template}.html", filled), "text/html")
    mail.send()


def link(name: str, *args: object) -> str:
    """Return the whole address of a page."""
    return settings.SITE_URL + reverse(name, args=args)
