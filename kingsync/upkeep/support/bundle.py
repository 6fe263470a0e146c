"""A zip for who helps: the doctor's findings, versions, settings, the last runs and their log; no secret, no name."""

from __future__ import annotations

import json
import os
import platform
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import IO, Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from kingsync import __version__
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.upkeep.doctor import examination
from kingsync.upkeep.support import impersonal

RUNS_AT_MOST, ENTRIES_AT_MOST = 500, 5_000
README = """\
What kingsync says of itself, for who helps to find a fault. Made from what may be shown: no passwords, tokens, names,
addresses, texts or numbers of work orders, customers or orders. A company is its key in the database, which only its
operator can look up (manage.py list_tenants --json); a record is a mark that is the same within this file only.

doctor.txt      what `manage.py doctor` found; it names this installation's own address and folders
versions.json   Python, the packages, the system
settings.json   switches and numbers of the environment; of everything else only whether it is set
companies.json  switches of each company, its connections and settings, and its work orders by state
runs.jsonl      the newest runs, one per line
log.jsonl       the newest entries of their log, one per line
"""


def write(target: IO[bytes], tenant: Tenant | None = None) -> list[str]:
    """Write the bundle, of one tenant or of all; return its files. What cannot be had is a line in its place."""
    parts: dict[str, Callable[[], str]] = {
        "doctor.txt": _doctor,
        "versions.json": lambda: _json(_versions()),
        "settings.json": lambda: _json(_settings()),
        "companies.json": lambda: _json(list(_companies(tenant))),
        "runs.jsonl": lambda: _lines(_runs(tenant)),
        "log.jsonl": lambda: _lines(_log(tenant)),
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("README.txt", README)
        for name, part in parts.items():
            zipped.writestr(name, _content(part))
    return ["README.txt", *parts]


def _content(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception as error:  # noqa: BLE001 - the rest is wanted all the more; its text may quote an address
        return f"not available ({type(error).__name__})\n"


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=str)


def _lines(values: Iterable[object]) -> str:
    return "".join(json.dumps(each, default=str) + "\n" for each in values)


# --- The installation -------------------------------------------------------------------------------------------------


def _doctor() -> str:
    lines = [f"{timezone.now().isoformat(timespec='seconds')}\n"]
    for each in examination.findings():
        lines.append(f"{each.state:<8} {each.check}: {each.text}{f' — {each.todo}' if each.todo else ''}\n")
    return "".join(lines)


def _versions() -> dict[str, Any]:
    packages = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return {
        "kingsync": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": dict(sorted(packages.items())),
    }


def _settings() -> dict[str, Any]:
    """Return numbers and switches as they are; of texts only whether there is one."""
    found = {}
    for name in sorted(settings.VARIABLES):
        value = getattr(settings, name, None)
        is_plain = isinstance(value, bool | int | float)
        found[name] = value if is_plain else "set" if os.environ.get(name) else "not set"
    return found


# --- Companies, runs, log ---------------------------------------------------------------------------------------------


def _companies(tenant: Tenant | None) -> Iterator[dict[str, Any]]:
    for each in Tenant.objects.filter(**_only(tenant, "pk")).order_by("pk"):
        with tenants.scope(each):
            states = WorkOrder.objects.order_by().values_list("state").annotate(number=models.Count("pk"))
            yield {
                **impersonal.company(each),
                "connections": [impersonal.connection(row) for row in Connection.objects.defer("credentials")],
                "settings": [impersonal.settings(row) for row in SyncSettings.objects.all()],
                "work_orders": dict(Counter(dict(states))),
            }


def _runs(tenant: Tenant | None) -> Iterator[dict[str, Any]]:
    runs = SyncRun.across_tenants.filter(**_only(tenant)).defer(*SyncRun.LARGE).order_by("-pk")
    yield from (impersonal.run(row) for row in runs[:RUNS_AT_MOST])


def _log(tenant: Tenant | None) -> Iterator[dict[str, Any]]:
    marks = impersonal.Marks()
    entries = LogEntry.across_tenants.filter(**_only(tenant)).order_by("-pk")
    yield from (impersonal.log_entry(row, marks) for row in entries[:ENTRIES_AT_MOST])


def _only(tenant: Tenant | None, column: str = "tenant_id") -> dict[str, int]:
    return {column: tenant.pk} if tenant else {}
