"""What stops work orders, one entry per cause: an article that King does not know is one thing to repair, not fifty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Sum, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kingsync.messages.reason_texts import sentence
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import review
from kingsync.rules.outcomes import reason
from kingsync.runs.refusals import RefusedError

LISTED = 12
# Finding causes means reading reasons: for this many work orders that takes no noticeable time.
OF_NEWEST = 2_000

# The values that identify the cause, by code; the others vary between work orders. A code not listed here is identified
# by all its values except the line's name.
_NAMED_BY: dict[str, tuple[str, ...]] = {
    "no_warehouse": (),
    "number_too_long": (),
    "before_from_date": (),
    "several_orders": (),
    "line_conflict": (),
    "line_removed": (),
    "line_dropped": (),
    "order_of_other_customer": (),
    **dict.fromkeys(review.CODES, ()),
    "in_former_administration": ("administration",),
    "excluded_in_former_administration": ("administration",),
    "unreadable_work_order": (),
    "differs_after_sending": (),
    "changed_after_export": (),
    "deleted_with_order": (),
    "unreadable_quantity": (),
    "unreadable_price": (),
    "negative_price": (),
    "unreadable_time": (),
    "break_too_long": (),
    "unreadable_distance": (),
    "negative_distance": (),
    "too_many_decimals": ("number", "decimals"),
    "quantity_too_large": (),
    "price_too_large": (),
    "price_decimals": ("decimals",),
    "line_text_too_long": ("limit",),
    "time_does_not_fit": ("rate", "decimals"),
}

# The sentence of the cause, where that of one work order would contain values of its own.
_SENTENCES: dict[str, str | Promise] = {
    "no_warehouse": _(
        "Materials have no warehouse and no default warehouse is set. Choose a default warehouse in the settings."
    ),
    "number_too_long": _("OutSmart's number is too long for King (20 characters)."),
    "before_from_date": _("The work was finished before the start date."),
    "several_orders": _("King has more than one order with our reference. Remove the wrong ones in King."),
    "line_conflict": _("A line was changed both in King and in OutSmart. Choose which value applies."),
    "line_removed": _("A line was removed in King and changed in OutSmart."),
    "line_dropped": _("A line was removed in OutSmart and changed in King."),
    "order_of_other_customer": _(
        "The King order belongs to another customer than the work order. Correct the number in OutSmart, or release it."
    ),
    "review.credit": _("A line is a credit. Check it, then release the work order."),
    "review.warranty": _("A material is under warranty. Check it, then release the work order."),
    "review.zero_price": _("A line has a price of zero. Check it, then release the work order."),
    "review.free_line": _("A line has no article number. Check it, then release the work order."),
    "review.first_order_of_customer": _(
        "It would be the first order of a customer. Check the customer, then release the work order."
    ),
    "in_former_administration": _(
        "The work order belongs to an order of former administration %(administration)s. Exclude it, or release it."
    ),
    "excluded_in_former_administration": _(
        "The work order was excluded in former administration %(administration)s. Exclude it here too, or release it."
    ),
    "unreadable_work_order": _("OutSmart's answer for a work order could not be read."),
    "differs_after_sending": _("The order in King differs from what was sent."),
    "changed_after_export": _("The work order was changed in OutSmart after it was exported."),
    "deleted_with_order": _("OutSmart no longer has the work order, but King has lines of it."),
    "unreadable_quantity": _("A quantity cannot be read."),
    "unreadable_price": _("A price cannot be read."),
    "negative_price": _("King does not accept a negative price. Enter a credit as a negative quantity."),
    "unreadable_time": _("A time cannot be read."),
    "break_too_long": _("A break is longer than the work period."),
    "unreadable_distance": _("A travel distance cannot be read."),
    "negative_distance": _("A travel distance is negative."),
    "too_many_decimals": _("King accepts at most %(decimals)s decimals for %(number)s; a quantity has more."),
    "quantity_too_large": _("A quantity is larger than King accepts: perhaps a code that was scanned by mistake."),
    "price_too_large": _("A price is larger than King accepts."),
    "price_decimals": _("King accepts at most %(decimals)s decimals in a price; one has more."),
    "line_text_too_long": _("A text is longer than King accepts (%(limit)s characters). Shorten it in OutSmart."),
    "time_does_not_fit": _("Rate %(rate)s has %(decimals)s decimals in King: some times cannot be booked in it."),
}

# They only repeat what follows from the reasons of the lines, which are listed too.
_CONSEQUENCES = frozenset({"all_lines_refused", "waits_for_lines"})


class UnknownCauseError(RefusedError):
    """There is nothing that the cause of this key stops."""


@dataclass(frozen=True)
class Affected:
    """One work order that a cause stops."""

    pk: int
    outsmart_id: str
    order_number: str
    customer_name: str = ""
    amount: Decimal | None = None
    is_amount_least: bool = False


@dataclass(frozen=True)
class Group:
    """Work orders with the same text of reasons: their keys, the newest first, and what they come to.

    `amount` is None if no price is known; `is_amount_least`: of some of them not every price is.
    """

    reasons: str
    keys: list[int]
    amount: Decimal | None
    is_amount_least: bool


@dataclass
class Cause:
    """`key` identifies it for `actions.retry_cause`; `count` is all, `work_orders` the newest, at most `LISTED`.

    `amount` is what all of them come to, as far as prices are known; `is_amount_least`: of some they are not.
    """

    key: str
    code: str
    params: Mapping[str, str]
    count: int = 0
    work_orders: list[Affected] = field(default_factory=list)
    amount: Decimal | None = None
    is_amount_least: bool = False
    newest: list[int] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The thing to repair, in the active language."""
        return sentence_of(self.code, self.params)

    def add(self, group: Group) -> None:
        """Count work orders that it stops."""
        self.count += len(group.keys)
        self.is_amount_least |= group.is_amount_least
        if group.amount is not None:
            self.amount = group.amount + (self.amount or 0)
        self.newest = sorted([*self.newest, *group.keys[:LISTED]], reverse=True)[:LISTED]


