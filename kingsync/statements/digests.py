"""Digests of signed statements: who changes one past the database's refusal changes what its digest is of."""

from __future__ import annotations

import datetime
import hashlib
import json

from django.db import connection, models

from kingsync.models.statements.signed import SignedStatement, SignedWorkOrder
from kingsync.statements.evidence import COLUMNS

_NO_ROWS = hashlib.sha256(b"").hexdigest()
_HEADER = (
    *("month", "version", "is_preliminary", "signed_at", "signed_by_name", "remark", "total", "open_count"),
    *("undated_count", "sums", "agreement", "rows_digest", "previous_digest"),
)


def _as_json(column: str) -> str:
    """Return a column as it stands in the digest, the same in every time zone of a session."""
    field = SignedWorkOrder._meta.get_field(column)
    return f"({column} AT TIME ZONE 'UTC')" if isinstance(field, models.DateTimeField) else column


# Of a row with these columns.
OF_ROW = f"encode(sha256(convert_to(jsonb_build_array({', '.join(map(_as_json, COLUMNS))})::text, 'UTF8')), 'hex')"
_OF_ROWS = f"""
    SELECT encode(sha256(convert_to(string_agg({OF_ROW}, '' ORDER BY outsmart_id COLLATE "C"), 'UTF8')), 'hex')
    FROM kingsync_signedworkorder WHERE statement_id = %s
"""  # noqa: S608  (constants only)


def of_rows(statement: SignedStatement) -> str:
    """Return the digest of a statement's work orders as they are stored."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ROWS, [statement.pk])
        found = cursor.fetchone()
    return (found and found[0]) or _NO_ROWS


def of_statement(statement: SignedStatement) -> str:
    header = {name: getattr(statement, name) for name in _HEADER}
    return hashlib.sha256(json.dumps(header, sort_keys=True, default=_text).encode()).hexdigest()


def is_intact(statement: SignedStatement) -> bool:
    """Return whether everything is as it was signed, and the statement before it is the one it continues."""
    previous = statement.previous_digest
    continues = not previous or SignedStatement.objects.filter(digest=previous).exists()
    is_same = statement.digest == of_statement(statement) and statement.rows_digest == of_rows(statement)
    return continues and is_same


def _text(value: datetime.date) -> str:
    return (value.astimezone(datetime.UTC) if isinstance(value, datetime.datetime) else value).isoformat()
