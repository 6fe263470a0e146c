"""What a work order comes to, excluding VAT: quantity times price, as far as prices are known."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from integrations import notation
from integrations.king import limits
from integrations.outsmart.records import Material
from kingsync.rules.plans import Content, LineFacts, Plan

CENT = Decimal("0.01")
# Decimals of a price that the ledger can hold.
PRICE_DECIMALS = 6


class PriceOf(enum.StrEnum):
    """Whose price an amount is calculated with."""

    SENT = "sent"
    KING = "king"  # the price list: what this customer pays may differ
    OUTSMART = "outsmart"
    NOBODY = ""


class Price(msgspec.Struct, frozen=True):
    value: Decimal | None = None
    of: PriceOf = PriceOf.NOBODY


class Total(msgspec.Struct, frozen=True):
    """A sum; None when no price is known. `is_least`: some lines are missing from it."""

    amount: Decimal | None
    is_least: bool


def price_in_outsmart(material: Material) -> Decimal | None:
    """Return the price of a material in OutSmart; None for zero too, which stands for no price there."""
    try:
        price = notation.parse_decimal(material.price)
    except ValueError:
        return None
    if price is None or not 0 < price <= limits.LARGEST_NUMBER:
        return None
    return price if price == round(price, PRICE_DECIMALS) else None


def price_of(content: Content, facts: LineFacts) -> Price:
    """Return the price that counts for a line: as sent, else King's, else OutSmart's."""
    if content.price is not None:
        return Price(content.price, PriceOf.SENT)
    if facts.king_price is not None:
        return Price(facts.king_price, PriceOf.KING)
    if facts.outsmart_price is not None:
        return Price(facts.outsmart_price, PriceOf.OUTSMART)
    return Price()


def of_line(quantity: Decimal | None, price: Decimal | None) -> Decimal | None:
    """Return the amount of a line in cents, half up."""
    return None if quantity is None or price is None else (quantity * price).quantize(CENT, ROUND_HALF_UP)


def total(plan: Plan) -> Total:
    """Return what the lines of a plan come to; a refused line makes it the least."""
    lines = [line for line in plan.lines if line.content.quantity is not None]
    prices = [price_of(line.content, plan.facts.get(line.reference, LineFacts())).value for line in lines]
    found = [of_line(line.content.quantity, price) for line, price in zip(lines, prices, strict=True)]
    return summed(found, is_least=not plan.is_complete)


def summed(found: Iterable[Decimal | None], *, is_least: bool = False) -> Total:
    """Return the sum of amounts, some of which may be unknown."""
    found = list(found)
    known = [each for each in found if each is not None]
    amount = sum(known, Decimal(0)) if known else None
    return Total(amount, amount is not None and (is_least or len(known) < len(found)))
