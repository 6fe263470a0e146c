"""Matching rows of a work order with the lines of earlier runs: rows have no ids, so they are matched by content."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

import msgspec

from integrations import notation
from integrations.outsmart.records import Material, WorkOrder, WorkPeriod
from kingsync.rules.plans import SavedLine, Source

_LETTERS = {Source.MATERIAL: "M", Source.HOURS: "U", Source.TRAVEL: "R", Source.TEXT: "T"}
# Returns King's article number for a code in a work order.
NumberOf: TypeAlias = Callable[[str], str]
# The part of a key that describes the row; together with the number behind it, it fits the key's column.
KEY_LENGTH = 380
# Fields that only pages and reviews read: a change in one of them leaves the row's line as it is.
_WITHOUT_EFFECT = frozenset({"position", "warranty", "object_code"})


def form_of_references(external_number: str) -> re.Pattern[str]:
    """Return the form of all line references of a work order, from its order's external number."""
    letters = "".join(_LETTERS.values())
    return re.compile(re.escape(external_number.removeprefix("OS-")) + rf"-[{letters}]\d+")


class References:
    """Gives each line its ExternOrderRegelNummer: the earlier one of a known line, else the next free one."""

    def __init__(self, outsmart_id: str, booked: Iterable[SavedLine]) -> None:
        self._prefix = f"{outsmart_id}-"
        self._known = {line.key: line.reference for line in booked}
        self._used = set(self._known.values())
        self._last: Counter[Source] = Counter()

    def of(self, source: Source, key: str) -> str:
        """Return the reference of the line with this key, unique in its order."""
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
    """Gives each row its key: that of its line in an earlier run, else a new one from what identifies the row.

    A key never changes: a row whose warehouse or hour type alone changed keeps its line.
    """

    def __init__(self, booked: Iterable[SavedLine] = ()) -> None:
        self._seen: Counter[str] = Counter()
        self._used = {line.key for line in booked}
        self._given: dict[tuple[Source, int], str] = {}

    @classmethod
    def of(cls, work_order: WorkOrder, booked: Iterable[SavedLine], number_of: NumberOf = str) -> Keys:
        """Return the keys of a work order whose lines were saved by earlier runs.

        `number_of` recognises a row whose code became another name of the same article (EAN, number).
        """
        booked = tuple(booked)
        keys = cls(booked)
        rows = [_material_row(material, number_of) for material in work_order.materials]
        rows += [_period_row(period) for period in work_order.periods if not period.period_id]
        for row, line in _pairs(rows, list(booked), number_of):
            keys._given[row.source, row.position] = line.key
        return keys

    def material(self, material: Material) -> str:
        return self._key(_material_row(material))

    def period(self, period: WorkPeriod) -> str:
        if period.period_id:
            return self._numbered(f"hours|{period.period_id}"[:KEY_LENGTH])
        return self._key(_period_row(period))

    def travel(self, period_key: str) -> str:
        """Return the key of the travel line of a period, from the key of the period itself."""
        return f"travel|{period_key.removeprefix('hours|')}"

    def text(self, name: str) -> str:
        return f"text|{name}"

    def _key(self, row: _Row) -> str:
        given = self._given.get((row.source, row.position))
        if given is not None:
            return given
        key = self._numbered(row.name)
        while key in self._used:
            key = self._numbered(row.name)
        return key

    def _numbered(self, name: str) -> str:
        self._seen[name] += 1
        return f"{name}#{self._seen[name]}"


def label_of(line: SavedLine) -> str:
    """Return the label of a saved line whose row is gone: the code in its key."""
    return line.key.split("|")[1] if "|" in line.key else line.key


class _Row(msgspec.Struct, frozen=True):
    """A row without an id. `name` identifies it among other rows, `kin` also after a small change."""

    source: Source
    position: int
    name: str
    kin: str
    fingerprint: str
    quantity: Decimal | None = None
    warehouse: str = ""


_MATERIAL_PARTS, _PERIOD_PARTS = 4, 5


def _material_row(material: Material, number_of: NumberOf = str) -> _Row:
    text = "" if material.code else material.name
    name = f"material|{material.code}|{material.warehouse}|{text}"[:KEY_LENGTH]
    kin = f"material|{number_of(material.code)}|{text}"
    return _Row(
        source=Source.MATERIAL,
        position=material.position,
        name=name,
        kin=kin if len(name.split("|")) == _MATERIAL_PARTS else name,
        fingerprint=fingerprint_of(material),
        quantity=_number(material.quantity),
        warehouse=notation.canonical_number(material.warehouse.strip()),
    )


