"""Querysets that agree with the wall: within a scope none writes a row of others, across tenants only by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.db import models

from kingsync.database import visible

M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class NoTenantScopeError(RuntimeError):
    """A tenant's data was queried outside `tenants.scope(...)`: a bug that could expose it to strangers."""


class ForeignScopeError(RuntimeError):
    """A row of one tenant was to be written in the scope of another: a bug that would mix their data."""


def require_of_scope(tenant_id: int | None) -> None:
    """Raise `ForeignScopeError` if this tenant's rows may not be written in the open scope."""
    if visible.now() not in (visible.OF_NONE, visible.OF_ALL, tenant_id):
        raise ForeignScopeError(
            f"a row of tenant {tenant_id} was to be written in the scope of tenant {visible.now()}: open its own scope"
        )


def require_scope() -> None:
    """Raise `NoTenantScopeError` without an open scope: the database would answer that there are no rows."""
    if visible.now() == visible.OF_NONE:
        raise NoTenantScopeError("open a tenant scope first: with tenants.scope(tenant): ...")


def _in_scope(method: Callable[..., Any]) -> Any:
    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        require_scope()
        return method(*args, **kwargs)

    return wrapped


class ScopedQuerySet(models.QuerySet[M_co]):
    """The rows of the open scope; refuses to write others', and to be read when the scope is closed."""

    aggregate = _in_scope(models.QuerySet.aggregate)
    count = _in_scope(models.QuerySet.count)
    delete = _in_scope(models.QuerySet.delete)
    exists = _in_scope(models.QuerySet.exists)

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            require_scope()
        super()._fetch_all()

    def _iterator(self, *args: Any) -> Iterator[Any]:
        require_scope()
        yield from super()._iterator(*args)  # type: ignore[misc]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        objs = list(objs)
        for row in objs:
            require_of_scope(row.tenant_id)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        objs = list(objs)
        for row in objs:
            require_of_scope(row.tenant_id)
        return super().bulk_update(objs, fields, *args, **kwargs)

    def update(self, **columns: Any) -> int:
        for name in {"tenant", "tenant_id"} & columns.keys():
            require_of_scope(getattr(columns[name], "pk", columns[name]))
        require_scope()
        return super().update(**columns)


def _across(method: Callable[..., Any]) -> Any:
    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with visible.rows_of(visible.OF_ALL):
            return method(*args, **kwargs)

    return wrapped


class AcrossQuerySet(models.QuerySet[M_co]):
    """The rows of all tenants. Only its own statements cross: what is done with the rows needs a scope again."""

    _fetch_all = _across(models.QuerySet._fetch_all)
    aggregate = _across(models.QuerySet.aggregate)
    bulk_create = _across(models.QuerySet.bulk_create)
    bulk_update = _across(models.QuerySet.bulk_update)
    count = _across(models.QuerySet.count)
    delete = _across(models.QuerySet.delete)
    exists = _across(models.QuerySet.exists)
    explain = _across(models.QuerySet.explain)
    update = _across(models.QuerySet.update)

    def iterator(self, *_: Any, **__: Any) -> Iterator[Any]:
        """Refuse: the code between two rows would cross tenants too."""
        raise TypeError("wrap the loop in `with tenants.across():` and use a manager that is not across_tenants")
