"""King's names in its XML export files (king-facts.md, sections 2.3, 2.4 and 3.3): the ONE table of that format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
