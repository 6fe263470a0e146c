"""What goes into the rules (settings, King as it is) and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

Row = dict[str, object]

# King's own bounds, as its webservices state them.
LARGEST = Decimal("9999999999.999")
STORED_DECIMALS = 3
LONGEST_TEXT = 32_000
LONGEST_REFERENCE = 40
# What King fills in where no warehouse is sent.
KINGS_WAREHOUSE = 1


@dataclass(frozen=True)
class Settings:
    """The section `exports` of the tenant file, with its defaults."""

    orders: bool = True
    work_order_status: str = "1"
    default_warehouse: str = "1"
    hour_rounding: int = 15
    work_description: bool = True
    create_new_order: bool = True
    approve_order: bool = False
    order_line_sequence: str = "materials_hours_text"
    assign_relation: str = "invoice"
    extra_text_lines: tuple[str, ...] = ("Werkbon {order_number}", "", "", "")
    interim_updates: bool = False
    order_update_status: str = ""
    create_interim_order: bool = False
    incomplete_orders: str = "send_rest"
    free_line_article: str = ""
    send_prices: bool = False
    success_status: str = ""
    failure_status: str = ""
    from_date: str | None = None
    order_of_other_customer: str = "hold"
    review: tuple[str, ...] = ()
    travel_article: str = ""


@dataclass(frozen=True)
class Debtor:
    number: str
    name: str
    is_blocked: bool = False


@dataclass(frozen=True)
class Item:
    """An article or a rate."""

    number: str
    price: Decimal
    decimals: int
    is_blocked: bool = False
    ean: str = ""


@dataclass(frozen=True)
class KingOrder:
    """An order that was in King before us."""

    number: str
    debtor: str
    is_open: bool = True


@dataclass(frozen=True)
class World:
    """King as it is at the moment of an export."""

    debtors: dict[str, Debtor]
    articles: dict[str, Item]
    rates: dict[str, Item]
    warehouses: frozenset[int]
    orders: dict[str, KingOrder]

    def article(self, code: str) -> Item | None:
        """Return the article of this number, else the one with this EAN code."""
        by_ean = (one for one in self.articles.values() if code and one.ean == code)
        return self.articles.get(code) or next(by_ean, None)


@dataclass(frozen=True)
class Line:
    """A line as King shows it."""

    kind: str  # ART, TAR, TEKST
    article: str = ""
    text: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    warehouse: int | None = None

    @property
    def is_credit(self) -> bool:
        return self.quantity is not None and self.quantity < 0


@dataclass(frozen=True)
class Sent:
    """`review` holds what a person may want to see of it first."""

    line: Line
    minutes: int = 0
    review: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LeftOut:
    """A quantity or a time of zero, an empty text."""


@dataclass(frozen=True)
class Refused:
    """`why` holds every kind of reason that applies to the line. `minutes` as far as they are known."""

    why: frozenset[str]
    minutes: int = 0


Outcome = Sent | LeftOut | Refused


@dataclass(frozen=True)
class Header:
    """The header of an order that we make; dates "" where King fills in its own."""

    debtor: str
    external: str
    reference: str
    order_date: str
    delivery_date: str


@dataclass(frozen=True)
class Expected:
    """What the contract says of one work order. `state` None: never seen at a trigger.

    `king_order` is the linked order, "" for one of our own; `header` is None where no order is made. `lines` are those
    that came from the work order, in King's sequence; nothing is sent where `is_sent` is false. `sent_kin` and
    `refused_kin` identify its rows even after something else about them changed.

    For a second export: `kept` is how many lines of rows that are refused now stay in King from before, at least and at
    most; `is_other`: there are rows of other kin; `is_moved`: rows may have moved, and their lines need not follow.
    """

    state: str | None
    work_status: str
    is_confirmed: bool = False
    is_sent: bool = False
    is_approved: bool = False
    king_order: str = ""
    header: Header | None = None
    lines: tuple[Line, ...] = ()
    reasons: frozenset[str] = frozenset()
    refused: tuple[tuple[str, frozenset[str]], ...] = ()
    features: frozenset[str] = field(default=frozenset(), compare=False)
    sent_kin: tuple[str, ...] = ()
    refused_kin: tuple[str, ...] = ()
    kept: tuple[int, int] = (0, 0)
    is_other: bool = False
    is_moved: bool = False
