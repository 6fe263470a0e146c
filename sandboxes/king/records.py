"""King's records as the sandbox keeps them, under their names on the wire (king.md, section 2.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType, field


class Record(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A record of King. What is UNSET is absent on the wire."""


class Contact(Record, kw_only=True):
    number: int = field(name="Nummer")
    name: str = field(name="Naam", default="")
    phone: str = field(name="Telefoon", default="")
    email: str = field(name="Email", default="")


class Address(Record, kw_only=True):
    number: int = field(name="Nummer")
    description: str = field(name="Omschrijving", default="")
    street: str = field(name="Straat", default="")
    house_number: str = field(name="HuisNummer", default="")
    postal_code: str = field(name="PostCode", default="")
    city: str = field(name="Woonplaats", default="")
    country: str = field(name="Land", default="NLD")


class Debtor(Record, kw_only=True):
    number: int = field(name="DebiteurNummer")
    search_code: str = field(name="ZoekCode", default="")
    name: str = field(name="Naam1", default="")
    name2: str = field(name="Naam2", default="")
    street: str = field(name="Straat", default="")
    house_number: str = field(name="HuisNummer", default="")
    postal_code: str = field(name="PostCode", default="")
    city: str = field(name="Woonplaats", default="")
    country: str = field(name="Land", default="NLD")
    phone: str = field(name="Telefoon", default="")
    email: str = field(name="Email", default="")
    vat_number: str = field(name="BtwNummer", default="")
    chamber_number: str = field(name="KvkNummer", default="")
    invoice_number: int | UnsetType = field(name="DebiteurNummerFactuur", default=UNSET)
    is_blocked: int = field(name="BlokkeerOrderInvoer", default=0)
    remark: str = field(name="Opmerking", default="")
    contacts: list[Contact] = field(name="ContactPersonen", default_factory=list)
    addresses: list[Address] = field(name="VerzendAdressen", default_factory=list)
    changed: str = field(name="MutatieDatum", default="")


class Article(Record, kw_only=True):
    number: str = field(name="ArtikelNummer")
    search_code: str = field(name="ZoekCode", default="")
    short_description: str = field(name="OmschrijvingKort", default="")
    description: str = field(name="Omschrijving", default="")
    unit: str = field(name="Eenheid", default="stuk")
    price: Decimal = field(name="VerkoopPrijsExclBtw", default=Decimal("0.00"))
    cost: Decimal = field(name="KostPrijs", default=Decimal("0.00"))
    vat_code: int = field(name="BtwCode", default=2)
    revenue_group: int = field(name="OpbrengstGroepNummer", default=8000)
    decimals: int = field(name="AantalDecimalen", default=0)
    is_stock: int = field(name="VoorraadArtikel", default=1)
    is_blocked: int = field(name="GeblokkeerdVoorVerkoop", default=0)
    ean: str = field(name="EanCode", default="")
    changed: str = field(name="MutatieDatum", default="")


class Rate(Record, kw_only=True):
    number: str = field(name="TariefNummer")
    search_code: str = field(name="ZoekCode", default="")
    short_description: str = field(name="OmschrijvingKort", default="")
    price: Decimal = field(name="PrijsExclBtw", default=Decimal("0.00"))
    vat_code: int = field(name="BtwCode", default=2)
    unit: str = field(name="Eenheid", default="uur")
    decimals: int = field(name="AantalDecimalen", default=2)
    is_blocked: int = field(name="GeblokkeerdVoorVerkoop", default=0)
    changed: str = field(name="MutatieDatum", default="")


class Warehouse(Record, kw_only=True):
    number: int = field(name="MagazijnCode")
    description: str = field(name="Omschrijving", default="")
    is_default: int = field(name="IsDefault", default=0)


class OrderLine(Record, kw_only=True):
    """A line. The two quantities before the last field are read back where they were filled in, `source` never.

    `source` is `staff` or a caller.
    """

    line_id: int = field(name="RegelID", default=0)
    position: int = field(name="RegelNummer", default=0)
    kind: str = field(name="RegelSoort")
    article: str = field(name="ArtikelNummer", default="")
    short_description: str = field(name="OmschrijvingKort", default="")
    text: str = field(name="TekstOpFactuur", default="")
    ordered: Decimal | UnsetType = field(name="AantalBesteld", default=UNSET)
    delivered: Decimal | UnsetType = field(name="AantalGeleverd", default=UNSET)
    price: Decimal | UnsetType = field(name="Prijs", default=UNSET)
    warehouse: int | UnsetType = field(name="Magazijn", default=UNSET)
    external: str = field(name="ExternOrderRegelNummer", default="")
    to_deliver: Decimal | UnsetType = field(name="AantalDezeLevering", default=UNSET)
    to_invoice: Decimal | UnsetType = field(name="AantalDezeFacturering", default=UNSET)
    source: str = field(name="Bron", default="staff")


class Order(Record, kw_only=True):
    """An order. The last five are not read back through the webservices."""

    number: int = field(name="OrderNummer")
    external: str = field(name="ExternOrderNummer", default="")
    debtor: int = field(name="DebiteurNummer")
    invoice_debtor: int | UnsetType = field(name="DebiteurNummerFactuur", default=UNSET)
    contact: int | UnsetType = field(name="ContactPersoonNummer", default=UNSET)
    address: int | UnsetType = field(name="VerzendAdresNummer", default=UNSET)
    reference: str = field(name="Referentie", default="")
    order_date: str = field(name="OrderDatum", default="")
    delivery_date: str = field(name="LeverDatum", default="")
    warehouse: int | UnsetType = field(name="Magazijn", default=UNSET)
    is_approved: int = field(name="Goedgekeurd", default=0)
    is_released: int = field(name="VrijVoorLevering", default=0)
    remark: str = field(name="Opmerking", default="")
    changed: str = field(name="MutatieDatum", default="")
    lines: list[OrderLine] = field(name="OrderRegels", default_factory=list)
    pick_list: str = field(name="Verzamellijst", default="WEL")
    is_closed: int = field(name="Gesloten", default=0)
    locked_by: str = field(name="LockEigenaar", default="")
    locked_at: str = field(name="LockSinds", default="")
    source: str = field(name="Bron", default="staff")


AnyRecord: TypeAlias = Debtor | Article | Rate | Warehouse | Order

_HIDDEN = {"Verzamellijst", "Gesloten", "LockEigenaar", "LockSinds", "Bron"}
_HIDDEN_IN_LINES = {"Bron"}


def published(order: Order) -> dict[str, object]:
    """Return an order with everything that the sandbox knows about it."""
    value = msgspec.to_builtins(order, builtin_types=(Decimal,))
    return msgspec.convert(value, dict[str, object])


def readable(order: Order) -> dict[str, object]:
    """Return an order as `Orders_Opvragen` shows it."""
    header = {name: value for name, value in published(order).items() if name not in _HIDDEN}
    lines = msgspec.to_builtins(order.lines, builtin_types=(Decimal,))
    header["OrderRegels"] = [
        {name: value for name, value in line.items() if name not in _HIDDEN_IN_LINES} for line in lines
    ]
    return header
