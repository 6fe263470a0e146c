"""Everything of one tenant as one zip file: complete, of one moment, and without secrets.

Server-side cursors read the rows in one snapshot, and they are written as they come: memory stays constant and no run
waits.
PostgreSQL itself writes each row as JSON, which `json_populate_record` reads back.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.db import connection, models, transaction
from django.utils import timezone

from kingsync import tenant_file
from kingsync.database import sessions
from kingsync.imports.files import store
from kingsync.models import tenants
from kingsync.models.encryption import EncryptedJSONField
from kingsync.models.tenants import Tenant
from kingsync.runs import advisory_locks, journal
from kingsync.upkeep.tenant_data import files, tables
from kingsync.upkeep.tenant_data.readme import README
from kingsync.upkeep.tenant_data.tables import Model

FORMAT, VERSION = "kingsync-tenant", 1
# A work order may have a hundred kilobytes.
ROWS_AT_ONCE = 500
SECRET = "***"  # noqa: S105  (what stands for one)
# Hashes that are of no use to anyone but us; encrypted columns are secret anyhow.
_SECRET_COLUMNS = {
    ("invitation", "token_hash"),
    ("backgroundcall", "key"),
    ("apitoken", "digest"),
    ("apistart", "key_hash"),
}
# What identifies a person's account for this tenant; nothing of other tenants, no password, no second step.
USERS = "tables/user.jsonl"
USER_COLUMNS = ("id", "email", "name", "role", "is_active", "joined_at", "last_login")
_USERS = """
    SELECT row_to_json(r) FROM (
        SELECT u.id, u.email, u.name, m.role, u.is_active, u.joined_at, u.last_login
        FROM kingsync_user u JOIN kingsync_membership m ON m.user_id = u.id WHERE m.tenant_id = %s ORDER BY u.id
    ) r
"""


@dataclass(frozen=True)
class Part:
    """One file of rows in the zip."""

    name: str
    statement: str


class BusyError(Exception):
    """Another page is making an export: each holds a thread of the web server, so there is one at a time."""


def to_temporary_file(tenant: Tenant) -> IO[bytes]:
    """Return the whole export as a file that is gone once it is closed. Raises `BusyError`, `OSError`."""
    with _only_one(), ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        write(tenant, file)
        file.seek(0)
        stack.pop_all()
        return file


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [advisory_locks.EXPORT_OF_A_PAGE])
        if not cursor.fetchone()[0]:
            raise BusyError
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.EXPORT_OF_A_PAGE])


def write(tenant: Tenant, target: IO[bytes]) -> dict[str, int]:
    """Write the export and return the number of rows by file. The file is whole only when this returns."""
    rows: dict[str, int] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as zipped:
        zipped.writestr("README.txt", README)
        with tenants.scope(tenant), _snapshot():
            document = json.dumps(tenant_file.show(tenant), indent=1, ensure_ascii=False)
            zipped.writestr("tenant.json", document)
            for part in _parts():
                rows[part.name] = _write_rows(zipped, part, tenant.pk)
        names = _write_files(zipped, tenant)
        zipped.writestr("manifest.json", json.dumps(_manifest(tenant, rows, names), indent=1))
    return rows


@contextmanager
def _snapshot() -> Iterator[None]:
    """Open a transaction that sees the database as it is now until its end."""
    sessions.take_scope()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


# --- Rows -------------------------------------------------------------------------------------------------------------


def _parts() -> list[Part]:
    """Return the files of rows: those that others refer to come first, as an import needs them."""
    owned = [Part(name_of(model), _statement(model, "tenant_id")) for model in reversed(tables.of_tenants())]
    return [Part(name_of(Tenant), _statement(Tenant, "id")), Part(USERS, _USERS), *owned]


def name_of(model: Model) -> str:
    """Return the file of a table's rows."""
    return f"tables/{model._meta.model_name}.jsonl"


def _statement(model: Model, tenant_column: str) -> str:
    columns = ", ".join(_column(field) for field in model._meta.concrete_fields)
    table, key = model._meta.db_table, model._meta.pk.column
    return (
        f'SELECT row_to_json(r) FROM (SELECT {columns} FROM "{table}"'  # noqa: S608  (names of models)
        f' WHERE "{tenant_column}" = %s ORDER BY "{key}") r'
    )


def _column(field: models.Field[Any, Any]) -> str:
    if is_secret(field):
        return f"CASE WHEN \"{field.column}\" = '' THEN '' ELSE '{SECRET}' END AS \"{field.column}\""
    return f'"{field.column}"'


def is_secret(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, EncryptedJSONField) or (field.model._meta.model_name, field.column) in _SECRET_COLUMNS


def _write_rows(zipped: zipfile.ZipFile, part: Part, tenant_id: int) -> int:
    number = 0
    with zipped.open(part.name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8") as file:
        for (row,) in _rows(part.statement, tenant_id):
            file.write(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False))
            file.write("\n")
            number += 1
    return number


def _rows(statement: str, tenant_id: int) -> Iterator[Sequence[Any]]:
    # As text: decoding JSON only to encode it again takes longer than all the rest.
    as_text = statement.replace("row_to_json(r)", "row_to_json(r)::text", 1)
    with connection.chunked_cursor() as cursor:
        cursor.execute(as_text, [tenant_id])
        while found := cursor.fetchmany(ROWS_AT_ONCE):
            yield from found


# --- Files ------------------------------------------------------------------------------------------------------------


def _write_files(zipped: zipfile.ZipFile, tenant: Tenant) -> list[str]:
    """Add King's XML files and the journal; one that disappears meanwhile was imported, and is left out."""
    names = []
    for name, path in _files(tenant):
        try:
            zipped.write(path, name)
        except FileNotFoundError:
            continue
        names.append(name)
    return names


def _files(tenant: Tenant) -> Iterator[tuple[str, Path]]:
    folder = files.king_folder(tenant.slug)
    for path in sorted(folder.rglob("*")) if folder else []:
        is_ours = path.is_file() and not path.is_symlink() and not path.name.startswith(store.INCOMING)
        if is_ours and folder:
            yield f"king-xml/{path.relative_to(folder)}", path
    for path in journal.files_of(tenant.pk):
        yield f"journal/{path.name}", path


def _manifest(tenant: Tenant, rows: dict[str, int], names: list[str]) -> dict[str, object]:
    """Return what tells an import, or a reader, that the export is whole."""
    made_at = timezone.now().isoformat(timespec="seconds")
    return {
        "format": FORMAT,
        "version": VERSION,
        "slug": tenant.slug,
        "made_at": made_at,
        "rows": rows,
        "files": names,
    }
