"""The form of a log line: one line per event, whatever its values hold, with its time and zone, and without secrets.

Lines of libraries too: Django, for one, logs paths of requests. Each line names what is being worked on
(`kingsync.watch.log_context`). Text for people, or JSON for a collector (LOG_FORMAT).
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote, urlsplit

from kingsync.watch import log_context

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter

MASK = "***"
# Links that are secrets: an invitation, a new e-mail address, a new password.
LINKS = re.compile(r"(/invitation/|/account/email/|/login/password/[^/\s]+/)[^/\s\"'?]+")
SHORTEST = 6
EVENT = re.compile(r"([a-z_]+(?:\.[a-z_]+)+)(?::|$)")
# What has a place of its own in a line of text; everything else is what is being worked on.
HEAD = ("time", "level", "logger", "message")
TAIL = ("exception", "stack_info")
Line = MutableMapping[str, Any]


if TYPE_CHECKING:
    _Stream = logging.StreamHandler[TextIO]
else:
    _Stream = logging.StreamHandler


class Console(_Stream):
    """Writes lines to standard error; where it cannot, it says so without the record, whose values are not masked."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        error = sys.exc_info()[0]
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                name = error.__name__ if error else ""
                sys.stderr.write(f"log.lost: a line of {record.name} could not be written ({name})\n")


class LineFormatter(logging.Formatter):
    """Makes the line of a record with structlog, which is loaded with the first one: most programs write none."""

    def __init__(self, *, as_json: bool = False) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return _structlog(self._as_json).format(record)


@functools.cache
def _structlog(as_json: bool) -> ProcessorFormatter:
    import structlog  # noqa: PLC0415 - see LineFormatter

    # Python's own form of a traceback: others show the values of local variables, which may be secrets.
    traceback = structlog.processors.format_exc_info
    last = structlog.processors.JSONRenderer() if as_json else _text
    return structlog.stdlib.ProcessorFormatter(processors=[traceback, _arranged, _masked, last])


def _arranged(_logger: object, _method: str, line: Line) -> Line:
    """Return what a line says: when, how serious, who, what, and in which work."""
    record: logging.LogRecord = line["_record"]
    message = str(line["event"])
    named = EVENT.match(message)
    moment = datetime.datetime.fromtimestamp(record.created).astimezone()
    said = {
        "time": moment.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "level": record.levelname,
        "logger": record.name,
        "message": message,
        **({"event": named[1]} if named else {}),
        **log_context.current(),
    }
    return said | {name: line[name] for name in TAIL if line.get(name)}


def _masked(_logger: object, _method: str, line: Line) -> Line:
    """Mask the deployment's secrets and secret links wherever they stand, before anything is escaped."""
    return {name: _without_secrets(value) if isinstance(value, str) else value for name, value in line.items()}


def _without_secrets(text: str) -> str:
    text = LINKS.sub(rf"\1{MASK}", text)
    for secret in _secrets():
        text = text.replace(secret, MASK)
    return text


def _text(_logger: object, _method: str, line: Line) -> str:
    """Return the line for people: a value cannot look like another line, and tracebacks are indented."""
    work = " ".join(f"{name}={line[name]}" for name in line if name not in (*HEAD, *TAIL, "event"))
    text = _on_one_line(" ".join(str(line[name]) for name in HEAD) + (f" [{work}]" if work else ""))
    below = [f"    {part}" for name in TAIL if name in line for part in str(line[name]).splitlines()]
    return "\n".join([text, *below])


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _secrets() -> tuple[str, ...]:
    from django.conf import settings  # noqa: PLC0415 - this module is named in the settings

    return _worth_masking(
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        *settings.ENCRYPTION_KEYS,
        settings.OUTSMART_SOFTWARE_TOKEN,
        settings.METRICS_TOKEN,
        str(getattr(settings, "EMAIL_HOST_PASSWORD", "") or ""),
        *(str(each.get("PASSWORD") or "") for each in settings.DATABASES.values()),
        urlsplit(settings.REDIS_URL).password or "",
        urlsplit(settings.OUTGOING_PROXY).password or "",
        urlsplit(settings.SENTRY_DSN).username or "",
        urlsplit(settings.OTEL_EXPORTER_OTLP_ENDPOINT).password or "",
    )


@functools.lru_cache(maxsize=4)
def _worth_masking(*values: str) -> tuple[str, ...]:
    """Return the secrets, the longest first, as written and decoded."""
    found = {form for value in values for form in (value, unquote(value)) if len(form) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))
