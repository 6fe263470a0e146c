"""All tables by import kind follow from one value: none lacks a kind, and none has an unknown one."""

from __future__ import annotations

import inspect

import msgspec
import pytest

from integrations.king.records import Kind
from integrations.outsmart.client import Client
from kingsync.imports.files import store
from kingsync.king_mirror import mirror
from kingsync.models import import_kinds
from kingsync.models.links import RecordKind
from kingsync.rules.mapping import Imports
from kingsync.web.settings import settings_form


def test_there_is_one_for_each_section_of_the_tenant_file_that_can_be_switched_on() -> None:
    sections = [name for name, value in msgspec.to_builtins(Imports()).items() if isinstance(value, dict)]

    assert sorted(import_kinds.KINDS) == sorted(sections)
    assert all(kind.name == name for name, kind in import_kinds.KINDS.items())
    assert [kind.choices(Imports()).enabled for kind in import_kinds.KINDS.values()] == [False] * len(sections)


def test_each_kind_of_record_belongs_to_one_and_each_kind_of_kings_is_read_by_one() -> None:
    posted = [record for kind in import_kinds.MASTER_DATA.values() for record in kind.posts]

    assert sorted([*posted, import_kinds.ORDERS.primary]) == sorted(RecordKind)
    assert sorted(kind.king_kind for kind in import_kinds.KINDS.values()) == sorted(Kind)
    assert all(next(iter(kind.posts)) == kind.primary for kind in import_kinds.MASTER_DATA.values())


@pytest.mark.parametrize("post", import_kinds.POSTS.values(), ids=import_kinds.POSTS)
def test_a_row_is_what_its_method_takes(post: import_kinds.Post) -> None:
    rows = inspect.signature(getattr(Client, post.method)).parameters["rows"]

    assert post.payload.__name__ in str(rows.annotation)


@pytest.mark.parametrize("kind", [each for each in import_kinds.MASTER_DATA.values() if each.active_field])
def test_what_makes_a_record_inactive_is_a_field_of_its_row(kind: import_kinds.MasterData) -> None:
    assert kind.active_field in kind.posts[kind.primary].payload.__struct_fields__


def test_pages_files_and_command_know_them_all() -> None:
    headings = list(settings_form.IMPORTS.values())

    assert [columns[0] for columns in headings[:-1]] == [f"{name}_enabled" for name in import_kinds.SHOWN]
    assert set(store.IMPORTS.values()) == set(import_kinds.KINDS)
    assert set(mirror._DECODE) == {kind.king_kind for kind in import_kinds.MASTER_DATA.values()}
    assert [import_kinds.KINDS[name].place for name in import_kinds.SHOWN] == [1, 2, 3, 4, 5]
