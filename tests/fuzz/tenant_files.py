"""The tenant file with anything wrong in it: applied whole, or refused with a path and nothing stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from kingsync import tenant_file
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant
from tests import documents
from tests.fuzz.mutations import mutated
from tests.fuzz.scene import undone

EXAMPLE: dict[str, Any] = json.loads(documents.EXAMPLE.read_bytes())


def failures(chance: Random, count: int) -> Iterator[str]:
    """Apply that many files to a tenant that has the example; every one is undone."""
    tenant_file.apply(documents.EXAMPLE.read_bytes())
    before = _state()
    for _ in range(count):
        content = mutated(chance, EXAMPLE, most=3)
        with undone():
            yield from (f"{each}, of {content[:400]!r}" for each in _applied(content, before))


def _state() -> tuple[Any, ...]:
    """Return what is stored: all tenants as files, and how many versions of their settings."""
    tenants = [tenant_file.show(each) for each in Tenant.objects.order_by("slug")]
    return tenants, SettingsVersion.across_tenants.count()


def _applied(content: bytes, before: tuple[Any, ...]) -> Iterator[str]:
    try:
        tenant = tenant_file.apply(content)
    except tenant_file.TenantFileError as refused:
        if _state() != before:
            yield "refused, and something was stored"
        if not str(refused).strip() or "\n\n" in str(refused):
            yield "refused without a sentence"
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        yield repr(error)
    else:
        yield from _applied_again(tenant)


def _applied_again(tenant: Tenant) -> Iterator[str]:
    """Yield what is wrong with a stored file: shown, it must be one that changes nothing."""
    state = _state()
    shown = json.dumps(tenant_file.show(tenant)).encode()
    try:
        tenant_file.apply(shown)
    except tenant_file.TenantFileError as refused:
        yield f"what was stored is refused: {refused}"
    else:
        if _state() != state:
            yield "applied again it is another one"
