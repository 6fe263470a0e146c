"""Rows of tenants past the ORM, and a row of any model that belongs to one: a new model needs no factory of its own."""

from __future__ import annotations

import itertools
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.tenants import Tenant, TenantOwned
from kingsync.models.users import User
from tests import factories

_numbers = itertools.count(1)


def owned_models() -> list[type[TenantOwned]]:
    return sorted(
        (model for model in apps.get_models() if issubclass(model, TenantOwned)), key=lambda each: each.__name__
    )


def row_of(model: type[TenantOwned], tenant: Tenant) -> TenantOwned:
    """Store a row with only what the database requires."""
    wanted = [field for field in model._meta.concrete_fields if not (field.null or field.has_default() or field.blank)]
    # In one transaction: a signed statement takes work orders in that which signs it.
    with tenants.scope(tenant), transaction.atomic():
        row = model(**{field.name: _value(field, tenant) for field in wanted if not field.primary_key})
        row.save()
    return row


def _value(field: Any, tenant: Tenant) -> Any:
    if isinstance(field, models.ForeignKey):
        return _related(field.related_model, tenant)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.DateTimeField):
        return rows("SELECT now()")[0][0]
    if isinstance(field, models.DateField):
        return timezone.localdate()
    if isinstance(field, models.BinaryField):
        return b"{}"
    number = next(_numbers)
    return number if isinstance(field, models.IntegerField) else str(number)


def _related(model: Any, tenant: Tenant) -> Any:
    if model is Tenant:
        return tenant
    if model is User:
        return factories.user()
    if issubclass(model, TenantOwned):
        return row_of(model, tenant)
    return tenant.administration


# --- Raw SQL ----------------------------------------------------------------------------------------------------------


def rows(query: str, *parameters: str | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def changed(statement: str, *parameters: str | int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return int(cursor.rowcount)


def seen() -> set[int]:
    """Return the tenants of the work orders that this session sees without any filter."""
    return {tenant for (tenant,) in rows("SELECT tenant_id FROM kingsync_workorder")}
