"""The index of the search over master data: records come into it after their import, not during it.

Keeping it costs more than twice what storing a record costs. Until its turn comes a record is found without the index.
"""

from __future__ import annotations

from django.db import connection

from kingsync.models import tenants

AT_ONCE = 2_000
# Rows that an import is writing this moment are left to the next time: neither waits for the other.
_TAKE_IN = """
    UPDATE kingsync_recordlink SET is_in_search = true WHERE id = ANY (ARRAY(
        SELECT id FROM kingsync_recordlink WHERE NOT is_in_search LIMIT %s FOR UPDATE SKIP LOCKED
    ))
"""


def catch_up() -> int:
    """Take the next records of all tenants into the index and return how many these were."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_TAKE_IN, [AT_ONCE])
        return int(cursor.rowcount)
