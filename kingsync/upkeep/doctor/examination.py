"""All checks of `manage.py doctor`, in their order: what others need comes first."""

from __future__ import annotations

from collections.abc import Iterator

from kingsync.upkeep.doctor import broker, checks, environment, pages, servers, stored, work
from kingsync.upkeep.doctor.checks import Check, Finding

DATABASE, BROKER, SCHEMA = "database", "broker", "schema"
CHECKS = (
    Check("keys", environment.keys),
    Check("addresses", environment.addresses),
    Check("variables", environment.variables),
    Check("disk", environment.disk),
    Check(DATABASE, servers.database),
    Check(BROKER, broker.broker),
    Check("mail server", servers.mail_server),
    Check("pages", pages.pages),
    Check("versions", environment.versions, needs=(DATABASE,)),
    Check("time", servers.time_difference, needs=(DATABASE,)),
    Check("backups", servers.archive, needs=(DATABASE,)),
    Check(SCHEMA, stored.schema, needs=(DATABASE,)),
    Check("wall between tenants", stored.wall, needs=(SCHEMA,)),
    Check("stored secrets", stored.keys, needs=(SCHEMA,)),
    Check("clock", work.clock, needs=(SCHEMA,)),
    Check("workers", work.workers, needs=(SCHEMA,)),
    Check("queues", work.queues, needs=(BROKER, SCHEMA)),
    Check("stuck runs", work.stuck_runs, needs=(SCHEMA,)),
    Check("connections", work.connections_of_tenants, needs=(SCHEMA,)),
    Check("restores", work.restores, needs=(SCHEMA,)),
    Check("verification", work.verification, needs=(SCHEMA,)),
)


def findings(*, seconds: float = checks.SECONDS) -> Iterator[Finding]:
    """Yield one finding or more of each check, as soon as it is known."""
    return checks.examined(CHECKS, seconds=seconds)
