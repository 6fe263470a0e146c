"""What the database stores: its schema, the wall between tenants, and values under the encryption keys."""

from __future__ import annotations

from kingsync.runs import schema as stored_schema
from kingsync.upkeep import key_rotation, tenant_wall
from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong


def schema() -> list[Finding]:
    if missing := stored_schema.Watch().missing():
        return [wrong(f"lacks {len(missing)} migrations: {', '.join(missing)}", "Run `manage.py migrate`.")]
    return [ok("has all migrations")]


def wall() -> list[Finding]:
    """Look for gaps in the wall between tenants."""
    todo = "Run `manage.py migrate`; a role above the wall must lose SUPERUSER, BYPASSRLS and its memberships."
    return [wrong(problem, todo) for problem in tenant_wall.problems()] or [ok("has no gap")]


def keys() -> list[Finding]:
    """Count the stored secrets by the key that opens them."""
    found = key_rotation.status()
    if found.unreadable:
        todo = "Put the missing key behind the others in ENCRYPTION_KEYS, or enter those credentials again."
        return [wrong(f"{found.unreadable} stored secrets are opened by no key", todo)]
    _first, *others = found.values.values()
    if sum(others):
        return [warning(f"{sum(others)} stored secrets are under an older key", "Run `manage.py rotate_keys`.")]
    if others:
        todo = "Remove the older keys from ENCRYPTION_KEYS once no backup needs them."
        return [warning("no stored secret is under an older key any more", todo)]
    return [ok(f"{sum(found.values.values())} stored secrets, all under the newest key")]
