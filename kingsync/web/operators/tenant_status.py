"""How every company is doing, worst first: one statement over all tenants, of which one page is returned.

The database computes it from three partial indexes: of runs that failed, of runs that ended well, and of what is open.
docs/performance.md has the time that it takes with 10 000 tenants.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.operators.failing_runs import ENDED_WELL, FAILING, KINDS


class Trouble(models.TextChoices):
    """What may be wrong, in the order of the list; `OK` and `NEW` are the rest."""

    SILENT = "silent", _("silent")
    FAILING = "failing", _("failing")
    PAUSED = "paused", _("connection paused")
    ATTENTION = "attention", _("need attention")
    LICENCE = "licence", _("without a licence")
    NEW = "new", _("not run yet")
    OK = "ok", _("all well")


class Sort(models.TextChoices):
    TROUBLE = "", _("trouble")
    ATTENTION = "attention", _("need attention")
    WAITING = "waiting", _("waiting")
    NAME = "name", _("name")


@dataclass(frozen=True)
class Wanted:
    """The filters of a URL; `cause` is a reason's code, `page` counts from 0."""

    search: str = ""
    trouble: str = ""
    cause: str = ""
    sort: str = ""
    page: int = 0


@dataclass(frozen=True)
class Status:
    """How one company is doing; a direction that does not fail has no `…_failing_since`."""

    tenant_id: int
    trouble: Trouble
    silent_since: datetime.datetime | None
    export_failing_since: datetime.datetime | None
    import_failing_since: datetime.datetime | None
    export_error: dict[str, Any]
    import_error: dict[str, Any]
    is_paused: bool
    attention: int
    waiting: int


@dataclass(frozen=True)
class Statuses:
    """One page of them; `counts` are those of all pages and every trouble, by the search and the cause alone."""

    rows: list[Status]
    has_more: bool
    counts: dict[str, int] = field(default_factory=dict)


