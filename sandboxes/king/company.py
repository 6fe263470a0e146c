"""The demo company's King: any number of records, the same for the same seed.

The first records of a kind are the same at any size, so that OutSmart's work orders (made
from the seed alone) find their articles and debtors in a King of 36 articles as in one of 100 000.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import UNSET

from sandboxes import vocabulary as words
from sandboxes.king.records import Address, Article, Contact, Debtor, Order, OrderLine, Rate, Warehouse

FIRST_DEBTOR = 11_001
FIRST_ORDER = 20_250_101
ORDER_COUNT = 10
_FIRST_DAY = datetime.datetime(2025, 1, 6, 8, 0)  # noqa: DTZ001 - Dutch local time, as King writes it
_MINUTES_IN_A_YEAR = 525_600
_LETTERS = "ABCDEGHJKLNPRSTVXZ"


class Company(msgspec.Struct, kw_only=True):
    """The records of one administration in King: numbers, texts and prices."""

    debtors: list[Debtor] = []
    articles: list[Article] = []
    rates: list[Rate] = []
    warehouses: list[Warehouse] = []
    orders: list[Order] = []


def company(*, seed: int = 1, records: int = 300, debtors: int = 40) -> Company:
    """Return the demo company with `records` articles."""
    made = list(make_debtors(seed, debtors))
    articles = list(make_articles(seed, records))
    return Company(
        debtors=made,
        articles=articles,
        rates=make_rates(),
        warehouses=[Warehouse(number=n, description=text, is_default=int(n == 1)) for n, text in words.WAREHOUSES],
        orders=list(_make_orders(seed, made, articles)) if made and articles else [],
    )


def money(cents: int) -> Decimal:
    """Return cents as euros with two decimals."""
    return Decimal(cents).scaleb(-2)


def make_debtors(seed: int, count: int) -> Iterator[Debtor]:
    """Yield debtors: every seventh is invoiced through another, every thirteenth is blocked."""
    chance = random.Random(f"{seed}:debtors")
    for index in range(count):
        yield _debtor(chance, index)


def make_articles(seed: int, count: int) -> Iterator[Article]:
    """Yield articles: first the catalogue, then any number of fittings and pipes; every fiftieth is blocked."""
    chance = random.Random(f"{seed}:articles")
    for index in range(count):
        if index < len(words.CATALOGUE):
            yield _catalogue_article(index, chance)
        else:
            yield _family_article(index, chance)


def make_rates() -> list[Rate]:
    """Return the twelve rates."""
    return [
        Rate(
            number=number,
            search_code=search,
            short_description=text,
            price=money(cents),
            decimals=decimals,
            unit=unit,
            is_blocked=blocked,
            changed="2025-01-06T08:00:00",
        )
        for number, search, text, cents, decimals, unit, blocked in words.RATES
    ]


def _debtor(chance: random.Random, index: int) -> Debtor:
    number = FIRST_DEBTOR + index
    family = chance.choice(words.FAMILY_NAMES)
    pattern = words.CUSTOMERS[index % len(words.CUSTOMERS)]
    street, house_number, postal_code, city = _street(chance)
    host = f"klant{number}.example"
    return Debtor(
        number=number,
        search_code=family.replace(" ", "").upper()[:10],
        name=pattern.replace("[]", chance.choice(words.GROWING)).format(family)[:40],
        street="" if index % 17 == 9 else street,
        house_number="" if index % 17 == 9 else house_number,
        postal_code=postal_code,
        city=city,
        phone=f"0318{chance.randrange(100_000, 999_999)}",
        email="" if index % 8 == 5 else f"info@{host}",
        vat_number=f"NL{chance.randrange(10**8, 10**9)}B01" if "{} B.V." in pattern else "",
        chamber_number=str(chance.randrange(10**7, 10**8)) if "Fam." not in pattern else "",
        invoice_number=FIRST_DEBTOR if index % 7 == 6 else UNSET,
        is_blocked=int(index % 13 == 12),
        remark="Eerst bellen." if index % 5 == 3 else "",
        contacts=[_contact(chance, number, host) for number in range(1, index % 4 + 1)],
        addresses=[_address(chance, number) for number in range(1, index % 3 + 1)],
        changed=_moment(chance),
    )


def _contact(chance: random.Random, number: int, host: str) -> Contact:
    name = f"{chance.choice(words.FIRST_LETTERS)}. {chance.choice(words.FAMILY_NAMES)}"
    phone = f"06{chance.randrange(10_000_000, 99_999_999)}"
    return Contact(number=number, name=name, phone=phone, email=f"contact{number}@{host}")


def _address(chance: random.Random, number: int) -> Address:
    street, house_number, postal_code, city = _street(chance)
    return Address(
        number=number,
        description=chance.choice(words.PLACES),
        street=street,
        house_number=house_number,
        postal_code=postal_code,
        city=city,
    )


def _street(chance: random.Random) -> tuple[str, str, str, str]:
    city, digits = chance.choice(words.TOWNS)
    letters = chance.choice(_LETTERS) + chance.choice(_LETTERS)
    house_number = f"{chance.randrange(1, 180)}{chance.choice(('', '', '', 'a', '-2'))}"
    return chance.choice(words.STREETS), house_number, f"{digits + chance.randrange(8)} {letters}", city


def _catalogue_article(index: int, chance: random.Random) -> Article:
    number, text, unit, price, cost, decimals, is_stock = words.CATALOGUE[index]
    return Article(
        number=number,
        search_code=number,
        short_description=text,
        description=f"{text}. Artikel uit het assortiment van Installatiebedrijf De Veluwe.",
        unit=unit,
        price=money(price),
        cost=money(cost),
        revenue_group=8000 if is_stock else 8100,
        decimals=decimals,
        is_stock=is_stock,
        is_blocked=int(number in words.BLOCKED_ARTICLES),
        ean=_ean(index) if is_stock else "",
        changed=_moment(chance),
    )


def _family_article(index: int, chance: random.Random) -> Article:
    prefix, text, unit, decimals = words.FAMILIES[index % len(words.FAMILIES)]
    cents = 45 + int(chance.random() * 18_000)
    size = 8 + index % 153
    return Article(
        number=f"{prefix}-{index:06d}",
        search_code=f"{prefix}{size}",
        short_description=f"{text} {size} mm",
        description=f"{text} {size} mm, uitvoering {index % 9 + 1}",
        unit=unit,
        price=money(cents),
        cost=money(cents * 6 // 10),
        revenue_group=8000 + index % 12,
        decimals=decimals,
        is_blocked=int(index % 50 == 49),
        ean=_ean(index) if index % 3 else "",
        changed=_moment(chance),
    )


def _ean(index: int) -> str:
    digits = f"871{index:09d}"
    odd = sum(map(int, digits[::2]))
    even = sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def _moment(chance: random.Random) -> str:
    return (_FIRST_DAY + datetime.timedelta(minutes=int(chance.random() * _MINUTES_IN_A_YEAR))).isoformat()


def _make_orders(seed: int, debtors: list[Debtor], articles: list[Article]) -> Iterator[Order]:
    """Yield open orders of King's own staff for the first debtors that may order."""
    chance = random.Random(f"{seed}:orders")
    free = [debtor for debtor in debtors if not debtor.is_blocked][:ORDER_COUNT]
    sold = [article for article in articles[: len(words.CATALOGUE)] if not article.is_blocked]
    for index, debtor in enumerate(free):
        yield _order(index, debtor, sold, chance)


def _order(index: int, debtor: Debtor, sold: list[Article], chance: random.Random) -> Order:
    day = (_FIRST_DAY + datetime.timedelta(days=300 + index)).date().isoformat()
    lines = [
        _line(position, chance.choice(sold), chance.randrange(1, 5), FIRST_ORDER + index)
        for position in range(1, index % 3 + 2)
    ]
    return Order(
        number=FIRST_ORDER + index,
        debtor=debtor.number,
        invoice_debtor=debtor.number if debtor.invoice_number is UNSET else debtor.invoice_number,
        contact=1 if debtor.contacts else UNSET,
        address=1 if debtor.addresses else UNSET,
        reference=f"Offerte {2025_300 + index}",
        order_date=day,
        delivery_date=day,
        warehouse=1,
        pick_list="NIET" if index % 2 else "WEL",
        changed=f"{day}T09:30:00",
        lines=lines,
    )


def _line(position: int, article: Article, quantity: int, order_number: int) -> OrderLine:
    return OrderLine(
        line_id=order_number % 1_000 * 100 + position,
        position=position,
        kind="ART",
        article=article.number,
        short_description=article.short_description,
        ordered=Decimal(quantity),
        delivered=Decimal(0),
        price=article.price,
        warehouse=1,
    )
