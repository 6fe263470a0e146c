"""Which tenants an e-mail may be due to, asked of all of them by one statement; `notify` then decides and sends."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunStatus
from kingsync.models.sync_settings import MailMode
from kingsync.models.work_orders import WorkOrder
from kingsync.notifications import digest, openings

DIGEST_AT = datetime.time(7, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
# What changed so long ago is surely committed.
LATE_COMMITS = datetime.timedelta(minutes=10)
_EVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


# What an e-mail after each problem may tell of since some moment. Who has nothing new is not found.
_MAYBE_DUE = """
    SELECT settings.tenant_id
    FROM kingsync_syncsettings AS settings
    JOIN kingsync_tenant AS tenant ON tenant.id = settings.tenant_id
    LEFT JOIN LATERAL (
        SELECT covered_until FROM kingsync_sentnotification
        WHERE tenant_id = tenant.id AND problem = '' ORDER BY mode = %(each)s DESC, id DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL (SELECT greatest(last.covered_until, %(since)s)) AS new (since)
    CROSS JOIN LATERAL (
        SELECT array(
            SELECT notification_mode WHERE notification_emails <> '{}'
            UNION SELECT mode FROM kingsync_notificationchoice WHERE tenant_id = tenant.id
        ) AS modes
    ) AS wanted
    CROSS JOIN LATERAL (
        SELECT %(each)s = ANY (modes) AND (
            tenant.id = ANY (%(left)s)
            OR (
                SELECT mode = %(chosen)s AND problem <> '' FROM kingsync_sentnotification
                WHERE tenant_id = tenant.id ORDER BY id DESC LIMIT 1
            )
            OR EXISTS (SELECT FROM kingsync_reportedfailure WHERE tenant_id = tenant.id)
            OR EXISTS (
                SELECT FROM kingsync_workorder
                WHERE tenant_id = tenant.id AND changed_at > new.since AND state = ANY (%(person)s)
            )
            OR EXISTS (
                SELECT FROM kingsync_syncrun
                WHERE tenant_id = tenant.id AND finished_at > new.since AND status = %(failed)s
            )
            OR (
                SELECT at FROM kingsync_logentry
                WHERE tenant_id = tenant.id AND NOT level = 'info' ORDER BY id DESC LIMIT 1
            ) > new.since
            OR EXISTS (
                SELECT FROM kingsync_changelimittrip WHERE tenant_id = tenant.id AND tripped_at > new.since
            )
            OR (
                (NOT is_licensed OR licensed_until < %(today)s)
                AND greatest(licence_changed_at, licensed_until + interval '2 days') > new.since
            )
            OR NOT %(is_all_read)s AND EXISTS (
                SELECT FROM kingsync_settingsversion WHERE tenant_id = tenant.id AND saved_at > new.since
            )
            OR EXISTS (
                SELECT FROM kingsync_reportedworkorder AS reported
                JOIN kingsync_workorder AS row ON row.id = work_order_id
                WHERE reported.tenant_id = tenant.id AND row.state <> ALL (%(still)s)
            )
        ) AS is_soon
        OFFSET 0  -- worked out once for each
    ) AS after_each
    WHERE is_soon OR (
        %(digest)s = ANY (modes) AND %(now)s >= %(digest_at)s AND NOT EXISTS (
            SELECT FROM kingsync_sentnotification
            WHERE tenant_id = tenant.id AND mode = %(digest)s AND problem = '' AND sent_at >= %(digest_at)s
        )
    )
    ORDER BY is_soon IS NOT TRUE, tenant.id
"""


class Watch:
    """Finds the tenants that an e-mail may be due to. What an earlier look found nothing in is not read again.

    Kept in the process: the first look of a clock reads all that no e-mail covers yet. A later one does so only for
    tenants whose settings were saved since: until then nobody there may have wanted an e-mail.
    """

    def __init__(self) -> None:
        self._looked_until = _EVER
        # Those whose e-mail is still to come: a run is going on, or no server accepted it.
        self._left: set[int] = set()

    def look(self, *, now: datetime.datetime) -> list[int]:
        """Return the tenants to call `send_due` for; each is found again until `done` is said of it.

        First come those to whom something may have happened, then those that only the e-mail of the day is due to.
        """
        is_all_read = not _EVER < self._looked_until <= now
        since = _EVER if is_all_read else self._looked_until - LATE_COMMITS
        values: dict[str, Any] = {
            "now": now,
            "today": timezone.localdate(now),
            "since": since,
            "is_all_read": is_all_read,
            "digest_at": digest_at(now),
            "left": sorted(self._left),
            "digest": str(MailMode.DIGEST),
            "each": str(MailMode.EACH),
            "chosen": openings.MODE,
            "failed": str(RunStatus.FAILED),
            "person": [str(state) for state in WorkOrder.NEEDS_A_PERSON],
            "still": [str(state) for state in digest.STILL],
        }
        with tenants.across(), connection.cursor() as cursor:
            cursor.execute(_MAYBE_DUE, values)
            found = [tenant_id for (tenant_id,) in cursor.fetchall()]
        self._left, self._looked_until = set(found), now
        return found

    def done(self, tenant_id: int) -> None:
        self._left.discard(tenant_id)


def digest_at(now: datetime.datetime) -> datetime.datetime:
    """Return when today's e-mail is due."""
    return datetime.datetime.combine(now.astimezone(DIGEST_AT.tzinfo).date(), DIGEST_AT)
