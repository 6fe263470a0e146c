"""What may be shown of runs, log, settings and companies: names of ours, numbers, switches; nothing that others wrote.

Chosen, not cleaned: what is not named here is not shown.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import models

from kingsync.models.connections import Connection
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.runs import payloads

# Of a reason about one of the two systems: what our own code fills in. One about a file names the file.
_OF_A_SYSTEM, _OF_A_FILE = "system.", "system.file"
_PARAMS = {
    "system": re.compile("(?i)outsmart|king"),
    "operation": re.compile(r"[A-Za-z_]{1,40}"),
    "status": re.compile(r"[0-9]{1,5}"),
    "code": re.compile(r"[0-9]{1,12}"),
}


class Marks:
    """Gives each record a mark, the same within one bundle, from which its number cannot be found."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def of(self, number: str) -> str:
        return hashlib.blake2b(number.encode(), key=self._key, digest_size=5).hexdigest() if number else ""


def reason(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the code of a reason, and of its values only what names no one."""
    code = str(stored.get("code", ""))
    is_of_a_system = code.startswith(_OF_A_SYSTEM) and not code.startswith(_OF_A_FILE)
    params: Mapping[str, Any] = stored.get("params") or {} if is_of_a_system else {}
    shown = {
        name: str(params[name])
        for name, allowed in _PARAMS.items()
        if name in params and allowed.fullmatch(str(params[name]))
    }
    return {"code": code, **({"params": shown} if shown else {})} if code else {}


def company(tenant: Tenant) -> dict[str, Any]:
    return {"company": tenant.pk, **_switches(tenant)}


def connection(row: Connection) -> dict[str, Any]:
    problems = {"paused_reason": reason(row.paused_reason), "problem": reason(row.last_attempt_problem)}
    times = {"last_success_at": _moment(row.last_success_at), "last_attempt_at": _moment(row.last_attempt_at)}
    return _switches(row) | {"is_connected": row.is_connected} | problems | times


def settings(row: SyncSettings) -> dict[str, Any]:
    return _switches(row)


def run(row: SyncRun) -> dict[str, Any]:
    moments = ("queued_at", "started_at", "heartbeat_at", "lease_until", "finished_at")
    return {
        "company": row.tenant_id,
        "run": row.pk,
        **_switches(row),
        **{name: _moment(getattr(row, name)) for name in moments},
        "options": sorted(row.options),
        "error": reason(row.error),
    }


def log_entry(row: LogEntry, marks: Marks) -> dict[str, Any]:
    call = row.detail.get("call") if isinstance(row.detail, dict) else None
    return {
        "company": row.tenant_id,
        "run": row.run_id,
        "at": _moment(row.at),
        "level": row.level,
        "event": row.event,
        "record_kind": row.record_kind,
        "work_order": marks.of(row.outsmart_id),
        "king_record": marks.of(row.king_id),
        "reason": reason(row.reason),
        "call": {name: call[name] for name in payloads.KEPT if name in call} if isinstance(call, dict) else {},
    }


def _switches(row: models.Model) -> dict[str, Any]:
    """Return the columns that can hold no text of anyone: switches, numbers, and choices of ours."""
    return {
        each.name: getattr(row, each.attname)
        for each in row._meta.concrete_fields
        if not each.primary_key and not isinstance(each, models.ForeignKey) and _is_switch(each)
    }


def _is_switch(column: models.Field[Any, Any]) -> bool:
    return isinstance(column, models.BooleanField | models.IntegerField) or bool(column.choices)


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None
