"""OutSmart's work orders: posting, updating, the back office (outsmart.md, chapter 2)."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable

from sandboxes import clock
from sandboxes.messages import ControlError, Record
from sandboxes.outsmart.fields import (
    ALL_FIELDS,
    DATE_FIELDS,
    FREE_FIELDS,
    LONG_FIELDS,
    MATERIAL_REQUIRED,
    OWN_FIELDS,
    PERIOD_REQUIRED,
    REQUIRED,
    TEXT_FIELDS,
    TIME_FIELDS,
    blank_work_order,
    material_row,
    period_row,
)
from sandboxes.outsmart.notation import (
    RefusalError,
    encode_php,
    euros,
    is_filled,
    is_time,
    read_date,
    stored,
    text_of,
    to_decimal,
)

PENDING = "Klaargezet"
PROCESSED = "Afgehandeld"
BAD_DATE = "Date invalid. Format: 20-02-2016"
BAD_TIME = "Time invalid. Format: 07:08"


class WorkOrders:
    """All work orders of one account by `id`. Callers hold the store's lock."""

    def __init__(self) -> None:
        self.by_id: dict[str, Record] = {}
        self.next_id = 2_500_001
        self._next_period = 900_001
        self._encoded: dict[str, bytes] = {}

    # --- finding -----------------------------------------------------------------------------------------------------

    def find(self, row_id: str, workorder_no: str) -> Record:
        """Return one work order; of several with one number, the newest. Raises RefusalError 1500."""
        found = self.by_id.get(row_id) if row_id else self._newest(workorder_no)
        if found is None:
            raise RefusalError(1500)
        return found

    def _newest(self, workorder_no: str) -> Record | None:
        same = [one for one in self.by_id.values() if workorder_no and one["WorkorderNo"] == workorder_no]
        return max(same, key=lambda one: int(text_of(one, "id")), default=None)

    def encoded(self, work_order: Record) -> bytes:
        """Return a work order as JSON, encoded once per change."""
        key = text_of(work_order, "id")
        found = self._encoded.get(key)
        if found is None:
            found = self._encoded[key] = encode_php(work_order)
        return found

    # --- posting -----------------------------------------------------------------------------------------------------

    def check_new(self, row: Record) -> None:
        """Raise RefusalError 1501 (one message per missing field), 1504 or 1007."""
        missing = [name for name in REQUIRED if not is_filled(row.get(name))]
        missing += _missing_in_rows(row.get("Materials"), MATERIAL_REQUIRED)
        missing += _missing_in_rows(row.get("Workperiods"), PERIOD_REQUIRED)
        if missing:
            raise RefusalError(1501, *(f"Required field missing: {name}" for name in missing))
        bad = [BAD_DATE for name in DATE_FIELDS if is_filled(row.get(name)) and not read_date(text_of(row, name))]
        bad += [BAD_TIME for name in TIME_FIELDS if is_filled(row.get(name)) and not is_time(text_of(row, name))]
        if bad:
            raise RefusalError(1504, *bad)
        for name in TEXT_FIELDS:
            if len(text_of(row, name)) > (65_535 if name in LONG_FIELDS else 255):
                raise RefusalError(1007, f"Value too long: {name}")

    def add(self, row: Record) -> Record:
        """Add a posted work order that has been checked; unknown keys are left out."""
        now = clock.outsmart_stamp()
        given = {name: stored(value) for name, value in row.items() if name in ALL_FIELDS - OWN_FIELDS}
        number = self.next_id
        work_order: Record = {
            **blank_work_order(),
            **given,
            "id": str(number),
            "status": PENDING,
            "CreationDate": now,
            "MutationDate": now,
            "WorksheetCode": hashlib.sha256(str(number).encode()).hexdigest()[:32],
            "WorkFinished": "0",
        }
        work_order["OrderNr"] = work_order["OrderNr"] or f"{now[:4]}.{number % 100_000:05d}"
        work_order["Materials"] = _materials(_rows(given.get("Materials")))
        work_order["Workperiods"] = [self._period(one) for one in _rows(given.get("Workperiods"))]
        _fill_end(work_order)
        self._keep(work_order)
        return work_order

    def load(self, row: Record) -> Record:
        """Store a work order as it is, under its own `id` (or a new one). Raises ControlError."""
        work_order: Record = {**row, "id": text_of(row, "id") or str(self.next_id)}
        if not text_of(work_order, "id").isdigit():
            raise ControlError(400, "The id of a work order is a number.")
        for name in ("WorkorderNo", "status", "WorkStatus"):
            work_order.setdefault(name, "")
        self._keep(work_order)
        return work_order

    def _keep(self, work_order: Record) -> None:
        key = text_of(work_order, "id")
        self.by_id[key] = work_order
        self._encoded.pop(key, None)
        self.next_id = max(self.next_id, int(key) + 1)

    def _period(self, row: Record) -> Record:
        period = {**period_row(row), "Id": str(self._next_period)}
        self._next_period += 1
        return period

    # --- changing ----------------------------------------------------------------------------------------------------

    def update(self, work_order: Record, changes: Record, *, user: str) -> None:
        """Change fields; a new work status is recorded with who set it."""
        now = clock.outsmart_stamp()
        status = changes.get("WorkStatus", work_order.get("WorkStatus"))
        if status != work_order.get("WorkStatus"):
            event = {"status": status, "timestamp": now, "user": user}
            work_order["StatusChanges"] = [*_rows(work_order.get("StatusChanges")), event]
        work_order.update(changes)
        work_order["MutationDate"] = changes.get("MutationDate", now)
        self._encoded.pop(text_of(work_order, "id"), None)

    def process(self, work_orders: Iterable[Record]) -> None:
        """Set work orders to Afgehandeld, as reading with update_status=true does."""
        for work_order in work_orders:
            if work_order["status"] != PROCESSED:
                self.update(work_order, {"status": PROCESSED}, user="OpenAPI")

    def set_materials(self, work_order: Record, rows: list[Record], *, clear: bool) -> None:
        """Add material rows after the others or in their place. Raises RefusalError 1501."""
        missing = _missing_in_rows(rows, MATERIAL_REQUIRED)
        if missing:
            raise RefusalError(1501, *(f"Required field missing: {name}" for name in missing))
        kept = [] if clear else _rows(work_order.get("Materials"))
        added = _materials([{name: stored(value) for name, value in row.items()} for row in rows])
        self.update(work_order, {"Materials": [*kept, *added]}, user="OpenAPI")

    def edit(self, key: str, changes: Record) -> Record:
        """Change any fields as the back office does. Raises ControlError."""
        work_order = self.by_id.get(key)
        if work_order is None:
            raise ControlError(404, f"There is no work order {key}.")
        unknown = sorted(changes.keys() - ALL_FIELDS - work_order.keys())
        if unknown or "id" in changes:
            raise ControlError(400, f"A work order has no field {', '.join(unknown) or 'id'} that can be changed.")
        self.update(work_order, {name: stored(value) for name, value in changes.items()}, user="backoffice")
        return work_order

    def set_free_fields(self, work_order: Record, values: Record) -> None:
        """Change free fields (`val_value_N`)."""
        old = work_order.get(FREE_FIELDS)
        self.update(work_order, {FREE_FIELDS: {**(old if isinstance(old, dict) else {}), **values}}, user="OpenAPI")

    def delete(self, keys: Iterable[str]) -> int:
        """Delete work orders by id; return how many there were."""
        gone = [key for key in keys if self.by_id.pop(key, None) is not None]
        for key in gone:
            self._encoded.pop(key, None)
        return len(gone)


