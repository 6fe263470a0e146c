"""King's names for operations and fields: the ONE table.

Reading and most of the order operations are assumed (king.md, chapter 2): if a real manual differs, only this file
changes. Left is our field, right is King's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from integrations.king.records import Kind

TEST = "Webservice_Test"
CREATE_ORDER = "Order_Toevoegen"
UPDATE_ORDER = "Order_Wijzigen"
ADD_LINE = "Order_OrderRegel_Toevoegen"
CHANGE_LINE = "Order_OrderRegel_Wijzigen"
REMOVE_LINE = "Order_OrderRegel_Verwijderen"
RELEASE_LOCK = "Order_LockVrijgeven"

READ: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.DEBTOR: "Debiteuren_Opvragen",
        Kind.ARTICLE: "Artikelen_Opvragen",
        Kind.RATE: "Tarieven_Opvragen",
        Kind.WAREHOUSE: "Magazijnen_Opvragen",
        Kind.ORDER: "Orders_Opvragen",
    }
)
ENTITY: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.DEBTOR: "Debiteuren",
        Kind.ARTICLE: "Artikelen",
        Kind.RATE: "Tarieven",
        Kind.WAREHOUSE: "Magazijnen",
        Kind.ORDER: "Orders",
    }
)
# Every operation that may have its own access code.
OPERATIONS = frozenset(
    {TEST, CREATE_ORDER, UPDATE_ORDER, ADD_LINE, CHANGE_LINE, REMOVE_LINE, RELEASE_LOCK, *READ.values()}
)

# Request headers.
ACCESS_CODE_HEADER = "ACCESS-TOKEN"
SQL_TIMEOUT_HEADER = "SQL-TIMEOUT"

# Fields that any call or answer may hold.
RETURN_AN_ERROR = "GeefFoutTerug"
AFTER = "VanafNummer"
SIZE = "MaxAantal"
CHANGED_SINCE = "GewijzigdVanaf"
NEXT_AFTER = "VolgendeVanaf"
STATUS = "Status"
REFUSAL_CODE = "FoutCode"
REFUSAL_WORDS = "FoutMelding"

# Names shared by calls, answers and records.
ORDER_NUMBER = "OrderNummer"
EXTERNAL_NUMBER = "ExternOrderNummer"
LINE_ID = "RegelID"
APPROVED = "Goedgekeurd"
RELEASED = "VrijVoorLevering"
PICK_LIST = "Verzamellijst"
ON_PICK_LIST = "WEL"
NOT_ON_PICK_LIST = "NIET"

_PLACE = {
    "street": "Straat",
    "house_number": "HuisNummer",
    "postal_code": "PostCode",
    "city": "Woonplaats",
    "country": "Land",
}
CONTACT_PERSON: Mapping[str, str] = MappingProxyType(
    {"number": "Nummer", "name": "Naam", "phone": "Telefoon", "email": "Email"}
)
DELIVERY_ADDRESS: Mapping[str, str] = MappingProxyType({"number": "Nummer", "description": "Omschrijving", **_PLACE})
DEBTOR: Mapping[str, str] = MappingProxyType(
    {
        "number": "DebiteurNummer",
        "search_code": "ZoekCode",
        "name": "Naam1",
        "name2": "Naam2",
        **_PLACE,
        "phone": "Telefoon",
        "email": "Email",
        "vat_number": "BtwNummer",
        "chamber_number": "KvkNummer",
        "invoice_debtor_number": "DebiteurNummerFactuur",
        "is_blocked": "BlokkeerOrderInvoer",
        "remark": "Opmerking",
        "contact_persons": "ContactPersonen",
        "delivery_addresses": "VerzendAdressen",
    }
)
ARTICLE: Mapping[str, str] = MappingProxyType(
    {
        "number": "ArtikelNummer",
        "search_code": "ZoekCode",
        "short_description": "OmschrijvingKort",
        "description": "Omschrijving",
        "unit": "Eenheid",
        "sales_price": "VerkoopPrijsExclBtw",
        "price_with_vat": "VerkoopPrijsInclBtw",
        "cost_price": "KostPrijs",
        "vat_code": "BtwCode",
        "revenue_group": "OpbrengstGroepNummer",
        "decimals": "AantalDecimalen",
        "is_blocked": "GeblokkeerdVoorVerkoop",
        "ean_code": "EanCode",
    }
)
RATE: Mapping[str, str] = MappingProxyType(
    {
        "number": "TariefNummer",
        "search_code": "ZoekCode",
        "description": "OmschrijvingKort",
        "price": "PrijsExclBtw",
        "vat_code": "BtwCode",
        "unit": "Eenheid",
        "decimals": "AantalDecimalen",
        "is_blocked": "GeblokkeerdVoorVerkoop",
    }
)
WAREHOUSE: Mapping[str, str] = MappingProxyType(
    {"number": "MagazijnCode", "description": "Omschrijving", "is_default": "IsDefault"}
)
ORDER_LINE: Mapping[str, str] = MappingProxyType(
    {
        "line_id": LINE_ID,
        "position": "RegelNummer",
        "kind": "RegelSoort",
        "article_number": "ArtikelNummer",
        "description": "OmschrijvingKort",
        "text": "TekstOpFactuur",
        "quantity": "AantalBesteld",
        "delivered": "AantalGeleverd",
        "to_deliver": "AantalDezeLevering",
        "to_invoice": "AantalDezeFacturering",
        "price": "Prijs",
        "warehouse": "Magazijn",
        "reference": "ExternOrderRegelNummer",
    }
)
ORDER: Mapping[str, str] = MappingProxyType(
    {
        "number": ORDER_NUMBER,
        "external_number": EXTERNAL_NUMBER,
        "debtor_number": "DebiteurNummer",
        "invoice_debtor_number": "DebiteurNummerFactuur",
        "contact_person_number": "ContactPersoonNummer",
        "delivery_address_number": "VerzendAdresNummer",
        "reference": "Referentie",
        "order_date": "OrderDatum",
        "delivery_date": "LeverDatum",
        "warehouse": "Magazijn",
        "is_approved": APPROVED,
        "is_released": RELEASED,
        "remark": "Opmerking",
        "lines": "OrderRegels",
    }
)
_TABLES = {Kind.DEBTOR: DEBTOR, Kind.ARTICLE: ARTICLE, Kind.RATE: RATE, Kind.WAREHOUSE: WAREHOUSE, Kind.ORDER: ORDER}
NUMBER: Mapping[Kind, str] = MappingProxyType({kind: table["number"] for kind, table in _TABLES.items()})
