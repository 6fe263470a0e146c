"""Import an exported tenant into this installation: all of it or nothing, with keys of its own.

What it does not take along, and why, is in docs/decisions/0048-moving-a-company.md.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from kingsync.database import sessions
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.audit import doors, trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.change_limit_trips import StagedRecord
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.ledger_counts import LedgerCount
from kingsync.models.links import ReadState
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import NextRun, RunStatus, SyncRun
from kingsync.models.tenants import Administration, Tenant
from kingsync.models.users import User, folded
from kingsync.rules.outcomes import reason
from kingsync.upkeep.tenant_data import archive, moved_files, tables
from kingsync.upkeep.tenant_data.archive import Archive, ArchiveError, Row
from kingsync.upkeep.tenant_data.tables import Model

logger = logging.getLogger(__name__)

ROWS_AT_ONCE, CHARACTERS_AT_ONCE = 500, 8_000_000
# Links with a secret that is not in the file; answers that a page of the other installation waited for; a scan that
# starts again; what this database counts itself as the work orders come in.
LEFT_OUT: frozenset[Model] = frozenset({Invitation, BackgroundCall, StagedRecord, LedgerCount})


@dataclass(frozen=True)
class Account:
    email: str
    is_new: bool


@dataclass(frozen=True)
class Imported:
    """What was imported: rows by table, accounts, files; `without_folder` = files that have no folder here."""

    tenant: Tenant
    rows: dict[str, int]
    accounts: list[Account]
    files: int
    without_folder: int


@dataclass
class _Keys:
    """The keys of the other installation → ours."""

    tenant: int
    users: dict[int, int]
    rows: dict[Model, dict[Any, Any]] = field(default_factory=dict)


def read(path: Path) -> Imported:
    """Import a tenant. Raises `ArchiveError`, `OSError`; then nothing of it is here."""
    with archive.opened(path) as found, moved_files.removed_on_error() as written:
        try:
            with transaction.atomic():
                imported = _imported(found, written)
        except DatabaseError as error:
            raise ArchiveError(
                f"The database refuses what is in the file ({type(error.__cause__ or error).__name__}). "
                "Export again; if that does not help, report it."
            ) from None
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            raise ArchiveError(f"The file does not hold what an export holds ({type(error).__name__}).") from None
    logger.info("tenant.imported: tenant %s", imported.tenant.slug)
    return imported


def _imported(found: Archive, written: list[Path]) -> Imported:
    if Tenant.objects.filter(slug=found.slug).exists():
        raise ArchiveError(
            f"There is a tenant “{found.slug}” here already. Nothing was changed. Delete it first, with delete_tenant, "
            "if the file is to take its place."
        )
    old_key, tenant_id = _insert_tenant(found)
    accounts, users = _accounts(found)
    keys, rows = _Keys(tenant_id, users), Counter[str]()
    with tenants.scope(tenant_id), doors.importing_statements(tenant_id):
        for model in reversed(tables.of_tenants()):
            rows[model._meta.db_table] = _insert_all(found, model, keys)
    _take_administration(found, keys)
    tenant = Tenant.objects.get(pk=tenant_id)
    trail.record(
        Action.COMPANY_CREATED,
        tenant=tenant_id,
        subject=f"{tenant.name} ({tenant.slug})",
    )
    files, without_folder = moved_files.restore(found, tenant, old_key=old_key, written=written)
    return Imported(tenant, {name: number for name, number in rows.items() if number}, accounts, files, without_folder)


# --- The tenant and its accounts --------------------------------------------------------------------------------------


def _insert_tenant(found: Archive) -> tuple[int, int]:
    """Insert the tenant's own row, without its administration; return its key there and here."""
    each = list(found.rows(Tenant))
    if len(each) != 1 or each[0][1]["slug"] != found.slug:
        raise ArchiveError("The file does not have exactly one tenant. Export again.")
    [(text, row)] = each
    [key] = _reserve(Tenant, 1)
    # Where it was to be deleted, it was so there.
    stays = {"closing_at": None, "closing_asked_at": None, "closing_asked_by": ""}
    _insert(Tenant, [(text, {"id": key, "administration_id": None} | stays)])
    return int(row["id"]), key


def _take_administration(found: Archive, keys: _Keys) -> None:
    [(_text, row)] = list(found.rows(Tenant))
    present = keys.rows[Administration].get(row["administration_id"])
    if present is None:
        raise ArchiveError("The file does not say which administration is the present one. Export again.")
    Tenant.objects.filter(pk=keys.tenant).update(administration=present)


def _accounts(found: Archive) -> tuple[list[Account], dict[int, int]]:
    """Find each user's account by e-mail address, or make one without a password."""
    accounts, keys = [], {}
    for row in found.users():
        email = folded(row["email"])
        user = User.objects.filter(email=email).first()
        accounts.append(Account(email, is_new=user is None))
        if user is None:
            given = {name: row[name] for name in ("name", "is_active", "joined_at")}
            user = User.objects.create_user(email, None, **given)
        keys[int(row["id"])] = user.pk
    return accounts, keys


# --- Rows -------------------------------------------------------------------------------------------------------------


