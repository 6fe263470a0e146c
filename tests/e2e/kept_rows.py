"""All rows of the test's database, put back later: what a restored backup contains, in a fiftieth of its time.

That whole backups are made and restored as an operator does is shown elsewhere, with `tests.backups`.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests import processes

_TABLES = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SEQUENCES = """
    SELECT quote_ident(sequencename), coalesce(last_value, start_value), last_value IS NOT NULL
    FROM pg_sequences WHERE schemaname = 'public'
"""


@dataclass(frozen=True)
class KeptRows:
    """The rows of each table, and where each sequence stood."""

    tables: dict[str, bytes]
    sequences: list[tuple[str, int, bool]]

    def put_back(self) -> None:
        """Make the database what it was, in one transaction and without triggers, as a restore does."""
        with psycopg.connect(processes.database_url()) as session, session.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name in self.tables:
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(name)))
            for name, rows in self.tables.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.SQL(name))) as copy:
                    copy.write(rows)
            cursor.executemany("SELECT setval(%s::regclass, %s, %s)", self.sequences)


def keep() -> KeptRows:
    """Return all rows as they are now."""
    with psycopg.connect(processes.database_url()) as session, session.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        names = [name for (name,) in cursor.execute(_TABLES).fetchall()]
        tables = {name: _rows(cursor, name) for name in names}
        return KeptRows(tables, cursor.execute(_SEQUENCES).fetchall())


def _rows(cursor: psycopg.Cursor, name: str) -> bytes:
    with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.SQL(name))) as copy:
        return b"".join(bytes(part) for part in copy)
