"""Groups and permissions in the audit trail: these are no columns, so `save` does not record them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action

_VERBS = {"add": _("Add"), "change": _("Change"), "delete": _("Remove"), "view": _("View")}


class RightsNamed:
    """Offers permissions in the language of the reader: those in the database are in English."""

    def formfield_for_manytomany(self, *args: Any, **options: Any) -> Any:
        field = super().formfield_for_manytomany(*args, **options)  # type: ignore[misc]
        if field is not None and field.queryset.model is Permission:
            field.label_from_instance = _label
        return field


def _label(permission: Permission) -> str:
    """Return the permission as "model: verb"; as it is called where we do not know its verb."""
    verb = _VERBS.get(permission.codename.partition("_")[0])
    return f"{permission.content_type.name}: {verb}" if verb else str(permission)


class RightsRecorded(RightsNamed):
    """Comes before the admin class; `rights` are the names of the relations."""

    rights: tuple[str, ...]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        before = self._rights_of(form.instance)
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        after = self._rights_of(form.instance)
        if after != before or not change:
            _record(form.instance, before, after)

    def _rights_of(self, row: models.Model) -> dict[str, list[str]]:
        return {name: sorted(str(each) for each in getattr(row, name).all()) for name in self.rights}


class DeletionsRecorded(RightsRecorded):
    """Records deletions as well."""

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            _record(obj, self._rights_of(obj), {})
            super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)


def _record(row: models.Model, before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    trail.record(Action.RIGHTS_CHANGED, tenant=None, subject=str(row), before=before, after=after)
