"""What a tenant's admin page shows of the tenant's own pages: links, buttons, the latest runs and versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from kingsync.models.users import User

LATEST = 5
# Name of the URL → label.
_PAGES: dict[str, Any] = {
    "tenant": _("Start"),
    "settings": _("Settings"),
    "work_orders": _("Work orders"),
    "runs": _("Runs"),
    "log": _("Log"),
    "people": _("Users"),
    "company_data": _("Company data"),
}


@dataclass(frozen=True)
class Link:
    label: str
    address: str


@dataclass(frozen=True)
class TenantPages:
    title: str
    links: list[Link]
    may_run: bool
    runs: list[SyncRun]
    versions: list[SettingsVersion]
    kinds: tuple[RunKind, ...] = tuple(RunKind)


def of(tenant: Tenant, *, user: User | AnonymousUser) -> TenantPages:
    """Return what this person may see and do; who sees the admin page may also see the tenant's pages."""
    runs = SyncRun.across_tenants.filter(tenant=tenant).defer(*SyncRun.LARGE)
    versions = SettingsVersion.across_tenants.filter(tenant=tenant).select_related("saved_by").defer("document")
    return TenantPages(
        title=gettext("Pages of %(company)s") % {"company": tenant.name},
        links=[Link(str(label), reverse(name, args=[tenant.slug])) for name, label in _PAGES.items()],
        may_run=tenants.role_of(user, tenant) in tenants.EDITING,
        runs=list(runs.order_by("-pk")[:LATEST]),
        versions=list(versions.order_by("-pk")[:LATEST]),
    )
