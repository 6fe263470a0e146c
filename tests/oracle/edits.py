"""What the office changes in a work order after its export, before putting it back at the trigger."""

from __future__ import annotations

import copy
import random

from tests.oracle import lines
from tests.oracle.generator import WorkOrders
from tests.oracle.values import LeftOut, Refused, Row, Sent, Settings, World


class Office:
    """Edits work orders so that something is left to send."""

    def __init__(self, chance: random.Random, settings: Settings, king: World, makes: WorkOrders) -> None:
        self._chance, self._settings, self._king, self._makes = chance, settings, king, makes

    def edited(self, work_order: Row) -> Row:
        """Return the fields that change; sometimes none."""
        changed = copy.deepcopy(work_order)
        for _ in range(self._chance.choice((0, 1, 1, 2, 3))):
            self._edit(changed)
        names = ("Materials", "Workperiods", "WorkDescription", "Comment", "ShortWorkDescription", "WorkEndDate")
        return {name: changed[name] for name in names if name in changed and changed[name] != work_order.get(name)}

    def _edit(self, work_order: Row) -> None:
        choose = self._chance.choice((self._add, self._add, self._change, self._change, self._remove, self._head))
        choose(work_order)

    def _head(self, work_order: Row) -> None:
        name = self._chance.choice(("WorkDescription", "Comment", "ShortWorkDescription"))
        work_order[name] = self._chance.choice(("Nagekomen", "", "Andere\r\ntekst", "Ketel nagekeken"))

    def _add(self, work_order: Row) -> None:
        """Insert a row at a random place among the others."""
        is_good = self._chance.random() < 0.8
        if self._chance.random() < 0.5:
            rows, row = _rows(work_order, "Materials"), self._makes.material(is_good=is_good)
        else:
            rows, row = _rows(work_order, "Workperiods"), self._makes.period(is_good=is_good)
        rows.insert(self._chance.randint(0, len(rows)), row)

    def _change(self, work_order: Row) -> None:
        """Change one field of one row."""
        materials, periods = _rows(work_order, "Materials"), _rows(work_order, "Workperiods")
        if materials and (not periods or self._chance.random() < 0.5):
            place = self._chance.randrange(len(materials))
            self._replace(work_order, materials, place, self._changed_material(materials[place]))
        elif periods:
            place = self._chance.randrange(len(periods))
            self._replace(work_order, periods, place, self._changed_period(periods[place]))

    def _changed_material(self, row: Row) -> Row:
        other = self._makes.material(is_good=self._chance.random() < 0.8)
        name = self._chance.choice(
            (
                "MaterialNr",
                "MaterialNr",
                "MaterialWarehouseCode",
                "MaterialCode",
                "MaterialName",
                "MaterialPrice",
                "MaterialWarrantyCode",
            )
        )
        changes = {name: other.get(name, "")}
        if name == "MaterialNr" and self._chance.random() < 0.15:
            changes = {name: "0"}
        return row | changes

    def _changed_period(self, row: Row) -> Row:
        if self._chance.random() < 0.7:
            return row | {"TotalTime": "00:00" if self._chance.random() < 0.15 else self._makes.time(is_good=True)}
        if self._chance.random() < 0.5:
            return row | {"Travel": self._makes.travel(is_good=self._chance.random() < 0.8)}
        return row | {"HourType": self._chance.choice(("MONT", "MONT3", "1"))}

    def _replace(self, work_order: Row, rows: list[Row], place: int, new: Row) -> None:
        before = rows[place]
        rows[place] = new
        if not self._has_lines(work_order):
            rows[place] = before

    def _remove(self, work_order: Row) -> None:
        for rows in (_rows(work_order, "Materials"), _rows(work_order, "Workperiods")):
            if rows and self._chance.random() < 0.6:
                place = self._chance.randrange(len(rows))
                row = rows.pop(place)
                if not self._has_lines(work_order):
                    rows.insert(place, row)

    def _has_lines(self, work_order: Row) -> bool:
        rows = [*_rows(work_order, "Materials"), *_rows(work_order, "Workperiods")]
        return any(isinstance(self._outcome(row), Sent) for row in rows)

    def _outcome(self, row: Row) -> Sent | LeftOut | Refused:
        read = lines.period if "HourType" in row or "Id" in row else lines.material
        return read(row, self._settings, self._king)


def _rows(work_order: Row, name: str) -> list[Row]:
    rows = work_order.setdefault(name, [])
    assert isinstance(rows, list)
    return rows
