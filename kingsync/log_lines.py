"""The form of a log line: one line per event, whatever its values hold, with its time and zone, and without secrets.

Lines of libraries too: Django, for one, logs paths of requests.
"""

from __future__ import annotations

import functools
import logging
import re
from urllib.parse import unquote, urlsplit

MASK = "***"
# Links that are secrets: an invitation, a new e-mail address, a new password.
LINKS = re.compile(r"(/invitation/|/account/email/|/login/password/[^/\s]+/)[^/\s\"'?]+")
SHORTEST = 6


class LineFormatter(logging.Formatter):
    """Escapes control characters and indents tracebacks: a value cannot look like another line.

    And masks the deployment's secrets and secret links, in tracebacks too.
    """

    default_time_format = "%Y-%m-%dT%H:%M:%S%z"
    default_msec_format = None

    def format(self, record: logging.LogRecord) -> str:
        text = LINKS.sub(rf"\1{MASK}", super().format(record))
        for secret in _secrets():
            text = text.replace(secret, MASK)
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's)
        """Return the line of the event itself."""
        line = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)

    def formatException(self, ei: object) -> str:  # noqa: N802  (logging's)
        """Return the traceback, each line indented."""
        text = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(f"    {line}" for line in text.splitlines())


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
