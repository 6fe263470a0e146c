"""Splitting by brackets and quotes: the same values as a JSON parser finds, and no others."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import rough

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5), st.booleans(), st.sampled_from([None, 1, 3]))
def test_a_list_comes_apart_in_its_values(values: list[object], is_ascii: bool, indent: int | None) -> None:
    body = json.dumps(values, ensure_ascii=is_ascii, indent=indent).encode()

    assert [json.loads(part) for part in rough.elements(body)] == values


@given(st.dictionaries(TEXTS, JSON, max_size=5), st.booleans())
def test_an_object_comes_apart_in_its_members(values: dict[str, object], is_ascii: bool) -> None:
    body = json.dumps(values, ensure_ascii=is_ascii).encode()

    assert {name: json.loads(part) for name, part in rough.members(body).items()} == values


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"null",
        b"<html>",
        b"[",
        b'["a]',
        b"[1}",
        b"[{]}",
        b"[1],",
        b"[1]x",
        b"[1,]",
        b"[,]",
        b'["a\\"]',
        b"]",
    ],
)
def test_what_does_not_close_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^\w"):
        rough.elements(body)


@pytest.mark.parametrize("body", [b"{1}", b'{"a"}', b"{a: 1}", b'{"a": 1', b'{"a": 1,}', b'["a"]'])
def test_an_object_without_names_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^\w"):
        rough.members(body)


@given(st.binary(max_size=60))
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    for split in (rough.elements, rough.members):
        try:
            found = split(body)
        except ValueError:
            continue
        pieces = found if isinstance(found, list) else found.values()
        assert all(piece in body for piece in pieces)
