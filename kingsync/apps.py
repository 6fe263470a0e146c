"""The application, as Django lists it."""

from __future__ import annotations

from django.apps import AppConfig


class KingsyncConfig(AppConfig):
    name = "kingsync"
    verbose_name = "kingsync"
    default_auto_field = "django.db.models.BigAutoField"
