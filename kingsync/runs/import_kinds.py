"""How each kind of master data is read, turned into rows, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from integrations.king import payloads
from integrations.king.records import Kind
from kingsync.rules import customers, hour_types, products, warehouses
from kingsync.rules.mapping import Imports
from kingsync.rules.records import Answer


@dataclass(frozen=True)
class Story:
    """How one kind of the contract is read and turned into rows.

    `primary` is the RecordKind that is counted, `posted` what goes to OutSmart, in order. `active_field` is the
    row's field that makes the record inactive in OutSmart; "" where OutSmart has none.
    """

    name: str
    kind: Kind
    primary: str
    posted: tuple[str, ...]
    decode: Callable[[bytes], Any]
    answers: Callable[[Any, Any], list[Answer]]
    choices: Callable[[Imports], Any]
    active_field: str = ""


# In the order of dependency: what later ones refer to comes first.
STORIES: dict[str, Story] = {
    story.name: story
    for story in (
        Story(
            name="warehouses",
            kind=Kind.WAREHOUSE,
            primary="warehouse",
            posted=("warehouse",),
            decode=payloads.warehouse,
            answers=warehouses.from_warehouse,
            choices=lambda choices: choices.warehouses,
        ),
        Story(
            name="hour_types",
            kind=Kind.RATE,
            primary="hour_type",
            posted=("hour_type",),
            decode=payloads.rate,
            answers=hour_types.from_rate,
            choices=lambda choices: choices.hour_types,
            active_field="active",
        ),
        Story(
            name="customers",
            kind=Kind.DEBTOR,
            primary="customer",
            posted=("customer", "contact_person", "address"),
            decode=payloads.debtor,
            answers=customers.from_debtor,
            choices=lambda choices: choices.customers,
            active_field="active",
        ),
        Story(
            name="products",
            kind=Kind.ARTICLE,
            primary="product",
            posted=("product",),
            decode=payloads.article,
            answers=products.from_article,
            choices=lambda choices: choices.products,
        ),
    )
}
# Orders come last: their customers and articles should be there. They have a story of their own.
ORDERS = "orders"


def wanted_kinds(choices: Imports, asked: Iterable[str]) -> list[str]:
    """Return the kinds to import, in order: those asked for, or else those that are switched on."""
    kinds = (*STORIES, ORDERS)
    names = list(asked) or [name for name in kinds if getattr(choices, name).enabled]
    return [name for name in kinds if name in names]
