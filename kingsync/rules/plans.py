"""The values that the order rules use: what should be in King, and why something should not."""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal

import msgspec

from integrations.king.records import LineKind, OrderLine
from kingsync.rules.outcomes import Reason


class Source(enum.StrEnum):
    """The part of the work order that a line comes from."""

    MATERIAL = "material"
    HOURS = "hours"
    TRAVEL = "travel"
    TEXT = "text"


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of a King line. Warehouses are canonical (no leading zeros); None = King decides."""

    kind: LineKind
    article: str = ""
    text: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    warehouse: str = ""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the work order that a line represents. `key` stays the same when its quantity changes.

    `row` is the fingerprint of the row itself, which changes with every field that decides the line; "" for a text.
    """

    source: Source
    key: str
    label: str
    row: str = ""


class PlannedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that should be in King under our `reference`.

    `is_price_kings`: we send prices and this row has none, so that a price sent before must give way to King's own.
    """

    origin: Origin
    reference: str
    content: Content
    is_price_kings: bool = False
    registered_minutes: int | None = None
    rounded_minutes: int | None = None


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a planned line beyond what King is sent. Prices exclude VAT; None = unknown.

    `is_free`: its row has no article code.
    """

    is_warranty: bool = False
    is_free: bool = False
    king_price: Decimal | None = None
    outsmart_price: Decimal | None = None


class DroppedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is refused (to be repaired) or deliberately left out, with the reason."""

    origin: Origin
    reference: str
    reason: Reason
    is_refused: bool
    registered_minutes: int | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header of a new King order."""

    debtor_number: str
    external_number: str
    reference: str
    order_date: datetime.date | None
    delivery_date: datetime.date | None
    is_approved_at_once: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The King order that a work order should become. `rejects` and `holds` stop it; all reasons are listed.

    `facts` are those of the lines that are no text, by reference.
    """

    header: Header
    lines: tuple[PlannedLine, ...]
    dropped: tuple[DroppedLine, ...]
    rejects: tuple[Reason, ...] = ()
    holds: tuple[Reason, ...] = ()
    facts: dict[str, LineFacts] = {}

    @property
    def refused(self) -> tuple[DroppedLine, ...]:
        return tuple(line for line in self.dropped if line.is_refused)

    @property
    def is_complete(self) -> bool:
        return not self.refused

    @property
    def has_credit(self) -> bool:
        return any(line.content.quantity is not None and line.content.quantity < 0 for line in self.lines)


class SavedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line saved by earlier runs. `sent` is None when it never reached King.

    `attempted` is what a call whose answer was lost may have written. `as_read` is King's line right after our last
    write: any difference from it is the work of King's staff. None = it was not read. `is_imported`: it was King's
    before it was ours, so it is changed but never removed. `row` is the fingerprint of its row in the work order when
    last looked at, "" = unknown. `choices`: see `kingsync.rules.conflicts`.
    """

    reference: str
    key: str
    row: str = ""
    sent: Content | None = None
    attempted: Content | None = None
    as_read: OrderLine | None = None
    king_line_id: str = ""
    is_imported: bool = False
    choices: dict[str, str] = {}


class ArticleData(msgspec.Struct, frozen=True, kw_only=True):
    """What King says about an article, rate or debtor. None = unknown; only debtors have a `name`."""

    number: str
    name: str = ""
    decimals: int | None = None
    is_blocked: bool = False
    price: Decimal | None = None


class RelevantMasterData(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of King's master data, by the codes in the work order.

    A value of None = King does not know it (its own answer). An absent key = nothing is known, and King's answer to the
    write decides. `warehouses` None = unknown.
    """

    articles: dict[str, ArticleData | None] = {}
    rates: dict[str, ArticleData | None] = {}
    debtors: dict[str, ArticleData | None] = {}
    warehouses: frozenset[str] | None = None
