"""Work orders and causes as JSON: `ledger --json`, and the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import QuerySet

from kingsync.exports import supplements
from kingsync.exports.overview import causes
from kingsync.manual_actions import order_notices
from kingsync.messages.reason_texts import sentences, stored
from kingsync.models import tenants
from kingsync.models.order_links import OrderLink
from kingsync.models.tenants import Administration, administration_key
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import amounts
from kingsync.rules.outcomes import reason
from kingsync.runs.refusals import RefusedError
from kingsync.runs.run_answers import moment

Row = TypeVar("Row", OrderLine, OrderLink)


class UnknownAdministrationError(RefusedError):
    """The tenant has no administration of this name."""


def administration(name: str | None) -> Administration:
    """Return the administration of this name, None = the present one. Raises `UnknownAdministrationError`."""
    mine = Administration.objects.filter(tenant_id=tenants.current_id())
    if name is None:
        return mine.get(pk=tenants.current_administration_id())
    found = mine.filter(key=administration_key(name)).first()
    if found is None:
        known = ", ".join(mine.order_by("name").values_list("name", flat=True))
        raise UnknownAdministrationError(reason("unknown_administration", name=name, known=known))
    return found


def whole(of: Administration) -> Iterator[dict[str, Any]]:
    """Yield every work order of an administration, in the order in which they were first seen."""
    links = OrderLink.across_administrations.filter(administration=of, left_at=None)
    lines = OrderLine.objects.filter(work_order__administration=of)
    yield from _entries(rows_of(of).order_by("id").iterator(), of, links, lines)


def some(rows: Iterable[WorkOrder], of: Administration) -> list[dict[str, Any]]:
    """Return these work orders of an administration."""
    listed = list(rows)
    keys = [row.pk for row in listed]
    links = OrderLink.across_administrations.filter(work_order__in=keys, left_at=None)
    return list(_entries(listed, of, links, OrderLine.objects.filter(work_order__in=keys)))


def rows_of(of: Administration) -> QuerySet[WorkOrder]:
    return WorkOrder.across_administrations.filter(administration=of)


def cause(each: causes.Cause) -> dict[str, Any]:
    return {
        "key": each.key,
        "reason": each.sentence,
        "count": each.count,
        "work_orders": [row.outsmart_id for row in each.work_orders],
    }


def _entries(
    rows: Iterable[WorkOrder], of: Administration, links: QuerySet[OrderLink], lines: QuerySet[OrderLine]
) -> Iterator[dict[str, Any]]:
    lines_of, numbers = _grouped(lines, "position"), _grouped(links, "part")
    for row in rows:
        yield {
            "outsmart_id": row.outsmart_id,
            "order_number": row.order_number,
            "administration": of.name,
            "king_order_number": row.king_order_number,
            "king_order_numbers": [link.king_order_number for link in numbers.get(row.pk, [])],
            "state": row.state,
            "reason": sentences(row.reasons),
            "attempts": row.attempts,
            "since": moment(row.problem_since or row.changed_at),
            "last_checked": moment(order_notices.last_checked(row)),
            "notice": sentences(stored(why) for why in order_notices.of(row)),
            "lines": [_line(line) for line in lines_of.get(row.pk, [])],
            "difference": [_missing(each) for each in supplements.missing_of(row)],
        }


def _grouped(rows: QuerySet[Row], order: str) -> dict[int, list[Row]]:
    """Return what belongs to work orders, by their keys."""
    ordered = rows.order_by("work_order_id", order, "id").iterator()
    return {key: list(group) for key, group in groupby(ordered, key=attrgetter("work_order_id"))}


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "source": line.source,
        "king_line_id": line.king_line_id or None,
        "state": line.state,
        "reason": sentences(line.reasons),
    }


def _missing(each: supplements.Missing) -> dict[str, Any]:
    """Return a line that King misses of a work order whose order it closed."""
    content, amount = each.line.content, amounts.of_line(each.line.content.quantity, each.price.value)
    return {
        "kind": each.line.origin.source.value,
        "source": each.line.origin.label,
        "article": content.article,
        "text": content.text,
        "quantity": None if content.quantity is None else str(content.quantity),
        "amount": None if amount is None else str(amount),
    }
