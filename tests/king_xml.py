"""King's XML documents made from the sandbox's records: what a King Job would have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

from msgspec import UNSET, UnsetType

from sandboxes.king import records as king

Content = str | int | Decimal | UnsetType


def element(name: str, content: Content) -> str:
    """Return an element with a text; "" for nothing."""
    return "" if content == "" or content is UNSET else f"<{name}>{escape(str(content))}</{name}>"


def inside(name: str, *contents: str) -> str:
    return f"<{name}>{''.join(contents)}</{name}>"


def document(root: str, group: str, records: Iterable[str], *, encoding: str = "UTF-8") -> bytes:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<{root}><{group}>\n' + "\n".join(records)
    return f"{text}\n</{group}></{root}>\n".encode(encoding)


def debtors(records: Sequence[king.Debtor], **options: str) -> bytes:
    return document("KING_DEBITEUREN", "DEBITEUREN", map(debtor, records), **options)


def articles(records: Iterable[king.Article], **options: str) -> bytes:
    return document("KING_ARTIKELEN", "ARTIKELEN", map(article, records), **options)


def rates(records: Iterable[king.Rate], **options: str) -> bytes:
    return document("KING_TARIEVEN", "TARIEVEN", map(rate, records), **options)


def stock(records: Sequence[king.Warehouse], **options: str) -> bytes:
    """Return a stock of two articles in all warehouses."""
    there = inside("VRD_MAGAZIJNEN", *map(warehouse, records))
    articles = [inside("VOORRAAD", element("VRD_ARTNUMMER", number), there) for number in ("BUIS", "KNIE")]
    return document("KING_VOORRAAD", "VOORRADEN", articles, **options)


def orders(records: Iterable[king.Order], **options: str) -> bytes:
    return document("KING_ORDERS", "ORDERS", map(order, records), **options)


def debtor(record: king.Debtor) -> str:
    return inside(
        "DEBITEUR",
        element("NAW_NUMMER", record.number),
        element("NAW_ZOEKCODE", record.search_code),
        element("NAW_BTWNUMMER", record.vat_number),
        element("NAW_KVKNUMMER", record.chamber_number),
        element("NAW_DEBITEURNUMMERFACTUUR", record.invoice_number),
        element("NAW_BLOKKEERORDERINVOER", str(bool(record.is_blocked)).lower()),
        element("NAW_OPMERKING", record.remark),
        inside(
            "NAW_VESTIGINGADRES",
            element("ADR_NAAM1", record.name),
            element("ADR_NAAM2", record.name2),
            *_place(record),
            element("ADR_EMAIL", record.email),
            element("ADR_TELEFOON", record.phone),
        ),
        inside("NAW_CONTACTPERSONEN", *map(_contact, record.contacts)),
        inside("NAW_VERZENDADRESSEN", *map(_address, record.addresses)),
    )


def _place(record: king.Debtor | king.Address) -> list[str]:
    return [
        element("ADR_STRAAT", record.street),
        element("ADR_HUISNUMMER", record.house_number),
        element("ADR_POSTCODE", record.postal_code),
        element("ADR_WOONPLAATS", record.city),
        element("ADR_LAND", record.country),
    ]


def _contact(record: king.Contact) -> str:
    return inside(
        "NAW_CONTACTPERSOON",
        element("CP_NUMMER", record.number),
        element("CP_VOLLEDIGENAAM", record.name),
        element("CP_TELEFOON", record.phone),
        element("CP_EMAIL", record.email),
    )


def _address(record: king.Address) -> str:
    number, description = element("ADR_NUMMER", record.number), element("ADR_OMSCHRIJVING", record.description)
    return inside("NAW_VERZENDADRES", number, description, *_place(record))


def article(record: king.Article) -> str:
    text = inside(
        "ART_TAALOMSCHRIJVING",
        element("ART_TAALOMSCHRIJVING_TAALCODE", "NL"),
        element("ART_TAALOMSCHRIJVING_TEKST", record.description),
    )
    return inside(
        "ARTIKEL",
        element("ART_NUMMER", record.number),
        element("ART_ZOEKCODE", record.search_code),
        element("ART_OMSCHRIJVING", record.short_description),
        element("ART_OPBRENGSTGROEP", record.revenue_group),
        element("ART_AANTALDECIMALENAANTALLEN", record.decimals),
        element("ART_EENHEID", record.unit),
        element("ART_BTWCODEVERKOOP", record.vat_code),
        element("ART_KOSTPRIJS", f"{record.cost:.3f}"),
        element("ART_VERKOOPPRIJSEXCLBTW", f"{record.price:.3f}"),
        inside("ART_TAALOMSCHRIJVINGEN", text) if record.description else "",
        inside("ART_EANCODES", inside("ART_EANCODE", element("ART_EANCODE_NUMMER", record.ean))) if record.ean else "",
        element("ART_VOORRAADARTIKEL", record.is_stock),
        element("ART_GEBLOKKEERDVOORVERKOOP", str(bool(record.is_blocked)).upper()),
    )


def rate(record: king.Rate) -> str:
    return inside(
        "TARIEF",
        element("TAR_NUMMER", record.number),
        element("TAR_ZOEKCODE", record.search_code),
        element("TAR_OMSCHRIJVING", record.short_description),
        element("TAR_BTWCODEVERKOOP", record.vat_code),
        element("TAR_AANTALDECIMALENAANTALLEN", record.decimals),
        element("TAR_VERKOOPPRIJSEXCLBTW", record.price),
        element("TAR_GEBLOKKEERDVOORVERKOOP", str(bool(record.is_blocked))),
        inside("TAR_PROJECT_GEGEVENS", element("TAR_PROJECT_EENHEID", record.unit)),
    )


def warehouse(record: king.Warehouse) -> str:
    code = element("VRD_MAG_CODE", f"{record.number:03}")
    return inside("VRD_MAGAZIJN", code, element("VRD_MAG_OMSCHRIJVING", record.description))


def order(record: king.Order) -> str:
    header = inside(
        "ORDERKOP",
        element("ORK_ORDERNUMMER", record.number),
        element("ORK_EXTERNORDERNUMMER", record.external),
        element("ORK_DEBITEURNUMMER", record.debtor),
        element("ORK_DEBITEURNUMMERFACTUUR", record.invoice_debtor),
        element("ORK_CONTACTPERSOON", record.contact),
        element("ORK_VERZENDADRESNUMMER", record.address),
        element("ORK_REFERENTIE", record.reference),
        element("ORK_ORDERDATUM", record.order_date),
        element("ORK_LEVERDATUM", record.delivery_date),
        element("ORK_MAGAZIJN", record.warehouse),
        element("ORK_GOEDGEKEURD", record.is_approved),
        element("ORK_VRIJVOORLEVERING", record.is_released),
        element("ORK_OPMERKING", record.remark),
    )
    return inside("ORDER", header, inside("ORDERREGELS", *map(_line, record.lines)))


def _line(record: king.OrderLine) -> str:
    return inside(
        "ORDERREGEL",
        element("ORR_GID", record.line_id),
        element("ORR_REGELNUMMER", record.position),
        element("ORR_SOORT", record.kind),
        element("ORR_ARTIKELNUMMER", record.article),
        element("ORR_OMSCHRIJVING", record.short_description),
        element("ORR_TEKSTOPFACTUUR", record.text),
        element("ORR_AANTALBESTELD", record.ordered),
        element("ORR_AANTALGELEVERD", record.delivered),
        element("ORR_PRIJS", record.price),
        element("ORR_MAGAZIJN", record.warehouse),
        element("ORR_EXTERNORDERREGELNUMMER", record.external),
    )
