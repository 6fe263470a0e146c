"""The servers that this installation needs: database, mail server; clocks, and the archive of the database."""

from __future__ import annotations

import datetime
import smtplib

import psycopg
from django.conf import settings
from django.core import mail
from django.db import connection
from django.utils import timezone

from kingsync import probe
from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong

CONNECT_SECONDS = 5
CLOCK_WARNING, CLOCK_WRONG = datetime.timedelta(seconds=2), datetime.timedelta(seconds=30)
_NO_SERVER = ("filebased", "locmem", "dummy")


def database() -> list[Finding]:
    """Open a session of its own: those of Django may be older than the trouble."""
    parameters = probe.database_parameters() | {"connect_timeout": CONNECT_SECONDS}
    try:
        with psycopg.connect(**parameters, autocommit=True) as session:
            session.execute("SELECT 1")
            taken, most = session.execute(
                "SELECT (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int"
            ).fetchone() or (0, 0)
    except psycopg.Error as error:
        return [_refused(error)]
    text = f"answers; {taken} of {most} sessions are taken"
    if taken > 0.9 * most:
        return [warning(text, "Raise max_connections, or run fewer processes and threads.")]
    return [ok(text)]


def _refused(error: psycopg.Error) -> Finding:
    """Tell by the server's words, none of which is quoted: in another language than English it is the last one."""
    text = str(error)
    if "authentication failed" in text:
        return wrong("refuses our name and password", "Compare both in DATABASE_URL with those of PostgreSQL.")
    if "does not exist" in text:
        return wrong("has no such database or name", "Correct DATABASE_URL, or restore the database there.")
    if "too many clients" in text or "connection slots" in text:
        return wrong("has no session left", "Raise max_connections, or run fewer processes and threads.")
    todo = "Start it, and compare its address, name and password with DATABASE_URL."
    return wrong(f"does not accept us ({type(error).__name__})", todo)


def mail_server() -> list[Finding]:
    """Log in to the mail server, without sending anything."""
    backend = settings.EMAIL_BACKEND
    if "console" in backend:
        return [warning("EMAIL_URL is not set, so e-mails go to the log", "Set it to your mail server.")]
    if any(each in backend for each in _NO_SERVER):
        return [ok("none: e-mails are written to files")]
    server = mail.get_connection(timeout=CONNECT_SECONDS)
    try:
        server.open()
        server.close()
    except smtplib.SMTPAuthenticationError:
        return [wrong("refuses our name and password", "Correct both in EMAIL_URL.")]
    except (OSError, smtplib.SMTPException) as error:
        todo = "Start it, or correct its address in EMAIL_URL. No notification and no invitation goes out meanwhile."
        return [wrong(f"does not accept us ({type(error).__name__})", todo)]
    return [ok("accepts us")]


def time_difference() -> list[Finding]:
    """Compare the clocks: leases, sessions and marks count on both."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    difference = abs(timezone.now() - theirs)
    text = f"the clocks of this machine and of the database differ by {difference.total_seconds():.1f} seconds"
    todo = "Let both machines keep their clocks by NTP."
    if difference > CLOCK_WRONG:
        return [wrong(text, todo)]
    return [warning(text, todo)] if difference > CLOCK_WARNING else [ok(text)]


def archive() -> list[Finding]:
    """Tell what PostgreSQL knows of its own archive: backups by `pg_dump` leave no trace in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('archive_mode'), last_archived_time, last_failed_time FROM pg_stat_archiver"
        )
        mode, archived_at, failed_at = cursor.fetchone()
    if mode == "off":
        return [ok("PostgreSQL archives no log; whether dumps are made is not known here")]
    if failed_at and (archived_at is None or failed_at > archived_at):
        todo = "Look at archive_command and its disk: until it works, a restore loses everything since."
        return [wrong(f"PostgreSQL's log could not be archived since {_at(failed_at)}", todo)]
    return [ok(f"PostgreSQL archived its log last at {_at(archived_at) if archived_at else 'no moment yet'}")]


def _at(moment: datetime.datetime) -> str:
    return timezone.localtime(moment).isoformat(sep=" ", timespec="minutes")
