"""All URLs of the web application."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from kingsync.api import door
from kingsync.web.accounts.login import admin_door

handler500 = "kingsync.web.shared.server_errors.server_error"

urlpatterns = [
    path("admin/login/", admin_door),
    path("admin/", admin.site.urls),
    path("api/v1/<path:rest>", door.door, name="api"),
    path("api/", door.elsewhere, name="api_elsewhere"),
    path("api/<path:rest>", door.elsewhere, name="api_elsewhere"),
    path("", include("kingsync.web.urls")),
]
