"""King's names in its XML export files (king-facts.md, sections 2.3, 2.4 and 3.3): the ONE table of that format.

Left is our field, right the elements that may hold it: the first non-empty one counts. A slash steps into an element.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from integrations.king.records import Kind

# The root elements that are read, and what each of them lists. There is no list of warehouses: the stock names them.
DOCUMENTS: Mapping[str, Kind] = MappingProxyType(
    {
        "KING_DEBITEUREN": Kind.DEBTOR,
        "KING_ARTIKELEN": Kind.ARTICLE,
        "KING_TARIEVEN": Kind.RATE,
        "KING_VOORRAAD": Kind.WAREHOUSE,
        "KING_ORDERS": Kind.ORDER,
    }
)
# Records are two levels below the root, whatever their name. One of these names directly below it is a record too.
RECORDS = frozenset({"DEBITEUR", "ARTIKEL", "TARIEF", "VOORRAAD", "ORDER"})

ACTION, DELETE = "action", "delete"


class Form(enum.Enum):
    """How an element's text is written as JSON."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    DAY = "day"


class Field(msgspec.Struct, frozen=True):
    form: Form
    paths: tuple[str, ...]


def _text(*paths: str) -> Field:
    return Field(Form.TEXT, paths)


def _whole(*paths: str) -> Field:
    return Field(Form.WHOLE, paths)


def _number(*paths: str) -> Field:
    return Field(Form.NUMBER, paths)


def _flag(*paths: str) -> Field:
    return Field(Form.FLAG, paths)


def _day(*paths: str) -> Field:
    return Field(Form.DAY, paths)


Table = Mapping[str, Field]

CONTACT_PERSONS = "NAW_CONTACTPERSONEN/NAW_CONTACTPERSOON"
CONTACT_PERSON: Table = MappingProxyType(
    {
        "number": _whole("CP_NUMMER"),
        "name": _text("CP_VOLLEDIGENAAM"),
        "phone": _text("CP_TELEFOON", "CP_TELEFOON2"),
        "email": _text("CP_EMAIL"),
    }
)
# The parts of a full name, where King gives only those; the initials only where there is no first name.
NAME_PARTS = (("CP_VOORNAAM", "CP_VOORLETTERS"), ("CP_VOORVOEGSEL",), ("CP_ACHTERNAAM",))

_PLACE = {
    "street": _text("ADR_STRAAT"),
    "house_number": _text("ADR_HUISNUMMER"),
    "postal_code": _text("ADR_POSTCODE"),
    "city": _text("ADR_WOONPLAATS"),
    "country": _text("ADR_LAND"),
}
DELIVERY_ADDRESSES = "NAW_VERZENDADRESSEN/NAW_VERZENDADRES"
DELIVERY_ADDRESS: Table = MappingProxyType(
    {"number": _whole("ADR_NUMMER"), "description": _text("ADR_OMSCHRIJVING"), **_PLACE}
)
# A debtor's own address: the place of business, else the correspondence address.
ADDRESSES = ("NAW_VESTIGINGADRES", "NAW_CORRESPONDENTIEADRES")
ADDRESS: Table = MappingProxyType(
    {
        "name": _text("ADR_NAAM1"),
        "name2": _text("ADR_NAAM2"),
        **_PLACE,
        "phone": _text("ADR_TELEFOON", "ADR_TELEFOON2"),
        "email": _text("ADR_EMAIL"),
    }
)
DEBTOR: Table = MappingProxyType(
    {
        "number": _whole("NAW_NUMMER"),
        "search_code": _text("NAW_ZOEKCODE"),
        "vat_number": _text("NAW_BTWNUMMER"),
        "chamber_number": _text("NAW_KVKNUMMER"),
        "invoice_debtor_number": _whole("NAW_DEBITEURNUMMERFACTUUR"),
        "is_blocked": _flag("NAW_BLOKKEERORDERINVOER"),
        "remark": _text("NAW_OPMERKING"),
    }
)

# Where the file gives the price including VAT, it does not give the price without. The price including VAT is read
# for articles, to report this; not for rates, since King itself knows what an hour costs.
ARTICLE: Table = MappingProxyType(
    {
        "number": _text("ART_NUMMER"),
        "search_code": _text("ART_ZOEKCODE"),
        "short_description": _text("ART_OMSCHRIJVING"),
        "unit": _text("ART_EENHEID"),
        "sales_price": _number("ART_VERKOOPPRIJSEXCLBTW"),
        "price_with_vat": _number("ART_VERKOOPPRIJSINCLBTW"),
        "cost_price": _number("ART_KOSTPRIJS"),
        "vat_code": _whole("ART_BTWCODEVERKOOP"),
        "revenue_group": _whole("ART_OPBRENGSTGROEP"),
        "decimals": _whole("ART_AANTALDECIMALENAANTALLEN"),
        "is_blocked": _flag("ART_GEBLOKKEERDVOORVERKOOP"),
        "ean_code": _text("ART_VOORRAADEENHEID_EANCODE"),
    }
)
LANGUAGE_TEXTS = "ART_TAALOMSCHRIJVINGEN/ART_TAALOMSCHRIJVING"
LANGUAGE, LANGUAGE_TEXT = "ART_TAALOMSCHRIJVING_TAALCODE", "ART_TAALOMSCHRIJVING_TEKST"
DUTCH = frozenset({"NL", "NLD", "NED", "N"})
EAN_CODES = "ART_EANCODES/ART_EANCODE"
EAN_CODE, EAN_IS_DEFAULT = "ART_EANCODE_NUMMER", "ART_EANCODE_ISSTANDAARD"