def loadable(value: object) -> list[Record]:
    """Return the work orders in a control call: a list, one object, or a whole GetWorkorders answer."""
    rows = value.get("response", [value]) if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ControlError(400, "The body must be a list of work orders or a GetWorkorders answer.")
    return [dict(row) for row in rows]


def _rows(value: object) -> list[Record]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _missing_in_rows(value: object, required: tuple[str, ...]) -> list[str]:
    return [name for row in _rows(value) for name in required if not is_filled(row.get(name))]


def _materials(rows: list[Record]) -> list[Record]:
    made = [material_row(row) for row in rows]
    for row in made:
        total = to_decimal(row["MaterialPrice"]) * to_decimal(row["MaterialNr"])
        text = euros(total)
        row["MaterialTotalPrice"] = text.replace(".", ",") if "," in str(row["MaterialPrice"]) else text
    return made


def _fill_end(work_order: Record) -> None:
    """Set the planned end from the start and the duration, where it was not given."""
    day = read_date(text_of(work_order, "WorkDate"))
    time, minutes = text_of(work_order, "WorkTime"), text_of(work_order, "WorkDuration")
    if day is None or not is_time(time) or not minutes.isdigit() or work_order["WorkEndDate"]:
        return
    hour, minute = map(int, time.split(":"))
    end = datetime.datetime.combine(day, datetime.time(hour, minute)) + datetime.timedelta(minutes=int(minutes))
    work_order["WorkEndDate"] = end.strftime("%d-%m-%Y")
    work_order["WorkEndTime"] = end.strftime("%H:%M")
