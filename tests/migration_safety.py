"""Which migrations break the code of the version before, which goes on running on the new tables during an update.

What goes, is renamed or is demanded takes two versions: the first expands (adds what is new, and code stops using what
is old), the second contracts. A migration of the second kind says so, with what made it safe:

    class Migration(migrations.Migration):
        contract = "kingsync_syncrun.error: no code reads or writes it since 0.2.0"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_GOES = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.DeleteModel,
    migrations.AlterModelTable,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BREAKING_SQL = {
    "drops what older code uses": r"\bDROP\s+(TABLE|COLUMN|VIEW|MATERIALIZED\s+VIEW|SEQUENCE|TYPE)\b",
    "renames": r"\bRENAME\b",
    "demands a value": r"\bSET\s+NOT\s+NULL\b|\bDROP\s+DEFAULT\b",
    "changes a type": r"\bALTER\s+(COLUMN\s+)?\S+\s+(SET\s+DATA\s+)?TYPE\b",
}
_ADDED_COLUMN = re.compile(r"\bADD\s+COLUMN\s+(IF\s+NOT\s+EXISTS\s+)?\S+[^,;]*", re.IGNORECASE)


def problems(migration: migrations.Migration, before: ProjectState) -> list[str]:
    """Return what breaks older code, one sentence for each operation; none for a migration that is marked `contract`.

    `before` is the state that the migration starts from; it is changed.
    """
    if getattr(migration, "contract", ""):
        return []
    new_models: set[str] = set()
    found: list[str] = []
    for operation in _flat(migration.operations):
        if isinstance(operation, migrations.CreateModel):
            new_models.add(operation.name_lower)
        elif _model_of(operation) not in new_models:
            found += _problems_of(operation, before)
        operation.state_forwards("kingsync", before)
    return found


def _flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _model_of(operation: Operation) -> str:
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None) or ""
    return str(name).lower()


def _problems_of(operation: Operation, before: ProjectState) -> Iterator[str]:
    if isinstance(operation, _GOES):
        yield f"{operation.describe()}: older code still uses it"
    elif isinstance(operation, migrations.AddField) and _demands_a_value(operation.field):
        yield f"{operation.describe()}: older code gives it no value, and the database has no default for it"
    elif isinstance(operation, migrations.AlterField) and _is_tightened(operation, before):
        yield f"{operation.describe()}: older code may still write an empty value"
    elif isinstance(operation, migrations.RunSQL):
        yield from (f"RunSQL {what}" for what in _problems_of_sql(operation.sql))


def _demands_a_value(field: models.Field[object, object]) -> bool:
    return not (field.null or field.many_to_many or _has_default(field))


def _has_default(field: models.Field[object, object]) -> bool:
    return getattr(field, "db_default", models.NOT_PROVIDED) is not models.NOT_PROVIDED


def _is_tightened(operation: migrations.AlterField, before: ProjectState) -> bool:
    was = before.models["kingsync", operation.model_name_lower].get_field(operation.name)
    return bool(was.null) and not operation.field.null


def _problems_of_sql(sql: object) -> Iterator[str]:
    parts = sql if isinstance(sql, list | tuple) else [sql]
    text = _COMMENTS.sub(" ", "\n".join(str(part[0] if isinstance(part, list | tuple) else part) for part in parts))
    for what, pattern in _BREAKING_SQL.items():
        if re.search(pattern, text, re.IGNORECASE):
            yield what
    for added in _ADDED_COLUMN.finditer(text):
        column = added.group().upper()
        if "NOT NULL" in column and "DEFAULT" not in column:
            yield f"demands a value: {added.group()}"
