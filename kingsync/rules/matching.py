"""Which line of an earlier run is this one? Rows of a work order have no ids, so content finds them again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from integrations.outsmart.records import Material, WorkPeriod
from kingsync.rules.plans import BookedLine, Source

_LETTERS = {Source.MATERIAL: "M", Source.HOURS: "U", Source.TEXT: "T"}
REFERENCE_LENGTH = 20


def form_of_references(external_number: str) -> re.Pattern[str]:
    """Return the form of all line references of a work order, by the external number of its order."""
    letters = "".join(_LETTERS.values())
    return re.compile(re.escape(external_number.removeprefix("OS-")) + rf"-[{letters}]\d+")


class References:
    """Gives each line its ExternOrderRegelNummer: the earlier one when we know the line, else the next free one."""

    def __init__(self, outsmart_id: str, booked: Iterable[BookedLine]) -> None:
        self._prefix = f"{outsmart_id}-"
        self._known = {line.key: line.reference for line in booked}
        self._used = set(self._known.values())
        self._last: Counter[Source] = Counter()

    def of(self, source: Source, key: str) -> str:
        """Return the reference of the line with this key; at most 20 characters, unique in its order."""
        if key not in self._known:
            self._known[key] = self._free(source)
        return self._known[key]

    def _free(self, source: Source) -> str:
        while True:
            self._last[source] += 1
            reference = f"{self._prefix}{_LETTERS[source]}{self._last[source]}"
            if reference not in self._used:
                self._used.add(reference)
                return reference


class Keys:
    """Makes the keys of rows: what identifies a row, and which of several alike it is."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def material(self, material: Material) -> str:
        name = "" if material.code else material.name
        return self._numbered(f"material|{material.code}|{material.warehouse}|{name}"[:380])

    def period(self, period: WorkPeriod) -> str:
        if period.period_id:
            return self._numbered(f"hours|{period.period_id}")
        parts = (period.work_date, period.begin_time, period.hour_type, period.employee_number)
        return self._numbered("hours|" + "|".join(parts)[:370])

    def text(self, name: str) -> str:
        return f"text|{name}"

    def _numbered(self, key: str) -> str:
        self._seen[key] += 1
        return f"{key}#{self._seen[key]}"