def _insert_all(found: Archive, model: Model, keys: _Keys) -> int:
    """Insert the rows of a table and return how many."""
    if model in LEFT_OUT:
        for _row in found.rows(model):
            pass  # they are read, so that a damaged file is noticed
        return 0
    inserted = 0
    for batch in _batches(found.rows(model)):
        kept = [(text, row) for text, row in batch if _has_owner(model, row, keys)]
        ours = [_changes(model, row, keys) for _text, row in kept]
        if not _is_numbered(model):
            keys.rows.setdefault(model, {}).update((row["id"], row["id"]) for _text, row in kept)
        elif model in _referred_to():
            new = _reserve(model, len(kept))
            keys.rows.setdefault(model, {}).update(zip((row["id"] for _text, row in kept), new, strict=True))
            ours = [each | {"id": key} for each, key in zip(ours, new, strict=True)]
        _insert(model, [(text, each) for (text, _row), each in zip(kept, ours, strict=True)])
        inserted += len(kept)
    return inserted


def _batches(rows: Iterator[tuple[str, Row]]) -> Iterator[list[tuple[str, Row]]]:
    batch: list[tuple[str, Row]] = []
    characters = 0
    for text, row in rows:
        batch.append((text, row))
        characters += len(text)
        if len(batch) >= ROWS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _is_numbered(model: Model) -> bool:
    """Return False for a table whose keys are the same everywhere."""
    return isinstance(model._meta.pk, models.AutoField)


def _referred_to() -> set[Model]:
    return {other for model in tables.of_tenants() for other in tables.referred_to(model)} & set(tables.of_tenants())


def _has_owner(model: Model, row: Row, keys: _Keys) -> bool:
    """Return False for what belongs to a user who is not in the file, and cannot be without one."""
    return all(
        row[each.column] in keys.users
        for each in model._meta.concrete_fields
        if isinstance(each, models.ForeignKey) and each.related_model is User and not each.null
    )


def _changes(model: Model, row: Row, keys: _Keys) -> Row:
    """Return what is another value here than in the file."""
    changed: Row = {}
    for each in model._meta.concrete_fields:
        if not isinstance(each, models.ForeignKey) or row[each.column] is None:
            continue
        if each.related_model is Tenant:
            changed[each.column] = keys.tenant
        elif each.related_model is User:
            changed[each.column] = keys.users.get(row[each.column])
        else:
            changed[each.column] = _key_of(each, row, keys)
    return changed | _VALUES.get(model, _as_it_is)(row)


def _key_of(reference: models.ForeignKey[Any, Any], row: Row, keys: _Keys) -> Any:
    other: Any = reference.related_model
    found = keys.rows.get(other, {}).get(row[reference.column])
    if found is None:
        raise ArchiveError(f"A row of {reference.model._meta.db_table} refers to one that is missing. Export again.")
    return found


def _reserve(model: Model, number: int) -> list[int]:
    """Take the next keys of a table; only the owner of its sequence may."""
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [f'"{model._meta.db_table}"', number],
        )
        return [key for (key,) in cursor.fetchall()]


def _insert(model: Model, rows: list[tuple[str, Row]]) -> None:
    """Insert rows as PostgreSQL wrote them, with changes: no value goes through Python."""
    has_key = not _is_numbered(model) or all("id" in changed for _text, changed in rows)
    names = [each.column for each in model._meta.concrete_fields if has_key or not each.primary_key]
    columns, table = ", ".join(f'"{name}"' for name in names), model._meta.db_table
    values = ", ".join(f'r."{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({columns}) SELECT {values}'  # noqa: S608  (names of models)
            " FROM unnest(%s::text[], %s::text[]) AS given(stored, changed)"
            " CROSS JOIN LATERAL"
            f' jsonb_populate_record(null::"{table}", given.stored::jsonb || given.changed::jsonb) r',
            [[text for text, _changed in rows], [json.dumps(changed) for _text, changed in rows]],
        )


# --- What is another value here ---------------------------------------------------------------------------------------


def _as_it_is(_row: Row) -> Row:
    return {}


def _of_connection(row: Row) -> Row:
    """Let nothing run before someone has filled in the credentials, which the file has not."""
    why = stored(reason("no_connection", system=str(System(row["system"]).label)))
    paused = {"state": Connection.State.PAUSED, "paused_reason": why} if row["base_url"] else {}
    return {"credentials": "", **paused}


def _of_run(row: Row) -> Row:
    """End a run that was going on there: no worker of ours has it."""
    options = row["options"] | {
        name: [] for name in (SyncRun.NAMED_FILES, SyncRun.FOUND_FILES) if name in row["options"]
    }
    if row["status"] not in SyncRun.OPEN:
        return {"options": options, "listed": None}
    ended = {"status": RunStatus.FAILED, "error": stored(reason("interrupted")), "lease_until": None, "listed": None}
    return {"options": options, "is_unsent": False, "finished_at": timezone.now().isoformat(), **ended}


def _of_file(row: Row) -> Row:
    """Forget a file that waited at a path of the other machine."""
    if row["state"] != KingFile.State.NEW or not row["path"].startswith("/"):
        return {}
    why = reason("system.file_missing", system="king", operation=row["name"])
    return {"state": KingFile.State.FAILED, "reason": stored(why)}


def _anew(*columns: str) -> Callable[[Row], Row]:
    return lambda _row: dict.fromkeys(columns)


_VALUES: dict[Model, Callable[[Row], Row]] = {
    Connection: _of_connection,
    SyncRun: _of_run,
    KingFile: _of_file,
    # King is asked for all its orders before the first one is created here.
    RestoreWatch: _anew("looked_at"),
    # The staged records of a scan in progress are left out, so it starts again.
    ReadState: _anew("unseen"),
    # A key of the other installation.
    AuditEntry: _anew("once"),
    # When the clock looks next, it calculates this again.
    NextRun: lambda _row: {"is_stale": True},
}
