"""Bulk upsert into one table: COPY, then one INSERT that writes only rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
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
            with transaction.atomic():
                self._copy(self.table, rows)
        except UniqueViolation:
            return False
        return True

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Insert or update the rows, each in the order of `columns`; keys must be unique."""
        waiting = f"waiting_{self.table}"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self._make_waiting(waiting))
            cursor.execute(f"DELETE FROM {waiting}")  # noqa: S608  (left by an earlier write of the same transaction)
            self._copy(waiting, rows)
            cursor.execute(self._insert(waiting))

    def _copy(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        statement = f"COPY {table} ({', '.join(self.columns)}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _make_waiting(self, waiting: str) -> str:
        # Emptied by the commit: a TRUNCATE would make every commit wait for the disk.
        columns = ", ".join(self.columns)
        return (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {waiting} ON COMMIT DELETE ROWS "  # noqa: S608  (names of the model)
            f"AS SELECT {columns} FROM {self.table} WITH NO DATA"
        )

    def _insert(self, waiting: str) -> str:
        columns = ", ".join(self.columns)
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*self.changing, *self.stamped))
        before = ", ".join(f"{self.table}.{name}" for name in self.changing)
        after = ", ".join(f"EXCLUDED.{name}" for name in self.changing)
        return (
            f"INSERT INTO {self.table} ({columns}) SELECT {columns} FROM {waiting} "  # noqa: S608  (names of the model)
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes} WHERE ({before}) IS DISTINCT FROM ({after})"
        )
