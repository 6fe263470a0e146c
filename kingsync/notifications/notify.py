"""Notification e-mails: soon after each problem, or once a day, as the settings say.

What an e-mail covers is saved when the server has accepted it; an e-mail that was not accepted is tried again.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import translation

from kingsync.models import tenants
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import SyncRun
from kingsync.models.sync_settings import MailMode, SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
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


def tenants_with_mail() -> list[int]:
    """Return the tenants that want e-mails and have recipients."""
    wanted = SyncSettings.across_tenants.exclude(notification_mode=MailMode.OFF).exclude(notification_emails=[])
    return list(wanted.order_by("tenant_id").values_list("tenant_id", flat=True))


def send_due(*, now: datetime.datetime) -> None:
    """Send the e-mail that the current tenant is due for, if any."""
    settings = SyncSettings.objects.first()
    if settings is None or settings.notification_mode == MailMode.OFF or not settings.notification_emails:
        return
    tenant = Tenant.objects.get(pk=tenants.current_id())
    delivery = Delivery(tenant, settings, now=now, newest=_stamp(SentNotification.objects.order_by("-id").first()))
    with translation.override(tenant.language):
        if settings.notification_mode == MailMode.EACH:
            _send_each(delivery)
        elif _is_digest_due(now):
            _send_digest(delivery)


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


def _send_each(delivery: Delivery) -> None:
    last = SentNotification.objects.filter(problem="").order_by("-id").first()
    found = digest.since(delivery.tenant, last.covered_until if last else None, until=delivery.until)
    going_on = SyncRun.objects.filter(status__in=SyncRun.OPEN, queued_at__gt=delivery.now - PATIENCE)
    if not found.is_empty and not going_on.exists():
        _deliver(delivery, found)


def _send_digest(delivery: Delivery) -> None:
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    found = digest.current_state(delivery.tenant, last.covered_until if last else None)
    if not found.is_empty:
        _deliver(delivery, found)
    elif claimed := _claim(delivery, recipients=[], count=0):
        _save_outcome(claimed, "")  # checked today, and there was nothing to report


def _is_digest_due(now: datetime.datetime) -> bool:
    """Return whether today's e-mail is still to come. The first day begins after the settings asked for it."""
    due_at = datetime.datetime.combine(now.astimezone(DIGEST_AT.tzinfo).date(), DIGEST_AT)
    if now < due_at:
        return False
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    if last is not None:
        return last.sent_at < due_at
    saved = SettingsVersion.objects.order_by("-version").first()
    return saved is None or saved.saved_at < due_at


def _deliver(delivery: Delivery, found: Digest) -> None:
    tenant, settings = delivery.tenant, delivery.settings
    recipients = list(settings.notification_emails)
    claimed = _claim(delivery, recipients=recipients, count=found.order_count)
    if claimed is None:
        return
    context = {"tenant": tenant, "digest": found, "mode": settings.notification_mode, "links": _links(tenant)}
    subject = f"{tenant.name}: {found.headline}"
    try:
        mailer.send(to=recipients, subject=subject, template="notice", context=context)
    except OSError as error:
        logger.warning("notice.not_sent: tenant %s: %s", tenant.slug, type(error).__name__)
        _save_outcome(claimed, f"{type(error).__name__}: {error}"[:500])
        return
    with transaction.atomic():
        _save_outcome(claimed, "")
        digest.save_reported(found)


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
