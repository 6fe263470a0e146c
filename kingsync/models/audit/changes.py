"""Record what a save changes: the model says which values count, and the trail gets those that differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models, transaction

from kingsync.models.audit.actions import Action
from kingsync.models.audit.trail import Values

M = TypeVar("M", bound=models.Model)


def _as_stored(row: models.Model) -> Any:
    return type(row)._base_manager.filter(pk=row.pk).first()


@dataclass(frozen=True)
class Facts(Generic[M]):
    """`fields` are the columns that count, `values` returns them (or what they mean) and `write` adds an entry."""

    created: Action
    changed: Action
    fields: frozenset[str]
    values: Callable[[M], dict[str, Any]]
    write: Callable[[M, Action, Values | None, Values], None]
    as_stored: Callable[[M], M | None] = _as_stored


@contextmanager
def recorded(row: M, facts: Facts[M], *, update_fields: Collection[str] | None = None) -> Iterator[None]:
    """Record what the block saves of a row, in one transaction with it."""
    if update_fields is not None and facts.fields.isdisjoint(update_fields):
        yield
        return
    with transaction.atomic(savepoint=False):
        stored = None if row._state.adding else facts.as_stored(row)
        yield
        _compare(row, stored, facts, update_fields)


def _compare(row: M, stored: M | None, facts: Facts[M], update_fields: Collection[str] | None) -> None:
    after = facts.values(row)
    if stored is None:
        facts.write(
            row, facts.created, None, {name: value for name, value in after.items() if value not in (None, "", [])}
        )
        return
    before = facts.values(stored)
    names = before | after if update_fields is None else update_fields
    changed = [name for name in names if before.get(name) != after.get(name)]
    if changed:
        old, new = ({name: values.get(name) for name in changed} for values in (before, after))
        facts.write(row, facts.changed, old, new)


def columns(row: models.Model, names: Collection[str]) -> dict[str, Any]:
    """Return the values of columns, in their order."""
    return {name: getattr(row, name) for name in names}
