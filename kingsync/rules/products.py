"""King article → OutSmart material."""

from __future__ import annotations

from decimal import Decimal

from integrations import notation
from integrations.king.records import Article
from integrations.outsmart import records as outsmart
from kingsync.rules.mapping import Products
from kingsync.rules.records import Answer, Row, impossible, one_line, skipped

NO_UNIT = "ST"  # OutSmart takes no material without a unit


def from_article(article: Article, choices: Products) -> list[Answer]:
    number = article.number
    if choices.revenue_groups and article.revenue_group not in choices.revenue_groups:
        return [skipped("product", number, "other_revenue_group")]
    if article.is_blocked and choices.inactive != "import":
        code = "skipped_inactive" if choices.inactive == "skip" else "cannot_deactivate_product"
        return [skipped("product", number, code)]
    description = article.description.strip() or one_line(article.short_description) or article.search_code.strip()
    if not description:
        return [impossible("product", number, "description")]
    payload = outsmart.Product(
        code=number,
        description=description,
        price=notation.write_decimal(_price(article, choices)),
        unit=article.unit.strip() or NO_UNIT,
        eancode=article.ean_code,
        vat_code=article.vat_code,
    )
    return [Row(kind="product", king_id=number, outsmart_id=number, payload=payload)]


def _price(article: Article, choices: Products) -> Decimal:
    prices = {"sales": article.sales_price, "cost": article.cost_price, "none": None}
    return prices[choices.price] or Decimal(0)
