"""Form entries for tests of the settings page."""

from __future__ import annotations

from typing import Any

from django.forms import MultipleChoiceField
from django.test import Client

from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant

ADDRESS = "/t/jansen/settings/"


def entries(client: Client) -> dict[str, Any]:
    """Return what a browser would send when Save is pressed at once."""
    forms = client.get(ADDRESS).context["forms"]
    data: dict[str, Any] = {"version": forms.version, "stamp": forms.stamp}
    for form in (forms.company, *forms.connections, forms.choices):
        for bound in form:
            value = bound.value()
            if isinstance(value, list) and not isinstance(bound.field, MultipleChoiceField):
                value = ",".join(value)
            if value not in (None, False, "") and bound.widget_type != "password":
                data[bound.html_name] = value if isinstance(value, list) else "on" if value is True else str(value)
    return data


def stored(tenant: Tenant) -> SyncSettings:
    with tenants.scope(tenant):
        return SyncSettings.objects.get()


def king(tenant: Tenant) -> Connection:
    with tenants.scope(tenant):
        return Connection.objects.get(system=System.KING)
