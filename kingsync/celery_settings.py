"""Celery's settings by Celery's names: it masks those when it reports them, and would report all of Django's too."""

from __future__ import annotations

from django.conf import settings

PREFIX = "CELERY_"

globals().update(
    {name.removeprefix(PREFIX).lower(): getattr(settings, name) for name in dir(settings) if name.startswith(PREFIX)}
)
