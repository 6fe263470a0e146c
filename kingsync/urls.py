"""All URLs of the web application."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from kingsync.web.accounts.login import admin_door

handler500 = "kingsync.web.shared.server_errors.server_error"

urlpatterns = [
    path("admin/login/", admin_door),
    path("admin/", admin.site.urls),
    path("", include("kingsync.web.urls")),
]
