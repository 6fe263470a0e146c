"""The environment of this process: keys, addresses, variables, folders, versions."""

from __future__ import annotations

import difflib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http.request import validate_host

from kingsync import __version__, key_strength
from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong

GIGABYTE = 1024**3
FREE_WARNING, FREE_WRONG = 5 * GIGABYTE, GIGABYTE // 2
# Answers wait there, no uploads; on Debian 13 it is half of the memory.
TEMPORARY_WARNING, TEMPORARY_WRONG = GIGABYTE // 2, GIGABYTE // 20
OLDEST_POSTGRESQL = 15
# Names that are ours, though the settings do not read them, and what begins like one of ours.
_OURS = frozenset({"KINGSYNC_LOCAL", "KINGSYNC_ENVIRONMENT", "KINGSYNC_USER", "KING_XML_VOLUME"})
_PREFIXES = ("KINGSYNC_", "KING_", "OUTSMART_")
_ALIKE = 0.88


# --- Keys and addresses -----------------------------------------------------------------------------------------------


def keys() -> list[Finding]:
    """Judge the keys; a weak first one does not even let a program start."""
    if settings.IS_DEVELOPMENT:
        todo = "Set SECRET_KEY and ENCRYPTION_KEYS if it serves companies (docs/operations.md, section 2)."
        return [warning("SECRET_KEY is not set, so this is a development machine with keys of its own", todo)]
    found = [
        warning(f"key {place} of ENCRYPTION_KEYS {problem}", "Run `manage.py rotate_keys`, then remove that key.")
        for place, key in enumerate(settings.ENCRYPTION_KEYS, 1)
        if (problem := key_strength.problem_of(key))
    ]
    if settings.SECRET_KEY in settings.ENCRYPTION_KEYS:
        found.append(warning("SECRET_KEY is one of ENCRYPTION_KEYS too", "Give each a value of its own."))
    return found or [ok(f"SECRET_KEY and {len(settings.ENCRYPTION_KEYS)} of ENCRYPTION_KEYS are strong enough")]


def addresses() -> list[Finding]:
    found = list(_problems_of_addresses())
    return found or [ok(f"the pages are at {settings.SITE_URL}")]


def _problems_of_addresses() -> Iterator[Finding]:
    if not settings.ALLOWED_HOSTS:
        yield wrong("ALLOWED_HOSTS is empty, so every page is refused", "Set it to the host name of the pages.")
    if "*" in settings.ALLOWED_HOSTS:
        yield warning("ALLOWED_HOSTS accepts every host name", "Set it to the host name of the pages.")
    if settings.IS_DEVELOPMENT:
        return
    if not settings.SITE_URL.startswith("https://"):
        yield warning("SITE_URL, for links in e-mails, is not https", "Set it to the address of the pages.")
    name = urlsplit(settings.SITE_URL).hostname or ""
    if settings.ALLOWED_HOSTS and not validate_host(name, settings.ALLOWED_HOSTS):
        yield wrong(f"{name}, the name in SITE_URL, is refused by our own pages", "Put it into ALLOWED_HOSTS.")
    if [each for each in settings.CSRF_TRUSTED_ORIGINS if "://" not in each]:
        todo = "Write each with its scheme, as https://kingsync.example."
        yield wrong("CSRF_TRUSTED_ORIGINS names a host without its scheme, so no command of Django's starts", todo)
    if not os.environ.get("DATABASE_URL") or not os.environ.get("REDIS_URL"):
        yield warning("DATABASE_URL or REDIS_URL is not set, so servers of a development machine are used", "Set both.")
    if not settings.JOURNAL_FOLDER:
        todo = "Set it to a folder outside the database and its backups (docs/operations.md, section 9)."
        yield warning("JOURNAL_FOLDER is empty, so a restored database learns less of what it lost", todo)


def variables(given: Mapping[str, str] | None = None) -> list[Finding]:
    """Notice variables that look like ours and are none: what they set has no effect."""
    known = settings.VARIABLES | _OURS
    found = [
        warning(f"{name} is no variable of kingsync", f"Did you mean {meant}? Compare with .env.example.")
        for name in sorted((os.environ if given is None else given).keys() - known)
        if (meant := _meant(name, known))
    ]
    return found or [ok("no misspelt variable")]


def _meant(name: str, known: set[str]) -> str:
    """Return the variable that someone may have meant; "" for one that has nothing to do with us."""
    if alike := difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
        return alike[0]
    if not name.startswith(_PREFIXES):
        return ""
    return (difflib.get_close_matches(name, known, n=1, cutoff=0.0) or [""])[0]


# --- Disk and versions ------------------------------------------------------------------------------------------------


def disk() -> list[Finding]:
    """Look at the free space of the folders that we write into, and whether we may."""
    folders = {
        "JOURNAL_FOLDER": settings.JOURNAL_FOLDER,
        "KING_XML_FOLDER": settings.KING_XML_FOLDER,
    }
    found = [_of_folder(what, Path(folder), FREE_WARNING, FREE_WRONG) for what, folder in folders.items() if folder]
    return [*found, _of_folder("temporary files", Path(tempfile.gettempdir()), TEMPORARY_WARNING, TEMPORARY_WRONG)]


def _of_folder(what: str, folder: Path, little: int, too_little: int) -> Finding:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        todo = f"Make it a folder that the user of this process may write to: {folder}"
        return wrong(f"{what}: {folder} cannot be written", todo)
    free = shutil.disk_usage(existing).free
    text = f"{what}: {free / GIGABYTE:.1f} GB free at {folder}"
    if free < too_little:
        return wrong(text, "Free space at once: exports go on without a journal, uploads are refused.")
    return warning(text, "Free space, or move the folder to a larger disk.") if free < little else ok(text)


def versions() -> list[Finding]:
    connection.ensure_connection()
    number = connection.connection.info.server_version
    text = f"kingsync {__version__}, Python {platform.python_version()}, PostgreSQL {number // 10000}.{number % 10000}"
    if number // 10000 < OLDEST_POSTGRESQL:
        return [wrong(text, f"Take PostgreSQL {OLDEST_POSTGRESQL} or later (docs/production.md, section 12).")]
    return [ok(text)]
