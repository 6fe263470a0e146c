"""Work orders that belong to an order of a former administration: none of them may go to the present one by itself."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Q

from integrations import notation
from kingsync.models import administrations
from kingsync.models.links import ImportedLine, RecordKind, RecordLink
from kingsync.models.work_orders import LedgerState, WorkOrder


@dataclass(frozen=True)
class FormerOrder:
    """What a former administration has of a work order. `number` is "" when its King order is not known."""

    administration_id: int
    administration: str
    number: str
    is_excluded: bool = False


class FormerOrders:
    """Looks up former orders; without a former administration no query is made."""

    @functools.cached_property
    def _names(self) -> dict[int, str]:
        return {each.pk: each.name for each in administrations.former()}

    def of(self, numbers: Mapping[str, str]) -> dict[str, FormerOrder]:
        """Return by OutSmart id what belongs to a former administration; `numbers` is id → King order number, or ""."""
        if not numbers or not self._names:
            return {}
        by_number = self._by_number({number for number in numbers.values() if number})
        found = {key: by_number[number] for key, number in numbers.items() if number in by_number}
        return found | self._imported(numbers) | self._in_the_ledger(numbers)

    def _by_number(self, numbers: set[str]) -> dict[str, FormerOrder]:
        """Return the former orders of these King numbers, unless the present administration has one of that number."""
        as_king_writes = {number: notation.canonical_number(number) for number in numbers}
        wanted = set(as_king_writes.values())
        if not wanted:
            return {}
        known = {king: FormerOrder(key, self._names[key], king) for key, king in self._known_numbers(wanted)}
        present = _present_numbers(wanted)
        return {number: known[king] for number, king in as_king_writes.items() if king in known.keys() - present}

    def _known_numbers(self, wanted: set[str]) -> Iterator[tuple[int, str]]:
        lines = ImportedLine.across_administrations.filter(king_order_number__in=wanted)
        links = RecordLink.across_administrations.filter(kind=RecordKind.ORDER, king_id__in=wanted)
        rows = WorkOrder.across_administrations.filter(king_order_number__in=wanted)
        for found, column in ((lines, _NUMBER), (links, "king_id"), (rows, _NUMBER)):
            known = found.filter(administration_id__in=self._names).order_by("pk")
            yield from known.values_list("administration_id", column)

    def _imported(self, numbers: Mapping[str, str]) -> dict[str, FormerOrder]:
        """Return the work orders that were made from a King order of a former administration."""
        links = RecordLink.across_administrations.filter(
            kind=RecordKind.ORDER, state__in=RecordLink.IN_OUTSMART, outsmart_id__in=list(numbers)
        )
        rows = list(links.order_by("pk").values_list("outsmart_id", "king_id", "administration_id"))
        here = {outsmart_id for outsmart_id, _king_id, key in rows if key not in self._names}
        return {
            outsmart_id: FormerOrder(key, self._names[key], king_id)
            for outsmart_id, king_id, key in rows
            if outsmart_id not in here
        }

    def _in_the_ledger(self, numbers: Mapping[str, str]) -> dict[str, FormerOrder]:
        """Return the work orders that were begun, or excluded by a person, in a former administration."""
        rows = WorkOrder.across_administrations.filter(
            administrations.BEGUN | Q(state=LedgerState.EXCLUDED),
            administration_id__in=self._names,
            outsmart_id__in=list(numbers),
        )
        return {
            outsmart_id: FormerOrder(key, self._names[key], number or "", state == LedgerState.EXCLUDED)
            for outsmart_id, number, state, key in rows.order_by("pk").values_list(
                "outsmart_id", _NUMBER, "state", "administration_id"
            )
        }


_NUMBER = "king_order_number"


def _present_numbers(wanted: set[str]) -> set[str]:
    booked = WorkOrder.objects.filter(king_order_number__in=wanted).values_list(_NUMBER, flat=True)
    imported = RecordLink.objects.filter(kind=RecordKind.ORDER, state__in=RecordLink.IN_OUTSMART, king_id__in=wanted)
    return {number for number in booked if number} | set(imported.values_list("king_id", flat=True))
