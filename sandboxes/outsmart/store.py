"""The data of one sandboxed OutSmart account, and what its back office can do to it.

The methods are those of the control API, for tests in the same process. They raise ControlError
when they make no sense. One lock guards everything.
"""

from __future__ import annotations

import collections
import random
import threading

import msgspec

from sandboxes.messages import ControlError, Record, decode, encode
from sandboxes.outsmart.entities import ENTITIES
from sandboxes.outsmart.example_work_orders import make_work_orders
from sandboxes.outsmart.fields import DECIMAL_FIELDS, MATERIAL_DECIMALS
from sandboxes.outsmart.masters import Masters
from sandboxes.outsmart.notation import DecimalMark, encode_php, marked, text_of
from sandboxes.outsmart.work_orders import WorkOrders, loadable
from sandboxes.vocabulary import EMPLOYEES

WORK_STATUSES = (("1", "Naar King"), ("2", "Ingepland"), ("5", "Tussentijds"), ("10", "Geëxporteerd"), ("99", "Fout"))


class Size(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a sandbox is seeded. `empty` leaves only the work statuses."""

    seed: int = 1
    work_orders: int = 25
    empty: bool = False


class Kept(msgspec.Struct, kw_only=True):
    """A state file: everything."""

    size: Size
    rows: dict[str, dict[str, Record]]
    next_row: int
    work_orders: list[Record]
    next_work_order: int
    values: dict[str, Record]


class OutSmartStore:
    """The data of one account."""

    def __init__(self, size: Size) -> None:
        self.lock = threading.RLock()
        self.masters: Masters
        self.work_orders: WorkOrders
        self.values: dict[str, Record]
        self.reset(size)

    def reset(self, size: Size) -> None:
        """Discard all data and seed again."""
        with self.lock:
            self.size = size
            self.masters, self.work_orders, self.values = Masters(), WorkOrders(), {}
            self._chance = random.Random(f"{size.seed}:absent")
            for code, name in WORK_STATUSES:
                self.masters.put("workstatusses", {"sta_code": code, "sta_name": name})
            if size.empty:
                return
            for number, first, last in EMPLOYEES:
                row: Record = {"firstname": first, "lastname": last, "number": number, "active": "1"}
                self.masters.put("employees", row)
            for work_order in make_work_orders(size.seed, size.work_orders):
                self.work_orders.load(work_order)

    # --- output ------------------------------------------------------------------------------------------------------

    def published(self, work_order: Record, *, mark: DecimalMark, absent_keys: float) -> bytes:
        """Return a work order as JSON with the requested decimal mark, and a share of its keys left out."""
        if mark == "mixed" and not absent_keys:
            return self.work_orders.encoded(work_order)
        shown = _with_mark(work_order, mark)
        return encode_php(self._thinned(shown, absent_keys) if absent_keys else shown)

    def _thinned(self, row: Record, share: float) -> Record:
        thin = {name: value for name, value in row.items() if name == "id" or self._chance.random() >= share}
        for name in ("Materials", "Workperiods"):
            rows = thin.get(name)
            if isinstance(rows, list):
                thin[name] = [self._thinned(one, share) for one in rows]
        return thin

    # --- what OutSmart has -------------------------------------------------------------------------------------------

    def all_work_orders(self) -> list[Record]:
        """Return every work order."""
        with self.lock:
            return list(self.work_orders.by_id.values())

    def work_order(self, key: str) -> Record:
        """Return one work order by its id. Raises ControlError when there is none."""
        found = self.work_orders.by_id.get(key)
        if found is None:
            raise ControlError(404, f"There is no work order {key}.")
        return found

    def rows(self, entity: str) -> list[Record]:
        """Return all rows of one endpoint, every field, as stored."""
        if entity not in ENTITIES:
            raise ControlError(404, f"There is no endpoint {entity}; there are {', '.join(ENTITIES)}.")
        with self.lock:
            return list(self.masters.rows[entity].values())

    def counts(self) -> dict[str, int]:
        """Return the number of rows of every endpoint that has any, and of work orders."""
        with self.lock:
            counts = {name: len(rows) for name, rows in self.masters.rows.items() if rows}
            return {**counts, "work_orders": len(self.work_orders.by_id)}

    def duplicates(self) -> Record:
        """Return how many work orders share a WorkorderNo, by that number."""
        numbers = collections.Counter(text_of(one, "WorkorderNo") for one in self.all_work_orders())
        return {"work_orders": {number: count for number, count in numbers.items() if number and count > 1}}

    def state(self) -> Record:
        """Return all data, with the counts."""
        with self.lock:
            masters = {name: list(rows.values()) for name, rows in self.masters.rows.items()}
            return {
                "counts": self.counts(),
                **masters,
                "values": list(self.values.values()),
                "work_orders": self.all_work_orders(),
            }

    # --- the back office ---------------------------------------------------------------------------------------------

    def load_work_orders(self, value: object) -> list[str]:
        """Store work orders as they are; return their ids. Accepts a list or a whole GetWorkorders answer."""
        with self.lock:
            return [text_of(self.work_orders.load(row), "id") for row in loadable(value)]

    def edit_work_order(self, key: str, changes: Record) -> Record:
        """Change any fields of a work order; lists are replaced whole."""
        with self.lock:
            return self.work_orders.edit(key, changes)

    def complete(self, key: str, *, work_status: str = "1") -> Record:
        """Finish a work order as the engineer and the office do: Compleet, at a work status."""
        return self.edit_work_order(key, {"status": "Compleet", "WorkFinished": "1", "WorkStatus": work_status})

    def archive(self, key: str) -> Record:
        """Archive a work order."""
        return self.edit_work_order(key, {"Archived": "1"})

    def delete_work_order(self, key: str) -> None:
        """Delete a work order as if it had never existed."""
        with self.lock:
            self.work_order(key)
            self.work_orders.delete([key])

    # --- state file --------------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Return the data as a state file holds it."""
        with self.lock:
            return encode(
                Kept(
                    size=self.size,
                    rows=self.masters.rows,
                    next_row=self.masters.next_id,
                    work_orders=list(self.work_orders.by_id.values()),
                    next_work_order=self.work_orders.next_id,
                    values=self.values,
                )
            )

    def load(self, content: bytes) -> None:
        """Replace the data with that of a state file. Raises msgspec.DecodeError."""
        kept = msgspec.convert(decode(content), Kept)
        with self.lock:
            self.size = kept.size
            self.masters, self.work_orders, self.values = Masters(), WorkOrders(), kept.values
            self.masters.rows.update(kept.rows)
            self.masters.next_id = kept.next_row
            for work_order in kept.work_orders:
                self.work_orders.load(work_order)
            self.work_orders.next_id = kept.next_work_order


def _with_mark(work_order: Record, mark: DecimalMark) -> Record:
    shown = {
        name: marked(value, mark, usual="mixed") if name in DECIMAL_FIELDS else value
        for name, value in work_order.items()
    }
    rows = shown.get("Materials")
    if isinstance(rows, list):
        shown["Materials"] = [
            {
                name: marked(value, mark, usual="mixed") if name in MATERIAL_DECIMALS else value
                for name, value in row.items()
            }
            for row in rows
        ]
    return shown
