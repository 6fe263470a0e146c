"""Notification e-mails: soon after each problem, or once a day, as the settings say.

What an e-mail covers is saved when the server has accepted it; an e-mail that was not accepted is tried again.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone, translation

from kingsync.models import tenants
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.sync_settings import MailMode, SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.notifications import digest, mailer
from kingsync.notifications.digest import Digest

logger = logging.getLogger(__name__)

DIGEST_AT = datetime.time(7, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
# Very recent changes may not be committed yet: an e-mail covers what is older than this.
SETTLED = datetime.timedelta(seconds=15)
# A run in progress is waited for, so that it causes one e-mail; a long one is not.
PATIENCE = datetime.timedelta(minutes=10)
RETRY_AFTER = datetime.timedelta(minutes=5)
# Value of `problem` until the server has accepted the e-mail.
UNFINISHED = "not finished"
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
        WHERE tenant_id = tenant.id AND problem = '' ORDER BY id DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL (SELECT greatest(last.covered_until, %(since)s)) AS new (since)
    WHERE notification_emails <> '{}' AND CASE notification_mode
    WHEN %(digest)s THEN %(now)s >= %(digest_at)s AND NOT EXISTS (
        SELECT FROM kingsync_sentnotification
        WHERE tenant_id = tenant.id AND mode = %(digest)s AND problem = '' AND sent_at >= %(digest_at)s
    )
    WHEN %(each)s THEN tenant.id = ANY (%(left)s)
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
        OR EXISTS (SELECT FROM kingsync_settingsversion WHERE tenant_id = tenant.id AND saved_at > new.since)
        OR EXISTS (
            SELECT FROM kingsync_reportedworkorder AS reported JOIN kingsync_workorder AS row ON row.id = work_order_id
            WHERE reported.tenant_id = tenant.id AND row.state <> ALL (%(still)s)
        )
    ELSE false END
"""


class Watch:
    """Finds the tenants that an e-mail may be due to. What an earlier look found nothing in is not read again.

    Kept in the process: the first look of a clock reads all that no e-mail covers yet.
    """

    def __init__(self) -> None:
        self._looked_until = _EVER
        # Those whose e-mail is still to come: a run is going on, or no server accepted it.
        self._left: set[int] = set()

    def look(self, *, now: datetime.datetime) -> set[int]:
        """Return the tenants to call `send_due` for; each is found again until `done` is said of it."""
        since = self._looked_until - LATE_COMMITS if _EVER < self._looked_until <= now else _EVER
        values: dict[str, Any] = {
            "now": now,
            "today": timezone.localdate(now),
            "since": since,
            "digest_at": _digest_at(now),
            "left": sorted(self._left),
            "digest": str(MailMode.DIGEST),
            "each": str(MailMode.EACH),
            "failed": str(RunStatus.FAILED),
            "person": [str(state) for state in WorkOrder.NEEDS_A_PERSON],
            "still": [str(state) for state in digest.STILL],
        }
        with tenants.across(), connection.cursor() as cursor:
            cursor.execute(_MAYBE_DUE, values)
            found = {tenant_id for (tenant_id,) in cursor.fetchall()}
        self._left, self._looked_until = set(found), now
        return found

    def done(self, tenant_id: int) -> None:
        self._left.discard(tenant_id)


def send_due(*, now: datetime.datetime) -> bool:
    """Send the e-mail that the current tenant is due for, if any; return False when one is still to come."""
    settings = SyncSettings.objects.first()
    if settings is None or settings.notification_mode == MailMode.OFF or not settings.notification_emails:
        return True
    tenant = Tenant.objects.get(pk=tenants.current_id())
    delivery = Delivery(tenant, settings, now=now, newest=_stamp(SentNotification.objects.order_by("-id").first()))
    with translation.override(tenant.language):
        if settings.notification_mode == MailMode.EACH:
            return _send_each(delivery)
        return not _is_digest_due(now) or _send_digest(delivery)


def unsent(settings: SyncSettings | None, *, now: datetime.datetime) -> SentNotification | None:
    """Return the current tenant's newest e-mail if no server accepted it, so that pages can say so."""
    if settings is None or settings.notification_mode == MailMode.OFF or not settings.notification_emails:
        return None
    newest = SentNotification.objects.order_by("-id").first()
    if newest is None or not newest.problem:
        return None
    is_being_sent = newest.problem == UNFINISHED and newest.sent_at > now - RETRY_AFTER
    return None if is_being_sent else newest


