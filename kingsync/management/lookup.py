"""Lookups shared by several commands."""

from __future__ import annotations

from django.core.management.base import CommandError

from kingsync.models.tenants import Tenant


def tenant_of(slug: str) -> Tenant:
    """Return the tenant; exit with 2 when there is none with this short name."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant “{slug}”. Create it with: manage.py apply_tenant FILE", returncode=2)
    return tenant
