"""OutSmart's master data: upserts, reading, deleting (outsmart.md, chapter 3)."""

from __future__ import annotations

from sandboxes.messages import Record
from sandboxes.outsmart.entities import ENTITIES, Entity
from sandboxes.outsmart.notation import (
    DecimalMark,
    RefusalError,
    is_decimal,
    is_filled,
    is_iso_date,
    marked,
    stored,
    text_of,
)


class Masters:
    """All master data of one account: per endpoint the rows by their key, in order of arrival."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Record]] = {name: {} for name in ENTITIES}
        self.next_id = 1901

    def post(self, name: str, body: list[Record]) -> int:
        """Insert or update rows; return how many. Raises RefusalError at the first bad row, with nothing stored."""
        entity = ENTITIES[name]
        rows = [_clean(entity, row) for row in body]
        for row in rows:
            self._upsert(name, entity, row)
        return len(rows)

    def put(self, name: str, row: Record) -> None:
        """Store a row as it is, for seeds."""
        self._upsert(name, ENTITIES[name], {**dict.fromkeys(ENTITIES[name].fields, ""), **row})

    def published(self, name: str, mark: DecimalMark) -> list[Record]:
        """Return the rows as GET shows them."""
        entity = ENTITIES[name]
        return [_shown(entity, row, mark) for row in self.rows[name].values()]

    def has(self, name: str, field: str, value: str) -> bool:
        """Return whether a row has this value."""
        return any(text_of(row, field) == value for row in self.rows[name].values())

    def delete(self, name: str, wanted: dict[str, str]) -> int:
        """Delete the rows that have all these values; return how many."""
        rows = self.rows[name]
        gone = [
            key for key, row in rows.items() if all(text_of(row, field) == value for field, value in wanted.items())
        ]
        for key in gone:
            del rows[key]
        return len(gone)

    def delete_all(self, name: str) -> int:
        """Delete all rows; return how many."""
        count = len(self.rows[name])
        self.rows[name].clear()
        return count

    def _upsert(self, name: str, entity: Entity, row: Record) -> None:
        rows = self.rows[name]
        key = "\x1f".join(text_of(row, field) for field in entity.key) if entity.key else str(self.next_id)
        known = rows.get(key)
        if known is None:
            rows[key] = {"id": str(self.next_id), **row}
            self.next_id += 1
        else:
            # A POST replaces whole rows: what a second one leaves out is empty afterwards.
            rows[key] = {"id": known["id"], **row}


def _shown(entity: Entity, row: Record, mark: DecimalMark) -> Record:
    names = entity.shown or tuple(row)
    return {
        name: marked(row[name], mark, usual="comma" if name in entity.commas else "point")
        if name in entity.decimals
        else row[name]
        for name in names
    }


def _clean(entity: Entity, row: Record) -> Record:
    """Return a whole row as text. Raises RefusalError."""
    for name in entity.required:
        if not is_filled(row.get(name)):
            raise RefusalError(entity.missing, f"Required field missing: {name}")
    clean = {name: stored(row.get(name, "")) for name in entity.fields}
    if entity.has_free_fields:
        clean.update({name: stored(value) for name, value in row.items() if name.startswith("val_value_")})
    for name, value in clean.items():
        if is_filled(value):
            _check(entity, name, str(value))
    if "active" in entity.flags and not is_filled(clean["active"]):
        clean["active"] = "1"
    return clean


def _check(entity: Entity, name: str, value: str) -> None:
    if name in entity.flags and value not in {"0", "1"}:
        raise RefusalError(entity.missing, f"Invalid value: {name}")
    if name in entity.decimals and not is_decimal(value):
        raise RefusalError(entity.missing, f"Invalid value: {name}")
    if name in entity.dates and not is_iso_date(value):
        raise RefusalError(entity.missing, f"Invalid value: {name}")
    if len(value) > entity.longest(name):
        raise RefusalError(entity.failed, f"Value too long: {name}")