RATE: Table = MappingProxyType(
    {
        "number": _text("TAR_NUMMER"),
        "search_code": _text("TAR_ZOEKCODE"),
        "description": _text("TAR_OMSCHRIJVING"),
        "price": _number("TAR_VERKOOPPRIJSEXCLBTW"),
        "vat_code": _whole("TAR_BTWCODEVERKOOP"),
        "unit": _text("TAR_PROJECT_GEGEVENS/TAR_PROJECT_EENHEID"),
        "decimals": _whole("TAR_AANTALDECIMALENAANTALLEN"),
        "is_blocked": _flag("TAR_GEBLOKKEERDVOORVERKOOP"),
    }
)

WAREHOUSES = "VRD_MAGAZIJNEN/VRD_MAGAZIJN"
WAREHOUSE: Table = MappingProxyType({"number": _text("VRD_MAG_CODE"), "description": _text("VRD_MAG_OMSCHRIJVING")})
STOCK_OF = "VRD_ARTNUMMER"

ORDER_HEADER = "ORDERKOP"
ORDER: Table = MappingProxyType(
    {
        "number": _whole("ORK_ORDERNUMMER"),
        "external_number": _text("ORK_EXTERNORDERNUMMER"),
        "debtor_number": _whole("ORK_DEBITEURNUMMER"),
        "invoice_debtor_number": _whole("ORK_DEBITEURNUMMERFACTUUR"),
        "contact_person_number": _whole("ORK_CONTACTPERSOON"),
        "delivery_address_number": _whole("ORK_VERZENDADRESNUMMER"),
        "reference": _text("ORK_REFERENTIE"),
        "order_date": _day("ORK_ORDERDATUM"),
        "delivery_date": _day("ORK_LEVERDATUM"),
        "warehouse": _whole("ORK_MAGAZIJN"),
        "is_approved": _flag("ORK_GOEDGEKEURD"),
        "is_released": _flag("ORK_VRIJVOORLEVERING"),
        "remark": _text("ORK_OPMERKING"),
    }
)
PRICES_IN, INCLUDING_VAT = "ORK_PRIJZENINEXBTW", "INCLBTW"
ORDER_LINES = "ORDERREGELS/ORDERREGEL"
# The schema has no line number, delivered quantity or short description; where an export has them, they are read.
ORDER_LINE: Table = MappingProxyType(
    {
        "line_id": _whole("ORR_GID"),
        "position": _whole("ORR_REGELNUMMER"),
        "kind": _text("ORR_SOORT"),
        "article_number": _text("ORR_ARTIKELNUMMER"),
        "description": _text("ORR_OMSCHRIJVING"),
        "text": _text("ORR_TEKSTOPFACTUUR"),
        "quantity": _number("ORR_AANTALBESTELD"),
        "delivered": _number("ORR_AANTALGELEVERD"),
        "price": _number("ORR_PRIJS"),
        "warehouse": _whole("ORR_MAGAZIJN"),
        "reference": _text("ORR_EXTERNORDERREGELNUMMER"),
    }
)


def _elements(*paths: str) -> frozenset[str]:
    return frozenset(name for path in paths for name in path.split("/"))


def _of(*tables: Table) -> frozenset[str]:
    return _elements(*(path for table in tables for field in table.values() for path in field.paths))


# The elements that are kept while a record of a kind is read; all others are skipped with their contents.
KEPT: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.DEBTOR: _of(DEBTOR, ADDRESS, CONTACT_PERSON, DELIVERY_ADDRESS)
        | _elements(*ADDRESSES, CONTACT_PERSONS, DELIVERY_ADDRESSES, *(name for part in NAME_PARTS for name in part)),
        Kind.ARTICLE: _of(ARTICLE)
        | _elements(LANGUAGE_TEXTS, LANGUAGE, LANGUAGE_TEXT, EAN_CODES, EAN_CODE, EAN_IS_DEFAULT),
        Kind.RATE: _of(RATE),
        Kind.WAREHOUSE: _of(WAREHOUSE) | _elements(WAREHOUSES, STOCK_OF),
        Kind.ORDER: _of(ORDER, ORDER_LINE) | _elements(ORDER_HEADER, ORDER_LINES, PRICES_IN),
    }
)
