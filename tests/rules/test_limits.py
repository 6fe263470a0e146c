"""Every key of the tenant file has one limit: the file and its column agree."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import COLUMNS, TEXT_LINES, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.tenant_file import TenantFile

Key = tuple[str, msgspec.inspect.Type]


def keys(found: msgspec.inspect.Type, path: str = "") -> Iterator[Key]:
    """Yield every key of the file with its type; for a list also `path.0`."""
    found = _without_none(found)
    if isinstance(found, msgspec.inspect.StructType):
        for each in found.fields:
            yield from keys(each.type, f"{path}.{each.encode_name}".strip("."))
        return
    yield path, found
    if isinstance(found, msgspec.inspect.VarTupleType):
        yield f"{path}.0", found.item_type
    if isinstance(found, msgspec.inspect.DictType):
        yield f"{path}.*", found.value_type


def _without_none(found: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if isinstance(found, msgspec.inspect.UnionType):
        return next(each for each in found.types if not isinstance(each, msgspec.inspect.NoneType))
    return found


KEYS = dict(keys(msgspec.inspect.type_info(TenantFile)))
# Stored together in one encrypted text without a limit.
SECRETS = {path for path in KEYS if path.startswith("outsmart.") and path != "outsmart.base_url"}
SECRETS |= {path for path in KEYS if path.startswith("king.access_code")}
LICENCE = {"licence.active": "is_licensed", "licence.until": "licensed_until"}


def column(path: str) -> models.Field[Any, Any]:
    parts = tuple(path.removesuffix(".0").split("."))
    if parts[:2] == ("exports", "extra_text_lines"):
        return typing.cast("models.Field[Any, Any]", SyncSettings._meta.get_field(TEXT_LINES[0]))
    model: type[models.Model] = SyncSettings
    name = COLUMNS.get(parts, "")
    if path in LICENCE:
        model, name = Tenant, LICENCE[path]
    elif not name:
        model, name = (Connection if len(parts) > 1 else Tenant), parts[-1]
    found = typing.cast("models.Field[Any, Any]", model._meta.get_field(name))
    return found.base_field if isinstance(found, ArrayField) and path.endswith(".0") else found


@pytest.mark.parametrize("path", sorted(set(KEYS) - SECRETS))
def test_a_column_takes_what_the_file_takes_and_no_more(path: str) -> None:
    found, stored = KEYS[path], column(path)

    if isinstance(found, msgspec.inspect.StrType):
        limit = stored.max_length if not isinstance(stored, models.TextField) else found.max_length
        assert found.max_length is not None
        assert found.max_length == limit
    elif isinstance(found, msgspec.inspect.LiteralType):
        assert {value for value, _label in stored.choices or ()} == set(found.values)
    elif isinstance(found, msgspec.inspect.VarTupleType | msgspec.inspect.DictType):
        assert found.max_length
    elif isinstance(found, msgspec.inspect.IntType):
        assert found.le is not None
        assert found.ge is not None
        assert found.le < 2**31
    else:
        assert isinstance(found, msgspec.inspect.BoolType | msgspec.inspect.DateType)


@pytest.mark.parametrize("path", sorted(SECRETS))
def test_a_secret_has_a_limit(path: str) -> None:
    found = KEYS[path]

    assert isinstance(found, msgspec.inspect.StrType | msgspec.inspect.DictType)
    assert found.max_length


def first_value(path: str) -> object:
    """Return the file's value for a key that it does not name."""
    here: object = TenantFile(slug="a", name="A")
    for part in path.split("."):
        here = getattr(here, part)
    return list(here) if isinstance(here, tuple) else here


@pytest.mark.parametrize("path", [path for path in KEYS if not path.endswith((".0", ".*")) and path not in SECRETS])
def test_a_new_row_begins_as_a_file_that_names_nothing(path: str) -> None:
    rows = {"outsmart": Connection.new(System.OUTSMART), "king": Connection.new(System.KING)}
    settings, tenant = SyncSettings(), Tenant(slug="a", name="A")
    parts = tuple(path.split("."))

    if path == "exports.extra_text_lines":
        stored: object = [getattr(settings, name) for name in TEXT_LINES]
    elif parts in COLUMNS:
        stored = getattr(settings, COLUMNS[parts])
    else:
        stored = getattr(rows.get(parts[0], tenant), LICENCE.get(path, parts[-1]))

    assert stored == first_value(path)
