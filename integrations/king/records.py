"""King's records as our own strict values. `payloads.py` converts them from and to the wire.

All record numbers are text inside our system; quantities and prices are Decimal; dates are `date`.
"""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal

import msgspec


class Kind(enum.StrEnum):
    """The kinds of record that can be read from King page by page."""

    DEBTOR = "debtor"
    ARTICLE = "article"
    RATE = "rate"
    WAREHOUSE = "warehouse"
    ORDER = "order"


class LineKind(enum.StrEnum):
    """King's RegelSoort."""

    ARTICLE = "ART"
    RATE = "TAR"
    TEXT = "TEKST"


class ContactPerson(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    name: str = ""
    phone: str = ""
    email: str = ""


class DeliveryAddress(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    description: str = ""
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""


class Debtor(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    search_code: str = ""
    name: str = ""  # Naam1
    name2: str = ""
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    vat_number: str = ""
    chamber_number: str = ""
    invoice_debtor_number: str = ""
    is_blocked: bool = False
    remark: str = ""
    contact_persons: tuple[ContactPerson, ...] = ()
    delivery_addresses: tuple[DeliveryAddress, ...] = ()


class Article(msgspec.Struct, frozen=True):  # not by name alone: a hundred thousand are made at once
    """`decimals` is how many decimals a quantity of it may have, 0 to 3."""

    number: str
    search_code: str = ""
    short_description: str = ""
    description: str = ""
    unit: str = ""
    sales_price: Decimal | None = None
    price_with_vat: Decimal | None = None
    cost_price: Decimal | None = None
    vat_code: str = ""
    revenue_group: str = ""
    decimals: int = 0
    is_blocked: bool = False
    ean_code: str = ""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """King's tariff: what OutSmart calls an hour type."""

    number: str
    search_code: str = ""
    description: str = ""
    price: Decimal | None = None
    vat_code: str = ""
    unit: str = ""
    decimals: int = 0
    is_blocked: bool = False


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    number: str  # MagazijnCode 0-999, without leading zeros
    description: str = ""
    is_default: bool = False


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    line_id: str  # RegelID
    position: int  # RegelNummer
    kind: str  # a LineKind, or a word that we do not know
    article_number: str = ""
    description: str = ""
    text: str = ""
    quantity: Decimal | None = None
    delivered: Decimal | None = None
    to_deliver: Decimal | None = None
    to_invoice: Decimal | None = None
    price: Decimal | None = None
    warehouse: str = ""
    reference: str = ""  # ExternOrderRegelNummer


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An open order as King reports it."""

    number: str
    external_number: str = ""
    debtor_number: str = ""
    invoice_debtor_number: str = ""
    contact_person_number: str = ""
    delivery_address_number: str = ""
    reference: str = ""
    order_date: datetime.date | None = None
    delivery_date: datetime.date | None = None
    warehouse: str = ""
    is_approved: bool = False
    is_released: bool = False
    remark: str = ""
    lines: tuple[OrderLine, ...] = ()


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The header of Order_Toevoegen; empty values are not sent. `pick_list` False sends Verzamellijst NIET."""

    debtor_number: str
    external_number: str
    reference: str = ""
    order_date: datetime.date | None = None
    delivery_date: datetime.date | None = None
    warehouse: str = ""
    remark: str = ""
    pick_list: bool | None = None


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of Order_OrderRegel_Toevoegen; None and "" are not sent."""

    kind: LineKind
    reference: str
    article_number: str = ""
    text: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    warehouse: str = ""


class LineChange(msgspec.Struct, frozen=True, kw_only=True):
    """What Order_OrderRegel_Wijzigen changes; None leaves a field as it is."""

    article_number: str | None = None
    text: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    warehouse: str | None = None
    reference: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of raw records (their bytes, for fingerprints) and where the next one starts; None on the last page."""

    records: tuple[msgspec.Raw, ...]
    next_after: str | None = None
