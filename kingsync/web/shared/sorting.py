"""Sorting a list by its headings; the address keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kingsync.web.shared.paging import Order


@dataclass(frozen=True)
class Heading:
    """A heading that sorts: what a click asks for, None for the list's own order, and what is sorted now."""

    next: str | None
    now: str = ""


def order(wanted: str, columns: Mapping[str, Order]) -> Order | None:
    """Return the order that a parameter names; None if it names none. `-name` is the opposite of `name`."""
    column = columns.get(wanted.removeprefix("-"))
    if column is None:
        return None
    return Order(column.column, not column.is_descending) if wanted.startswith("-") else column


def headings(wanted: str, columns: Mapping[str, Order]) -> dict[str, Heading]:
    """Return each heading: a first click sorts by it, a second one the other way, a third one no longer."""
    return {name: _heading(name, wanted, columns) for name in columns}


def _heading(name: str, wanted: str, columns: Mapping[str, Order]) -> Heading:
    if wanted.removeprefix("-") != name:
        return Heading(name)
    found = order(wanted, columns)
    now = "descending" if found and found.is_descending else "ascending"
    return Heading(None if wanted.startswith("-") else f"-{name}", now)
