"""Which directions of which companies fail, as SQL: read from the indexes of complete runs alone."""

from __future__ import annotations

from kingsync.models.runs import RunKind, SyncRun
from kingsync.runs.failures import GOOD

_GOOD = ", ".join(f"'{state.value}'" for state in GOOD)
KINDS = ", ".join(f"'{kind.value}'" for kind in (RunKind.EXPORT, RunKind.IMPORT))
# Exactly the conditions of the indexes of complete runs, which hold all that is asked of most companies.
_COMPLETE = f"NOT (run.options ?| ARRAY[{', '.join(repr(name) for name in SyncRun.PARTIAL)}])"
ENDED_WELL = f"run.status IN ({_GOOD}) AND {_COMPLETE}"
_FAILED = f"run.status = 'failed' AND {_COMPLETE}"
_OF = "run.tenant_id = failed.tenant_id AND run.kind = failed.kind"
# The directions whose newest complete run failed, with that run and when the first one since the last good one was
# queued: as kingsync.runs.failures for one company, which also counts parts that failed.
FAILING = f"""
    failed AS MATERIALIZED (
        SELECT run.tenant_id, run.kind, max(run.id) AS id FROM kingsync_syncrun run
        WHERE {_FAILED} GROUP BY run.tenant_id, run.kind
    ), failing AS MATERIALIZED (
        SELECT failed.*, first.queued_at AS since FROM failed
        LEFT JOIN LATERAL (
            SELECT run.id FROM kingsync_syncrun run WHERE {_OF} AND {ENDED_WELL} ORDER BY run.id DESC LIMIT 1
        ) good ON true
        CROSS JOIN LATERAL (
            SELECT run.queued_at FROM kingsync_syncrun run
            WHERE {_OF} AND {_FAILED} AND run.id > coalesce(good.id, 0) ORDER BY run.id LIMIT 1
        ) first
        WHERE failed.id > coalesce(good.id, 0)
    )
"""  # noqa: S608  (constants only)
