"""Bulk upsert into one table: COPY, then one INSERT that writes only rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation


@dataclass(frozen=True)
class Upsert:
    """How rows go into a table. A row is written again only if one of its `changing` columns differs."""

    table: str
    key: tuple[str, ...]
    changing: tuple[str, ...]
    stamped: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.changing, *self.stamped)

    def add(self, rows: Iterable[Sequence[object]]) -> bool:
        """Insert rows expected to be new, the fastest way. Return False, with nothing stored, if one is not."""
        try:
            copy_into(self.table, self.columns, rows)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            return False
        return True

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Insert or update the rows, each in the order of `columns`; keys must be unique."""
        copy_into(self.table, self.columns, rows, on_conflict=self._update())

    def _update(self) -> str:
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*self.changing, *self.stamped))
        before = ", ".join(f"{self.table}.{name}" for name in self.changing)
        after = ", ".join(f"EXCLUDED.{name}" for name in self.changing)
        return (
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes} WHERE ({before}) IS DISTINCT FROM ({after})"
        )


def copy_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, on_conflict: str = "") -> None:
    """Insert rows by COPY, through a temporary table: the wall between tenants takes no COPY itself."""
    waiting, names = f"waiting_{table}", ", ".join(columns)
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
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {waiting} {on_conflict}")  # noqa: S608  (names of the model)
