"""King article → OutSmart material."""

from __future__ import annotations

import functools
from decimal import Decimal

from integrations import notation
from integrations.king.records import Article
from integrations.outsmart import records as outsmart
from kingsync.rules.imports.records import Answer, Row, checked, label, one_line, refused, skipped
from kingsync.rules.mapping import Products
from kingsync.rules.outcomes import reason

NO_UNIT = "ST"  # OutSmart requires a unit for a material
_word = functools.lru_cache(maxsize=1_000)(one_line)  # a handful of units and VAT codes, in every article


def from_article(article: Article, choices: Products) -> list[Answer]:
    number = article.number
    description = article.description.strip() or one_line(article.short_description) or one_line(article.search_code)
    name = label(article.short_description) or label(description)
    if choices.revenue_groups and not _is_chosen(article.revenue_group, choices):
        return [skipped("product", number, "other_revenue_group", name=name)]
    if article.is_blocked and choices.inactive != "import":
        code = "skipped_inactive" if choices.inactive == "skip" else "cannot_deactivate_product"
        return [skipped("product", number, code, name=name)]
    if choices.price == "sales" and article.sales_price is None and article.price_with_vat is not None:
        # Better no product than a free one, and better the previous price than none.
        return [refused("product", number, reason("price_with_vat_only"), name=name)]
    payload = outsmart.Product(
        code=number,
        description=description,
        price=notation.write_decimal(_price(article, choices)),
        unit=_word(article.unit) or NO_UNIT,
        eancode=one_line(article.ean_code),
        vat_code=_word(article.vat_code),
    )
    return [checked(Row(kind="product", king_id=number, outsmart_id=number, payload=payload, name=name))]


def _is_chosen(group: str, choices: Products) -> bool:
    """Return True for a group chosen in the settings; King's groups are numbers, 0800 and 800 are the same."""
    return notation.canonical_number(group.strip()) in {
        notation.canonical_number(chosen.strip()) for chosen in choices.revenue_groups
    }


def _price(article: Article, choices: Products) -> Decimal:
    prices = {"sales": article.sales_price, "cost": article.cost_price, "none": None}
    return prices[choices.price] or Decimal(0)
