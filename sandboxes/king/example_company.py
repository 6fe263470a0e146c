"""The King records that the example answer of OutSmart (three work orders) refers to."""

from __future__ import annotations

from decimal import Decimal

from sandboxes.king.company import Company, make_rates
from sandboxes.king.records import Address, Article, Contact, Debtor, Order, OrderLine, Warehouse

_CHANGED = "2025-10-20T10:15:00"


def example_company() -> Company:
    """Return that company: four debtors, seven articles, four rates, two warehouses, two open orders."""
    rates = [rate for rate in make_rates() if rate.number in {"MONT", "MONT150", "REIS", "STORING"}]
    return Company(
        debtors=_debtors(),
        articles=_articles(),
        rates=rates,
        warehouses=[
            Warehouse(number=1, description="Magazijn Ede", is_default=1),
            Warehouse(number=2, description="Magazijn Arnhem"),
        ],
        orders=_orders(),
    )


def _debtors() -> list[Debtor]:
    return [
        Debtor(
            number=10020,
            search_code="VELUWEZOOM",
            name="Stichting Zorggroep Veluwezoom",
            street="Stationsplein",
            house_number="3",
            postal_code="6811 KG",
            city="Arnhem",
            phone="0265550140",
            email="crediteuren@veluwezoom.example",
            contacts=[Contact(number=1, name="B. Oosting", phone="0265550141", email="b.oosting@veluwezoom.example")],
            changed=_CHANGED,
        ),
        Debtor(
            number=10023,
            search_code="DELINDE",
            name="Zorgcentrum De Linde",
            street="Lindelaan",
            house_number="14-16",
            postal_code="6712 KL",
            city="Ede",
            phone="0318555012",
            email="techniek@delinde.example",
            invoice_number=10020,
            contacts=[Contact(number=1, name="F. Wiersma", phone="0318555012", email="f.wiersma@delinde.example")],
            addresses=[
                Address(number=1, description="Hoofdingang", street="Lindelaan", house_number="14", city="Ede"),
                Address(number=2, description="Ketelhuis", street="Lindelaan", house_number="14-16", city="Ede"),
            ],
            changed=_CHANGED,
        ),
        Debtor(
            number=10311,
            search_code="JONGSMA",
            name="Bakkerij Jongsma",
            street="Oude Markt",
            house_number="7a",
            postal_code="8701 AB",
            city="Bolsward",
            phone="0515555230",
            email="info@bakkerij-jongsma.example",
            changed=_CHANGED,
        ),
        Debtor(
            number=10488,
            search_code="VDMEULEN",
            name="Van der Meulen Vastgoed B.V.",
            street="Postbus 2210",
            postal_code="3000 CE",
            city="Rotterdam",
            email="facturen@vdmvastgoed.example",
            addresses=[Address(number=1, description="Havenkade", street="Havenkade", city="Rotterdam")],
            changed=_CHANGED,
        ),
    ]


def _articles() -> list[Article]:
    return [
        _article("EXP-035", "Expansievat 35 liter", "ST", "94.00"),
        _article("PAK-ONTL", 'Automatische ontluchter 1/2"', "ST", "11.95"),
        _article("BUIS-22", "Stalen buis 22 mm", "M", "6.40", decimals=1),
        _article("REL-CMP-230", "Compressorrelais 230 V", "ST", "46.20"),
        _article("VOORRIJ", "Voorrijkosten storingsdienst", "ST", "65.00", is_stock=0),
        _article("WTW-350", "WTW-unit 350 m3/h", "ST", "1249.00"),
        _article("SLANG-160", "Flexibele slang 160 mm", "M", "4.95", decimals=1),
    ]


def _article(number: str, text: str, unit: str, price: str, *, decimals: int = 0, is_stock: int = 1) -> Article:
    return Article(
        number=number,
        search_code=number,
        short_description=text,
        description=text,
        unit=unit,
        price=Decimal(price),
        cost=(Decimal(price) * Decimal("0.6")).quantize(Decimal("0.01")),
        decimals=decimals,
        is_stock=is_stock,
        changed=_CHANGED,
    )


def _orders() -> list[Order]:
    return [
        _order(20251184, 10020, "Onderhoudscontract 2025", [_staff_line(118401, 1, "PAK-ONTL", "11.95"), _contract()]),
        _order(20251201, 10488, "Levering en montage", [_staff_line(120101, 1, "WTW-350", "1249.00")]),
    ]


def _order(number: int, debtor: int, reference: str, lines: list[OrderLine]) -> Order:
    return Order(
        number=number,
        debtor=debtor,
        invoice_debtor=debtor,
        reference=reference,
        order_date="2025-10-20",
        delivery_date="2025-11-10",
        warehouse=1,
        changed=_CHANGED,
        lines=lines,
    )


def _staff_line(line_id: int, position: int, article: str, price: str) -> OrderLine:
    return OrderLine(
        line_id=line_id,
        position=position,
        kind="ART",
        article=article,
        short_description=next(one.short_description for one in _articles() if one.number == article),
        ordered=Decimal(1),
        delivered=Decimal(0),
        price=Decimal(price),
        warehouse=1,
    )


def _contract() -> OrderLine:
    return OrderLine(line_id=118402, position=2, kind="TEKST", text="Onderhoud volgens contract OC-2023-055")
