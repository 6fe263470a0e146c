"""The names beside numbers: King's own from the mirror, else those on the work orders in OutSmart."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.links import KingRecord

# What a reason calls the number of one of King's records.
_KINDS = {
    "debtor": KingRecord.Kind.DEBTOR,
    "article": KingRecord.Kind.ARTICLE,
    "rate": KingRecord.Kind.RATE,
    "warehouse": KingRecord.Kind.WAREHOUSE,
}
# The reason names these itself.
_NAMED_ALREADY = frozenset({"debtor_name", "customer_name"})

Record = tuple[KingRecord.Kind, str]


@dataclass(frozen=True)
class Names:
    """Names by King's kind of record and number."""

    by_record: Mapping[Record, str] = field(default_factory=dict)

    def of(self, kind: KingRecord.Kind, number: str) -> str:
        """Return the name behind a number; "" if none is known, or if it only repeats the number."""
        name = self.by_record.get((kind, number.strip()), "")
        return "" if name == number.strip() else name

    def beside(self, kind: KingRecord.Kind, number: str) -> str:
        """Return a number with its name, "10023 (VvE De Linden)"; without one the number alone."""
        name = self.of(kind, number)
        return f"{number} ({name})" if name else number

    def in_params(self, params: Mapping[str, str]) -> dict[str, str]:
        """Return the values of a reason, with the names beside its numbers."""
        shown = dict(params)
        if not _NAMED_ALREADY & params.keys():
            shown |= {key: self.beside(kind, params[key]) for key, kind in _KINDS.items() if params.get(key)}
        return shown

    def in_reason(self, why: Mapping[str, Any]) -> dict[str, Any]:
        """Return a reason with the names beside its numbers."""
        return {**why, "params": self.in_params(why.get("params", {}))}


def named_in(params: Mapping[str, str]) -> set[Record]:
    """Return King's records that a reason is about."""
    return {(kind, params[key].strip()) for key, kind in _KINDS.items() if params.get(key)}


def read(records: Iterable[Record], *, sources: Iterable[Source] = (), administration_id: int) -> Names:
    """Return the names of King's records, in one query; what King does not know is named as the work orders do."""
    wanted = {(kind, number) for kind, number in records if number}
    on_work_orders = {record: name for source in sources for record, name in _on(source) if record in wanted}
    return Names(on_work_orders | _in_mirror(wanted, administration_id))


def _in_mirror(wanted: set[Record], administration_id: int) -> dict[Record, str]:
    numbers: dict[KingRecord.Kind, list[str]] = {}
    for kind, number in wanted:
        numbers.setdefault(kind, []).append(number)
    if not numbers:
        return {}
    condition = functools.reduce(operator.or_, (Q(kind=kind, number__in=each) for kind, each in numbers.items()))
    known = KingRecord.across_administrations.filter(condition, administration_id=administration_id)
    rows = known.exclude(name="").values_list("kind", "number", "name")
    return {(KingRecord.Kind(kind), number): name for kind, number, name in rows}


def _on(source: Source) -> Iterator[tuple[Record, str]]:
    """Yield the names that a work order gives to King's numbers."""
    debtor, article = KingRecord.Kind.DEBTOR, KingRecord.Kind.ARTICLE
    yield (debtor, source.customer_debtor_number.strip()), source.customer_name.strip()
    yield (debtor, source.invoice_debtor_number.strip()), source.invoice_customer_name.strip()
    for material in source.materials:
        yield (article, material.code.strip()), material.name.strip()
