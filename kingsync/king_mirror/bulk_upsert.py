"""Bulk upsert into one table: COPY, then one INSERT that writes only rows that differ."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

Same = Mapping[str, str | int | datetime.datetime]


@dataclass(frozen=True)
class Upsert:
    """How rows go into a table. A row is written again only if one of its `changing` columns differs.

    A row holds the key and `changing`, in this order, without the columns that `same` gives for all of them: what is
    the same in a hundred thousand rows is neither written nor read a hundred thousand times.
    """

    table: str
    key: tuple[str, ...]
    changing: tuple[str, ...]
    stamped: tuple[str, ...] = ()

    def add(self, rows: Iterable[Sequence[object]], same: Same) -> bool:
        """Insert rows expected to be new, the fastest way. Return False, with nothing stored, if one is not."""
        try:
            copy_into(self.table, self._columns(same), rows, same=same)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            return False
        return True

    def write(self, rows: Iterable[Sequence[object]], same: Same) -> None:
        """Insert or update the rows; keys must be unique."""
        copy_into(self.table, self._columns(same), rows, same=same, on_conflict=self._update())

    def _columns(self, same: Same) -> tuple[str, ...]:
        return tuple(name for name in (*self.key, *self.changing, *self.stamped) if name not in same)

    def _update(self) -> str:
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*self.changing, *self.stamped))
        before = ", ".join(f"{self.table}.{name}" for name in self.changing)
        after = ", ".join(f"EXCLUDED.{name}" for name in self.changing)
        return (
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes} WHERE ({before}) IS DISTINCT FROM ({after})"
        )


def copy_into(
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    same: Same,
    on_conflict: str = "",
) -> None:
    """Insert rows by COPY, through a temporary table: the wall between tenants takes no COPY itself.

    `same` are the other columns, with their value in every row.
    """
    waiting, names = f"waiting_{table}", ", ".join(columns)
    every, values = ", ".join((*same, *columns)), ", ".join((*["%s"] * len(same), *columns))
    # Emptied by the commit: a TRUNCATE would make every commit wait for the disk.
    make = (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {waiting} ON COMMIT DELETE ROWS "  # noqa: S608  (names of the model)
        f"AS SELECT {names} FROM {table} WITH NO DATA"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(make)
        cursor.execute(f"DELETE FROM {waiting}")  # noqa: S608  (left by an earlier write of the same transaction)
        with cursor.copy(f"COPY {waiting} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        insert = f"INSERT INTO {table} ({every}) SELECT {values} FROM {waiting} {on_conflict}"  # noqa: S608  (names of the model)
        cursor.execute(insert, list(same.values()))
