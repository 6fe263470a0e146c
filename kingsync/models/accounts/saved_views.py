"""Saved views: lists that a user filtered and sorted, and finds again by name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import TenantOwned
from kingsync.rules import limits


class SavedView(TenantOwned):
    """A view of the list of work orders; `query` is the part of its address that filters and sorts."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=limits.VIEW_NAME)
    query = models.CharField(max_length=limits.VIEW_QUERY)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["tenant", "user", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name