def sentence_of(code: str, params: Mapping[str, str]) -> str:
    """Return a cause as a sentence; `params` are its own, or more readable ones."""
    if code in _SENTENCES:
        return str(_SENTENCES[code]) % params
    return sentence({"code": code, "params": params})


def causes(*, newest: int | None = None) -> list[Cause]:
    """Return what stops work orders that need attention, the biggest cause first; only of the `newest` if given."""
    found = _counted(newest)
    _name_work_orders(found)
    return found


def biggest(number: int) -> list[Cause]:
    """Return the biggest causes of the newest work orders; those of one work order alone name it."""
    found = _counted(OF_NEWEST)[:number]
    _name_work_orders([cause for cause in found if cause.count == 1])
    return found


def stopped_by(key: str) -> list[int]:
    """Return the ledger's keys of everything that a cause stops. Raises `UnknownCauseError` if there is nothing."""
    groups = (group for group in _groups() if any(key == each for each, _code, _params in _causes_of_text(group)))
    stopped = [pk for group in groups for pk in group.keys]
    if not stopped:
        raise UnknownCauseError(reason("decision.unknown_cause"))
    return sorted(stopped, reverse=True)


def of(reasons: Iterable[Mapping[str, Any]]) -> list[Cause]:
    """Return the causes behind the reasons of one work order, the most important first."""
    return [Cause(key, code, params) for key, code, params in _causes_of(reasons)]


def keys_of(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the causes behind the reasons of one work order, by their keys."""
    return [key for key, _code, _params in _causes_of(reasons)]


# The columns of `Affected`.
_AFFECTED = ("pk", "outsmart_id", "order_number", "customer_name", "amount", "is_amount_least")
_Named = tuple[str, str, Mapping[str, str]]


def _counted(newest: int | None) -> list[Cause]:
    found: dict[str, Cause] = {}
    for group in _groups(newest):
        for key, code, params in _causes_of_text(group):
            found.setdefault(key, Cause(key, code, params)).add(group)
    return sorted(found.values(), key=lambda cause: (-cause.count, cause.key))


def _groups(newest: int | None = None) -> Iterator[Group]:
    """Yield the work orders that need attention by the text of their reasons: of thousands the same few texts."""
    rows = WorkOrder.objects.filter(state__in=WorkOrder.NEEDS_A_PERSON)
    if newest is not None:
        # In two queries: the keys come out of an index. For this many whole rows in this order, the database would
        # rather scan the ledger from the newest on.
        keys = list(rows.order_by("-id").values_list("pk", flat=True)[:newest])
        rows = WorkOrder.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [keys]))
    by_text = rows.order_by().values_list(Cast("reasons", TextField()))
    found = by_text.annotate(
        keys=ArrayAgg("pk", order_by="-pk"),
        total=Sum("amount"),
        partial=Count("pk", filter=WorkOrder.AMOUNT_IS_LEAST),
    )
    for reasons, keys, amount, partial in found:
        yield Group(reasons, keys, amount, partial > 0)


def _name_work_orders(found: list[Cause]) -> None:
    """Read the newest work orders of each cause."""
    keys = {pk for cause in found for pk in cause.newest}
    rows = WorkOrder.objects.filter(pk__in=keys).values_list(*_AFFECTED) if keys else []
    by_key = {columns[0]: Affected(*columns) for columns in rows}
    for cause in found:
        cause.work_orders = [by_key[pk] for pk in cause.newest if pk in by_key]


def _causes_of_text(group: Group) -> list[_Named]:
    return _causes_of(json.loads(group.reasons))


def _causes_of(reasons: Iterable[Mapping[str, Any]]) -> list[_Named]:
    named = {key: (key, code, params) for key, code, params in map(_named, reasons)}
    telling = [each for each in named.values() if each[1] not in _CONSEQUENCES]
    return telling or list(named.values())


def _named(why: Mapping[str, Any]) -> _Named:
    """Return key, code and identifying values of a reason; a line's reason is identified by what is behind it."""
    code, params = why["code"], dict(why.get("params", {}))
    if code == "line_refused":
        code = params.pop("code", code)
        params.pop("line", None)
    names = _NAMED_BY.get(code, tuple(sorted(params)))
    values = {name: str(params.get(name, "")) for name in names}
    parts = [quote(values[name], safe="") for name in names]
    return ":".join([code, *parts]), code, values