def _period_row(period: WorkPeriod) -> _Row:
    parts = (period.work_date, period.begin_time, period.hour_type, period.employee_number)
    name = ("hours|" + "|".join(parts))[:KEY_LENGTH]
    kin = f"hours|{period.work_date}|{period.begin_time}|{period.employee_number}"
    return _Row(
        source=Source.HOURS,
        position=period.position,
        name=name,
        kin=kin if len(name.split("|")) == _PERIOD_PARTS else name,
        fingerprint=fingerprint_of(period),
    )


def _number(text: str) -> Decimal | None:
    try:
        return notation.parse_decimal(text)
    except ValueError:
        return None


def _kin(line: SavedLine, number_of: NumberOf) -> str:
    """Return the kin of a line, or its name where the kin is unknown (a bar within a value, a row with an id)."""
    name = _name_of(line)
    parts = name.split("|")
    if parts[0] == "material" and len(parts) == _MATERIAL_PARTS:
        article = line.sent.article if line.sent and parts[1] else number_of(parts[1])
        return f"material|{article}|{parts[3]}"
    if parts[0] == "hours" and len(parts) == _PERIOD_PARTS:
        return f"hours|{parts[1]}|{parts[2]}|{parts[4]}"
    return name


def fingerprint_of(row: Material | WorkPeriod) -> str:
    """Return a fingerprint, 16 characters, that stays the same until a field that decides the row's lines changes."""
    decisive = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in _WITHOUT_EFFECT}
    if not decisive.get("travel", "").strip(" 0"):
        decisive.pop("travel", None)  # without a distance there is no line
    return hashlib.blake2b(msgspec.json.encode(decisive), digest_size=8).hexdigest()


def _pairs(rows: list[_Row], booked: list[SavedLine], number_of: NumberOf) -> Iterator[tuple[_Row, SavedLine]]:
    """Pair rows with their earlier lines: unchanged rows first, then the others within each kin."""
    yield from _unchanged(rows, booked)
    lines: defaultdict[str, list[SavedLine]] = defaultdict(list)
    for line in booked:
        lines[_kin(line, number_of)].append(line)
    kin: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        kin[row.kin].append(row)
    for name, alike in kin.items():
        yield from _pairs_of_kin(alike, sorted(lines[name], key=_age))


def _unchanged(rows: list[_Row], lines: list[SavedLine]) -> Iterator[tuple[_Row, SavedLine]]:
    """Remove unchanged rows from `rows`, and their lines, sent or refused, from `lines`; yield the pairs."""
    known: defaultdict[str, list[SavedLine]] = defaultdict(list)
    for line in sorted(lines, key=_age):
        if line.row:
            known[line.row].append(line)
    for row in list(rows):
        if known[row.fingerprint]:
            line = known[row.fingerprint].pop(0)
            rows.remove(row)
            lines.remove(line)
            yield row, line


def _pairs_of_kin(rows: list[_Row], lines: list[SavedLine]) -> Iterator[tuple[_Row, SavedLine]]:
    """Pair identical rows from both ends, then the most similar ones; equally similar ones in their sequence.

    So among similar rows, only the line of the row that was removed or added goes or comes; the others keep theirs.
    """
    for end in (0, -1):
        while rows and lines and _is_same_row(rows[end], lines[end]):
            yield rows.pop(end), lines.pop(end)
    for is_alike in (_is_same_row, _has_same_name, _has_same_quantity, _was_sent):
        for row in list(rows):
            line = next((line for line in lines if is_alike(row, line)), None)
            if line is not None:
                rows.remove(row)
                lines.remove(line)
                yield row, line


def _age(line: SavedLine) -> tuple[bool, int]:
    """Return a sort key: lines that King has come first, then by the number in their key."""
    count = line.key.rpartition("#")[2]
    return line.sent is None, int(count) if count.isascii() and count.isdigit() else 0


def _name_of(line: SavedLine) -> str:
    return line.key.rpartition("#")[0]


def _is_same_row(row: _Row, line: SavedLine) -> bool:
    """Return True when this quantity was sent from this warehouse."""
    return _has_same_quantity(row, line) and _has_same_name(row, line)


def _has_same_quantity(row: _Row, line: SavedLine) -> bool:
    return row.quantity is not None and line.sent is not None and line.sent.quantity == row.quantity


def _has_same_name(row: _Row, line: SavedLine) -> bool:
    if row.warehouse and line.sent is not None:
        return line.sent.warehouse == row.warehouse
    return _name_of(line) == row.name


def _was_sent(row: _Row, line: SavedLine) -> bool:  # noqa: ARG001  (asked like the others)
    return line.sent is not None
