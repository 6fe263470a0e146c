"""A page of the filtered log: no more is read than is shown, however long the log is and whether or not it has any.

Each kind of entry (event, kind of record, level) has its own stretch of one index, newest last. So of each kind that is
asked for at most a page is read, and a kind that the company never logged costs nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TypeAlias, cast

from django.db import connection
from django.db.models import QuerySet

from kingsync.models.runs import LogEntry, SyncRun
from kingsync.runs.run_log import Kind
from kingsync.web.shared import paging

NEWEST = paging.Order("at")
_PARTS = ("event", "record_kind", "level")
_NO_END = 2**63 - 1
Moment: TypeAlias = "datetime.datetime | None"
# Of each kind no more than a page; the wall keeps to the company, and may use the index for all of these conditions.
_NEWEST = """
    SELECT found.id, found.at
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS kind (event, record_kind, level)
    CROSS JOIN LATERAL (
        SELECT entry.id, entry.at FROM kingsync_logentry AS entry
        WHERE entry.event = kind.event AND entry.record_kind = kind.record_kind AND entry.level = kind.level
        AND entry.at >= coalesce(%s, '-infinity'::timestamptz) AND entry.at <= coalesce(%s, 'infinity'::timestamptz)
        AND (entry.at, entry.id) < (coalesce(%s, 'infinity'::timestamptz), %s)
        ORDER BY entry.at DESC, entry.id DESC LIMIT %s
    ) AS found
    ORDER BY found.at DESC, found.id DESC LIMIT %s
"""


def page(kinds: Sequence[Kind], *, since: Moment, until: Moment, before: str) -> paging.Page[LogEntry]:
    """Return a page of the entries of these kinds between two moments, newest first, each with its run."""
    start = paging.start_of(LogEntry.objects.all(), NEWEST, before)
    found = _newest(kinds, since, until, start, paging.PAGE_SIZE + 1)
    shown = found[: paging.PAGE_SIZE]
    by_key = with_runs().in_bulk([key for key, _at in shown])
    return paging.Page(
        rows=[by_key[key] for key, _at in shown if key in by_key],
        older=paging.key_of(shown[-1], NEWEST) if len(found) > len(shown) else None,
        is_first=start is None,
    )


def _newest(
    kinds: Sequence[Kind], since: Moment, until: Moment, start: paging.Start | None, size: int
) -> list[tuple[int, datetime.datetime]]:
    """Return keys and times of the newest entries, of those behind a start if there is one."""
    end_at, end_key = (cast("datetime.datetime", start.value), start.key) if start else (until, _NO_END)
    columns = [[getattr(kind, name) for kind in kinds] for name in _PARTS]
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [*columns, since, until, end_at, end_key, size, size])
        return [(key, at) for key, at in cursor.fetchall()]


def with_runs() -> QuerySet[LogEntry]:
    """Return all entries, each to be read with what is shown of its run."""
    return LogEntry.objects.select_related("run").defer(*(f"run__{name}" for name in SyncRun.LARGE))


def page_of_few(few: QuerySet[LogEntry], kinds: Sequence[Kind], *, before: str) -> paging.Page[LogEntry]:
    """Return the same of entries that an index finds by themselves: those of a run or about a number."""
    few = few.filter(**{f"{name}__in": {getattr(kind, name) for kind in kinds} for name in _PARTS})
    return paging.newest_first(few, before=before)
