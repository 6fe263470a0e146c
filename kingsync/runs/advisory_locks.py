"""PostgreSQL's advisory locks that we use: their numbers, and how the session of a frozen holder is ended."""

from __future__ import annotations

from kingsync import probe
from kingsync.models.runs import RunKind

# Arbitrary numbers that nothing else in this database uses.
CLOCK = probe.CLOCK_LOCK
OPERATORS_MAIL = 0x73696C656E
EXPORT_OF_A_PAGE = 0x6578706F7274
# With the number of the tenant as the second one. Whose worker is alive, and which session saves what it does: one
# session has both, unless the threads of a process lend each other sessions (`kingsync.runs.lease`).
RUNS = {RunKind.IMPORT: 0x6B01, RunKind.EXPORT: 0x6B02}
WORK = {RunKind.IMPORT: 0x6B03, RunKind.EXPORT: 0x6B04}
# The same in SQL, for the kind of a run.
CASE_OF_RUNS = " ".join(f"WHEN '{kind.value}' THEN {number}" for kind, number in RUNS.items())

# The last value is PostgreSQL's form of the lock: `ONE_NUMBER` has 0 as its first.
ONE_NUMBER, TWO_NUMBERS = 1, 2
END_HOLDER = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""