@dataclass(frozen=True)
class Delivery:
    """One check of one tenant. `newest` is its newest e-mail at that time: a parallel check must not send the same."""

    tenant: Tenant
    settings: SyncSettings
    now: datetime.datetime
    newest: tuple[int, datetime.datetime] | None

    @property
    def until(self) -> datetime.datetime:
        return self.now - SETTLED


def _stamp(notice: SentNotification | None) -> tuple[int, datetime.datetime] | None:
    return (notice.pk, notice.sent_at) if notice else None


def _send_each(delivery: Delivery) -> bool:
    last = SentNotification.objects.filter(problem="").order_by("-id").first()
    found = digest.since(delivery.tenant, last.covered_until if last else None, until=delivery.until)
    going_on = SyncRun.objects.filter(status__in=SyncRun.OPEN, queued_at__gt=delivery.now - PATIENCE)
    return found.is_empty or (not going_on.exists() and _deliver(delivery, found))


def _send_digest(delivery: Delivery) -> bool:
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    found = digest.current_state(delivery.tenant, last.covered_until if last else None)
    if not found.is_empty:
        return _deliver(delivery, found)
    if claimed := _claim(delivery, recipients=[], count=0):
        _save_outcome(claimed, "")  # checked today, and there was nothing to report
    return True


def _is_digest_due(now: datetime.datetime) -> bool:
    """Return whether today's e-mail is still to come. The first day begins after the settings asked for it."""
    due_at = _digest_at(now)
    if now < due_at:
        return False
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    if last is not None:
        return last.sent_at < due_at
    saved = SettingsVersion.objects.order_by("-version").first()
    return saved is None or saved.saved_at < due_at


def _digest_at(now: datetime.datetime) -> datetime.datetime:
    """Return when today's e-mail is due."""
    return datetime.datetime.combine(now.astimezone(DIGEST_AT.tzinfo).date(), DIGEST_AT)


def _deliver(delivery: Delivery, found: Digest) -> bool:
    tenant, settings = delivery.tenant, delivery.settings
    recipients = list(settings.notification_emails)
    claimed = _claim(delivery, recipients=recipients, count=found.order_count)
    if claimed is None:
        return False
    context = {"tenant": tenant, "digest": found, "mode": settings.notification_mode, "links": _links(tenant)}
    subject = f"{tenant.name}: {found.headline}"
    try:
        mailer.send(to=recipients, subject=subject, template="notice", context=context)
    except OSError as error:
        logger.warning("notice.not_sent: tenant %s: %s", tenant.slug, type(error).__name__)
        _save_outcome(claimed, f"{type(error).__name__}: {error}"[:500])
        return False
    with transaction.atomic():
        _save_outcome(claimed, "")
        digest.save_reported(found)
    return True


def _claim(delivery: Delivery, *, recipients: list[str], count: int) -> int | None:
    """Save that an e-mail is on its way, one row for all tries; None when another worker has it or it just failed."""
    values = {
        "mode": delivery.settings.notification_mode,
        "recipients": recipients,
        "work_order_count": count,
        "covered_until": delivery.until,
        "problem": UNFINISHED,
    }
    with transaction.atomic():
        SyncSettings.objects.select_for_update().get(pk=delivery.settings.pk)  # one worker at a time
        newest = SentNotification.objects.order_by("-id").first()
        if _stamp(newest) != delivery.newest:
            return None
        if newest is not None and newest.problem and newest.sent_at > delivery.now - RETRY_AFTER:
            return None
        notice = newest if newest is not None and newest.problem else SentNotification.objects.create(**values)
        # `sent_at` too, which only a new row gets automatically.
        SentNotification.objects.filter(pk=notice.pk).update(**values, sent_at=delivery.now)
    return notice.pk


def _save_outcome(notice_id: int, problem: str) -> None:
    SentNotification.objects.filter(pk=notice_id).update(problem=problem)


def _links(tenant: Tenant) -> dict[str, str]:
    links = {name: mailer.link(name, tenant.slug) for name in ("tenant", "work_orders", "settings")}
    return links | {"work_orders": f"{links['work_orders']}?state=person"}
