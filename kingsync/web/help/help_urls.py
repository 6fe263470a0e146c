"""The addresses of the help pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from kingsync.web.help import help_pages

urlpatterns: list[URLPattern] = [
    path("help/", help_pages.index, name="help"),
    path("help/settings/", help_pages.settings, name="help_settings"),
    path("help/messages/", help_pages.messages, name="help_messages"),
    path("help/<str:key>/", help_pages.article, name="help_article"),
]
