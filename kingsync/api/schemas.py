"""The shapes of the API's answers and requests, for the OpenAPI document; their contents are those of the commands."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from kingsync.api import invalid
from kingsync.models import import_kinds
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.work_orders import LedgerState
from kingsync.rules import limits
from kingsync.rules.storable import is_storable

LONGEST_PAGE, USUAL_PAGE = 500, 100
WORK_ORDERS_AT_ONCE = 100


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("a character that cannot be stored")
    return text


Text = Annotated[str, Field(min_length=1, max_length=limits.CODE), AfterValidator(_storable)]


class ErrorDetail(Schema):
    code: str = Field(description="For programs: it does not change within a version.")
    message: str = Field(description="For people, in the language of Accept-Language.")
    run: int | None = Field(None, description="Of `other_run_in_progress`: the run to wait for.")


class Error(Schema):
    error: ErrorDetail


class Problem(Schema):
    """One value of a request that is not right."""

    where: Literal["body", "query", "path", "header"]
    field: str = Field(description="Its name, such as `work_orders[3]`; empty for the whole body.")
    kind: Literal[tuple(invalid.KINDS)] = Field(description="For programs.")  # type: ignore[valid-type]
    message: str = Field(description="What to send instead, in the language of Accept-Language.")


class InvalidDetail(Schema):
    code: Literal["invalid", "key_reused"]
    message: str = Field(description="The first problem, for people.")
    problems: list[Problem] = Field(
        default_factory=list, description="Of `invalid`: each value that is not right, at most 20."
    )


class Invalid(Schema):
    error: InvalidDetail


class Line(Schema):
    kind: str
    source: str
    king_line_id: str | None
    state: str
    reason: str


class Difference(Schema):
    kind: str
    source: str
    article: str | None
    text: str | None
    quantity: str | None
    amount: str | None


class WorkOrder(Schema):
    """As `ledger --json` has it."""

    outsmart_id: str
    order_number: str
    administration: str
    king_order_number: str | None
    king_order_numbers: list[str]
    state: LedgerState
    reason: str
    attempts: int
    since: str | None
    last_checked: str | None
    notice: str
    lines: list[Line]
    difference: list[Difference]


class WorkOrders(Schema):
    items: list[WorkOrder]
    next: str | None = Field(description="The `cursor` of the next page; null on the last one.")


class Counts(Schema):
    read: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    rejected: int
    uncertain: int
    failed: int
    deactivated: int


class Run(Schema):
    """As `sync --json` has it, and how far it is."""

    run: int
    kind: RunKind
    state: RunStatus
    counts: Counts
    new_problems: int
    error: str | None
    number: int
    started_by: SyncRun.Trigger
    dry_run: bool
    asks: str | None = Field(description="Why an export became a preview: start it again with `confirmed`.")
    queued_at: str | None
    started_at: str | None
    finished_at: str | None


class Runs(Schema):
    items: list[Run]
    next: str | None = Field(description="The `cursor` of the next page; null on the last one.")


class Started(Schema):
    run: Run
    joined: bool = Field(description="True if a run was in progress that does what was asked.")


class Cause(Schema):
    """As `ledger --causes --json` has it; `work_orders` are the newest."""

    key: str
    reason: str
    count: int
    work_orders: list[str]


class Causes(Schema):
    items: list[Cause]


class Month(Schema):
    """Work orders by the day on which the work was finished, as the page of figures counts them."""

    month: str
    total: int
    in_king: int
    open: int
    excluded: int
    amount: Decimal | None = Field(description="Excluding VAT, of what is in King; null if no price is known.")
    amount_is_least: bool = Field(description="True if the prices of some lines are unknown.")


class Figures(Schema):
    months: list[Month]
    undated: int
    counted_at: datetime.datetime


class StateSum(Schema):
    state: LedgerState
    count: int
    amount: Decimal | None
    amount_is_least: bool


class SignedVersion(Schema):
    version: int
    is_preliminary: bool = Field(description="True if it was signed before the month was over.")
    signed_at: str
    signed_by: str
    work_orders: int
    open: int
    digest: str


class Statement(Schema):
    """As the page of the month has it; `changed` counts work orders that changed since the newest version."""

    month: str
    total: int
    in_king: int
    open: int
    undated: int
    states: list[StateSum]
    versions: list[SignedVersion]
    changed: int


class Request(Schema):
    """A body: a key that is not known is a mistake, not something to ignore."""

    model_config = ConfigDict(extra="forbid")


class ExportRequest(Request):
    dry_run: bool = Field(False, description="Calculate everything, write nothing.")
    work_orders: list[Text] = Field(
        default_factory=list, max_length=WORK_ORDERS_AT_ONCE, description="OutSmart's row ids; empty: all."
    )
    confirmed: bool = Field(False, description="Send all, also if it is the first export or far more than usual.")


class ImportRequest(Request):
    dry_run: bool = Field(False, description="Calculate everything, write nothing.")
    kinds: list[Literal[tuple(import_kinds.SHOWN)]] = Field(  # type: ignore[valid-type]
        default_factory=list, description="Empty: those that are switched on."
    )
    full: bool = Field(False, description="Read everything, not only changes.")


class Page(Schema):
    """What every list takes."""

    cursor: str | None = Field(None, max_length=18, pattern=r"^\d+$", description="`next` of the page before.")
    limit: int = Field(USUAL_PAGE, ge=1, le=LONGEST_PAGE)


class WorkOrderFilter(Page):
    state: LedgerState | None = None
    state_changed_since: AwareDatetime | None = Field(
        None, description="Whose state changed at this moment or after it; a change of anything else does not count."
    )
    changed_since: AwareDatetime | None = Field(
        None, description="The former name of `state_changed_since`.", json_schema_extra={"deprecated": True}
    )
    administration: Text | None = Field(None, description="A King administration; without it the present one.")


class RunFilter(Page):
    kind: RunKind | None = None
    state: RunStatus | None = None
    since: AwareDatetime | None = Field(None, description="Requested at this moment or after it.")
