"""The import kinds: lists, labels, decoders, posts and settings follow from these values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext_lazy as _

from integrations.king import payloads
from integrations.king.records import Kind
from integrations.outsmart import records as outsmart
from kingsync.models.links import RecordKind
from kingsync.rules.imports import customers, hour_types, products, warehouses
from kingsync.rules.imports.records import Answer
from kingsync.rules.mapping import Imports

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True, kw_only=True)
class ImportKind:
    """One import kind of the contract; `name` is that of the tenant file, `place` its position in lists.

    `king_kind` is what is read, `primary` what is counted.
    """

    name: str
    label: StrPromise
    place: int
    king_kind: Kind
    primary: RecordKind

    def choices(self, choices: Imports) -> Any:
        """Return the tenant's settings for this kind."""
        return getattr(choices, self.name)


@dataclass(frozen=True, kw_only=True)
class Post:
    """What goes to OutSmart: rows of `payload`, by the method `method` of its client."""

    payload: type[msgspec.Struct]
    method: str


@dataclass(frozen=True, kw_only=True)
class MasterData(ImportKind):
    """A kind whose records become rows in OutSmart.

    `posts` is what goes to OutSmart, in order. `active_field` is the row's field that makes the record inactive in
    OutSmart; "" where OutSmart has none.
    """

    posts: dict[RecordKind, Post]
    decode: Callable[[bytes], Any]
    answers: Callable[[Any, Any], list[Answer]]
    active_field: str = ""

    @property
    def posted(self) -> tuple[str, ...]:
        return tuple(self.posts)


# In the order of dependency: what later ones refer to comes first.
MASTER_DATA: dict[str, MasterData] = {
    kind.name: kind
    for kind in (
        MasterData(
            name="warehouses",
            label=_("warehouses"),
            place=4,
            king_kind=Kind.WAREHOUSE,
            primary=RecordKind.WAREHOUSE,
            posts={RecordKind.WAREHOUSE: Post(payload=outsmart.Warehouse, method="post_warehouses")},
            decode=payloads.warehouse,
            answers=warehouses.from_warehouse,
        ),
        MasterData(
            name="hour_types",
            label=_("hour types"),
            place=3,
            king_kind=Kind.RATE,
            primary=RecordKind.HOUR_TYPE,
            posts={RecordKind.HOUR_TYPE: Post(payload=outsmart.HourType, method="post_hour_types")},
            decode=payloads.rate,
            answers=hour_types.from_rate,
            active_field="active",
        ),
        MasterData(
            name="customers",
            label=_("customers"),
            place=1,
            king_kind=Kind.DEBTOR,
            primary=RecordKind.CUSTOMER,
            posts={
                RecordKind.CUSTOMER: Post(payload=outsmart.Relation, method="post_relations"),
                RecordKind.CONTACT_PERSON: Post(payload=outsmart.ContactPerson, method="post_contact_persons"),
                RecordKind.ADDRESS: Post(payload=outsmart.Address, method="post_addresses"),
            },
            decode=payloads.debtor,
            answers=customers.from_debtor,
            active_field="active",
        ),
        MasterData(
            name="products",
            label=_("products"),
            place=2,
            king_kind=Kind.ARTICLE,
            primary=RecordKind.PRODUCT,
            posts={RecordKind.PRODUCT: Post(payload=outsmart.Product, method="post_products")},
            decode=payloads.article,
            answers=products.from_article,
        ),
    )
}
# They become work orders, are imported separately, and come last: their customers and articles should exist by then.
ORDERS = ImportKind(name="orders", label=_("orders"), place=5, king_kind=Kind.ORDER, primary=RecordKind.ORDER)
KINDS: dict[str, ImportKind] = {**MASTER_DATA, ORDERS.name: ORDERS}
SHOWN = tuple(sorted(KINDS, key=lambda name: KINDS[name].place))
POSTS: dict[str, Post] = {record: post for kind in MASTER_DATA.values() for record, post in kind.posts.items()}


def label_of(name: str) -> str:
    """Return "customers", in the active language; for an unknown kind, the name itself."""
    return str(KINDS[name].label) if name in KINDS else name


def wanted_kinds(choices: Imports, asked: Iterable[str]) -> list[str]:
    """Return the kinds to import, in order: the requested ones, or else those that are switched on."""
    names = list(asked) or [name for name, kind in KINDS.items() if kind.choices(choices).enabled]
    return [name for name in KINDS if name in names]
