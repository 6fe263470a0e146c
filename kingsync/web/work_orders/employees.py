"""The names behind OutSmart's employee numbers, as far as they were read."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.outsmart.records import WorkOrder
from kingsync.models.links import Employee


def names_of(source: WorkOrder) -> dict[str, str]:
    """Return number → name of the employees that a work order names."""
    numbers = {source.employee_number.strip(), *(period.employee_number.strip() for period in source.periods)} - {""}
    return dict(Employee.objects.filter(number__in=numbers).values_list("number", "name"))


def shown(number: str, names: Mapping[str, str]) -> str:
    """Return an employee as OutSmart shows one, "105 - Jan de Vries"; an unknown one by the number."""
    name = names.get(number)
    return f"{number} - {name}" if name else number
