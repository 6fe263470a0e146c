"""The format of log lines: masks what none should hold, whoever wrote it. Django, for one, logs paths of requests."""

from __future__ import annotations

import functools
import logging
import re
from urllib.parse import unquote, urlsplit

MASK = "***"
# Links that are secrets: an invitation, a new e-mail address, a new password.
LINKS = re.compile(r"(/invitation/|/account/email/|/login/password/[^/\s]+/)[^/\s\"'?]+")
SHORTEST = 6


class MaskingFormatter(logging.Formatter):
    """Formats a line, tracebacks included, without the deployment's secrets and secret links."""

    def format(self, record: logging.LogRecord) -> str:
        text = LINKS.sub(rf"\1{MASK}", super().format(record))
        for secret in _secrets():
            text = text.replace(secret, MASK)
        return text


def _secrets() -> tuple[str, ...]:
    from django.conf import settings  # noqa: PLC0415 - this module is named in the settings

    return _worth_masking(
        settings.SECRET_KEY,
        *settings.ENCRYPTION_KEYS,
        settings.OUTSMART_SOFTWARE_TOKEN,
        str(getattr(settings, "EMAIL_HOST_PASSWORD", "") or ""),
        *(str(each.get("PASSWORD") or "") for each in settings.DATABASES.values()),
        urlsplit(settings.REDIS_URL).password or "",
        urlsplit(settings.OUTGOING_PROXY).password or "",
        urlsplit(settings.SENTRY_DSN).username or "",
    )


@functools.lru_cache(maxsize=4)
def _worth_masking(*values: str) -> tuple[str, ...]:
    """Return the secrets, the longest first, as written and decoded."""
    found = {form for value in values for form in (value, unquote(value)) if len(form) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))
