"""Whether the database has the tables that this code expects: during an update, code may start before `migrate` ran.

Then it waits. The other way round nothing waits: older code works on a newer schema (docs/decisions/0029-own-parts.md).
"""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

logger = logging.getLogger(__name__)

LOOK_SECONDS, SAY_AGAIN_SECONDS = 2.0, 60.0


class Watch:
    """Remembers that the schema was once complete: it is not looked at again."""

    _is_complete = False

    def missing(self) -> list[str]:
        """Return the migrations that the database lacks. Raises `DatabaseError`."""
        if self._is_complete:
            return []
        loader = MigrationLoader(connection)
        found = sorted(f"{app}.{name}" for app, name in loader.graph.nodes.keys() - loader.applied_migrations.keys())
        self._is_complete = not found
        return found

    def is_complete(self) -> bool:
        """Return whether nothing is missing; say in the log what is."""
        try:
            found = self.missing()
        except DatabaseError as error:
            logger.warning("schema.unknown: the database does not answer (%s)", type(error).__name__)
            return False
        if found:
            names = ", ".join(found)
            logger.warning("schema.behind: waiting until `manage.py migrate` has applied %s", names)
        return not found


watch = Watch()


def wait_until_complete() -> None:
    """Return when the database has every migration of this code, or at once; repeat now and then what is missing."""
    while not watch.is_complete():
        again_at = time.monotonic() + SAY_AGAIN_SECONDS
        while time.monotonic() < again_at and not _is_there():
            time.sleep(LOOK_SECONDS)


def _is_there() -> bool:
    try:
        return not watch.missing()
    except DatabaseError:
        connection.close()
        return False