_CAUSE = """
    AND tenant.id IN (
        SELECT work_order.tenant_id FROM kingsync_workorder work_order
        JOIN kingsync_administration administration ON administration.id = work_order.administration_id
        JOIN kingsync_tenant present ON present.administration_id = administration.id,
            jsonb_array_elements_text(coalesce(work_order.problem_causes, '[]')) cause
        WHERE NOT (work_order.state IN ('done', 'excluded')) AND work_order.state = ANY (%(attention)s)
            AND split_part(cause, ':', 1) = %(cause)s
    )
"""
_STATUS = f"""
    WITH open AS (
        SELECT tenant_id, sum(number) FILTER (WHERE state = ANY (%(attention)s)) AS attention,
            sum(number) FILTER (WHERE state = %(waiting)s) AS waiting
        FROM (
            -- In the order of the index, so without sorting or hashing each work order.
            SELECT work_order.tenant_id, work_order.administration_id, work_order.state, count(*) AS number
            FROM kingsync_workorder work_order WHERE NOT (work_order.state IN ('done', 'excluded'))
            GROUP BY work_order.tenant_id, work_order.administration_id, work_order.state
        ) each_state
        JOIN kingsync_tenant present ON present.administration_id = each_state.administration_id
        GROUP BY tenant_id
    ), {FAILING}, known AS (
        SELECT tenant.id, tenant.name,
            tenant.closing_at IS NULL AND tenant.is_licensed
                AND coalesce(tenant.licensed_until >= %(today)s, true) AS is_licensed,
            silence.since AS silent_since,
            export.since AS export_since, import.since AS import_since,
            export.id AS export_run, import.id AS import_run,
            paused.tenant_id IS NOT NULL AS is_paused,
            coalesce(open.attention, 0) AS attention, coalesce(open.waiting, 0) AS waiting
        FROM kingsync_tenant tenant
        LEFT JOIN open ON open.tenant_id = tenant.id
        LEFT JOIN (SELECT DISTINCT tenant_id FROM kingsync_connection WHERE state = 'paused') paused
            ON paused.tenant_id = tenant.id
        LEFT JOIN kingsync_silence silence ON silence.tenant_id = tenant.id AND silence.ended_at IS NULL
        LEFT JOIN failing export ON export.tenant_id = tenant.id AND export.kind = '{RunKind.EXPORT.value}'
        LEFT JOIN failing import ON import.tenant_id = tenant.id AND import.kind = '{RunKind.IMPORT.value}'
        WHERE (tenant.name ILIKE %(search)s OR tenant.slug ILIKE %(search)s) {{cause}}
    ), judged AS MATERIALIZED (
        SELECT *, CASE WHEN NOT is_licensed THEN 'licence' WHEN silent_since IS NOT NULL THEN 'silent'
            WHEN export_since IS NOT NULL OR import_since IS NOT NULL THEN 'failing' WHEN is_paused THEN 'paused'
            WHEN attention > 0 THEN 'attention'
            WHEN EXISTS (
                SELECT 1 FROM kingsync_syncrun run
                WHERE run.tenant_id = known.id AND run.kind IN ({KINDS}) AND {ENDED_WELL}
            ) THEN 'ok' ELSE 'new' END AS trouble
        FROM known
    ), counted AS (SELECT jsonb_object_agg(trouble, number) AS counts
        FROM (SELECT trouble, count(*) AS number FROM judged GROUP BY trouble) each_trouble
    ), page AS (
        SELECT * FROM judged WHERE %(trouble)s IN ('', trouble) ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT counted.counts, page.id, page.trouble, page.silent_since, page.export_since, page.import_since,
        (SELECT run.error FROM kingsync_syncrun run WHERE run.id = page.export_run) AS export_error,
        (SELECT run.error FROM kingsync_syncrun run WHERE run.id = page.import_run) AS import_error,
        page.is_paused, page.attention, page.waiting
    FROM counted LEFT JOIN page ON true ORDER BY {{order}}
"""  # noqa: S608  (constants only)
_RANKS = ", ".join(f"'{each.value}'" for each in Trouble)
_BY_TROUBLE = (
    f"array_position(ARRAY[{_RANKS}], trouble),"
    " least(silent_since, export_since, import_since), attention DESC, name, id"
)
_ORDERS = {
    Sort.TROUBLE: _BY_TROUBLE,
    Sort.ATTENTION: "attention DESC, name, id",
    Sort.WAITING: "waiting DESC, name, id",
    Sort.NAME: "name, id",
}
PAGE_SIZE = 50
LAST_PAGE = 10_000


def page(wanted: Wanted) -> Statuses:
    """Return a page of the companies of all tenants, in one statement."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(statement(wanted), parameters(wanted))
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
    rows = [_status(row[1:]) for row in found if row[1] is not None]
    return Statuses(rows[:PAGE_SIZE], has_more=len(rows) > PAGE_SIZE, counts=_decoded(found[0][0]) if found else {})


def statement(wanted: Wanted) -> str:
    """Return the statement that finds the page."""
    order = _ORDERS.get(Sort(wanted.sort), _BY_TROUBLE)
    return _STATUS.format(cause=_CAUSE if wanted.cause else "", order=order)


def parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "attention": [str(state) for state in WorkOrder.NEEDS_A_PERSON],
        "waiting": str(LedgerState.WAITING),
        "today": timezone.localdate(),
        "search": f"%{connection.ops.prep_for_like_query(wanted.search)}%",
        "cause": wanted.cause,
        "trouble": wanted.trouble,
        "limit": PAGE_SIZE + 1,
        "offset": min(wanted.page, LAST_PAGE) * PAGE_SIZE,
    }


def _status(row: Sequence[Any]) -> Status:
    tenant_id, trouble, silent, export_since, import_since, export_error, import_error, is_paused, *numbers = row
    return Status(
        tenant_id,
        Trouble(trouble),
        silent,
        export_since,
        import_since,
        _decoded(export_error),
        _decoded(import_error),
        is_paused,
        *numbers,
    )


def _decoded(value: str | dict[str, Any] | None) -> dict[str, Any]:
    """Return a jsonb value: a cursor of Django's gives it as text."""
    return json.loads(value) if isinstance(value, str) else value or {}
