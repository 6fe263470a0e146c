"""The tables that hold tenants' rows, derived from the models: a new one is exported and deleted as well."""

from __future__ import annotations

import functools
from graphlib import TopologicalSorter

from django.apps import apps
from django.db import models

from kingsync.models.tenants import Tenant

Model = type[models.Model]


@functools.cache
def of_tenants() -> tuple[Model, ...]:
    """Return the models whose rows belong to one tenant; those that refer to others come before those others."""
    owned = [model for model in apps.get_models() if _belongs_to_a_tenant(model)]
    order = TopologicalSorter[Model]({model: set() for model in owned})
    for model in owned:
        for other in referred_to(model) & set(owned) - {model}:
            order.add(other, model)
    return tuple(order.static_order())


def rows_of(model: Model, tenant_id: int) -> models.QuerySet[models.Model]:
    """Return a tenant's rows, for use in its scope."""
    rows: models.QuerySet[models.Model] = model._base_manager.filter(tenant_id=tenant_id)
    return rows


def _belongs_to_a_tenant(model: Model) -> bool:
    return any(
        isinstance(field, models.ForeignKey) and field.name == "tenant" and field.related_model is Tenant
        for field in model._meta.concrete_fields
    )


def referred_to(model: Model) -> set[Model]:
    """Return the models that the rows of this one refer to."""
    keys = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    return {key.related_model for key in keys if isinstance(key.related_model, type)}
