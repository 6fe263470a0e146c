"""After so many wrong passwords for a name, or from one place, the next ones wait."""

from __future__ import annotations

import datetime
import hashlib

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from kingsync.models.people import LoginTry

WINDOW = datetime.timedelta(minutes=15)
LIMIT = 10


class TooManyTriesError(Exception):
    """No more tries for this subject before the window is over."""


def book(*subjects: str, limit: int = LIMIT) -> list[int]:
    """Count a try against each subject, before it is made: tries at the same moment cannot slip through together.

    Returns what `forgive` takes back when the password was right. Raises `TooManyTriesError`; that try counts for
    nothing, so that waiting helps.
    """
    since = timezone.now() - WINDOW
    LoginTry.objects.filter(at__lt=since).delete()
    keys = [_key(subject) for subject in subjects]
    booked = [row.pk for row in LoginTry.objects.bulk_create([LoginTry(key=key) for key in keys])]
    if any(LoginTry.objects.filter(key=key, at__gte=since).count() > limit for key in keys):
        forgive(booked)
        raise TooManyTriesError
    return booked


def forgive(booked: list[int]) -> None:
    LoginTry.objects.filter(pk__in=booked).delete()


def forget(subject: str) -> None:
    """Begin to count anew for a subject that has proved who it is."""
    LoginTry.objects.filter(key=_key(subject)).delete()


def subject_of_address(request: HttpRequest | None) -> list[str]:
    """Return where the request comes from, as a subject; nothing where a proxy hides it.

    In production a proxy stands in front: its own address would be everybody's, and what it appended last to
    X-Forwarded-For is the only part that a visitor cannot make up.
    """
    if request is None:
        return []
    if settings.IS_DEVELOPMENT:
        return [f"from {request.META['REMOTE_ADDR']}"]
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return [f"from {forwarded}"] if forwarded else []


def _key(subject: str) -> str:
    return hashlib.sha256(subject.lower().encode()).hexdigest()
