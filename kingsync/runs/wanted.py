"""Whether a run is wanted now: one answer for buttons, pages, the clock, the commands, and the run itself."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings as deployment

from kingsync.models import import_kinds, tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.refusals import RefusedError

# What the start of a run names explicitly is imported whatever is switched on.
_NAMED = ("kinds", SyncRun.NAMED_FILES)


class NotWantedError(RefusedError):
    """A run was refused, or ended before its next slice."""


def why_not(kind: RunKind, settings: SyncSettings | None, options: Mapping[str, object]) -> Reason | None:
    """Return why the current tenant does not want such a run, or may not have it; None when it is wanted.

    A dry run of an export writes nothing: it is how users look before they switch exports on. Without an active
    licence there is none either.
    """
    tenant = settings.tenant if settings else Tenant.objects.get(pk=tenants.current_id())
    nothing_runs = why_nothing_runs(tenant)
    if nothing_runs:
        return nothing_runs
    if kind == RunKind.EXPORT:
        is_on = settings is not None and settings.export_orders
        return None if is_on or options.get("dry_run") else reason("exports_off")
    is_on = settings is not None and bool(import_kinds.wanted_kinds(settings.as_mapping().imports, []))
    return None if is_on or any(options.get(name) for name in _NAMED) else reason("imports_off")


def why_nothing_runs(tenant: Tenant) -> Reason | None:
    """Return why the tenant's systems are not even read: it is being deleted, or has no active licence."""
    if tenant.closing_at is not None:
        return reason("closing")
    return None if tenant.is_licence_active else without_licence()


def without_licence() -> Reason:
    return reason("licence_inactive", contact=deployment.OPERATOR_CONTACT)


def require(kind: RunKind, options: Mapping[str, object]) -> SyncSettings | None:
    """Return the settings of the current tenant; raises `NotWantedError` when it does not want such a run."""
    settings = SyncSettings.objects.select_related("tenant").first()
    why = why_not(kind, settings, options)
    if why:
        raise NotWantedError(why)
    return settings
