"""Notification e-mails: soon after each problem, or once a day, as each recipient wants it.

Those who want the same get the same e-mail, each in their language and with their own way to unsubscribe. What it
covers is saved when the server has accepted it for all of them; who did not get it is tried again.
"""

from __future__ import annotations

import datetime
import logging
import smtplib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import translation

from kingsync.models import tenants
from kingsync.models.notifications import SentNotification, StoppedAddress
from kingsync.models.runs import SyncRun
from kingsync.models.sync_settings import MailMode, SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.users import folded
from kingsync.notifications import digest, due_tenants, mail_server, mailer, openings, recipients
from kingsync.notifications.digest import Digest
from kingsync.notifications.recipients import Recipient

logger = logging.getLogger(__name__)

# Very recent changes may not be committed yet: an e-mail covers what is older than this.
SETTLED = datetime.timedelta(seconds=15)
# A run in progress is waited for, so that it causes one e-mail; a long one is not.
PATIENCE = datetime.timedelta(minutes=10)
RETRY_AFTER = datetime.timedelta(minutes=5)
# Value of `problem` until the server has accepted the e-mail.
UNFINISHED = "not finished"
_SENT = (MailMode.EACH, MailMode.DIGEST)


def send_due(*, now: datetime.datetime) -> bool:
    """Send the e-mails that the current tenant is due for, if any; return False when one is still to come."""
    settings = SyncSettings.objects.first()
    if settings is None:
        return True
    tenant = Tenant.objects.get(pk=tenants.current_id())
    wanting = recipients.of(tenant, settings)
    are_told = _tell_what_is_open(tenant, settings, wanting, now=now)
    by_mode = {mode: [each for each in wanting if each.mode == mode] for mode in _SENT}
    deliveries = [
        Delivery(tenant, settings, mode, to, now=now, newest=_newest(mode)) for mode, to in by_mode.items() if to
    ]
    are_done = [_send_mode(delivery) for delivery in deliveries]  # each of them, whatever became of the others
    return are_told and all(are_done)


def unsent(settings: SyncSettings | None, *, now: datetime.datetime) -> SentNotification | None:
    """Return an e-mail of the current tenant that no server accepted, so that pages can say so."""
    if settings is None:
        return None
    wanted = {each.mode for each in recipients.of(settings.tenant, settings)}
    for newest in (_newest(mode) for mode in _SENT if mode in wanted):
        if newest is None or not newest.problem:
            continue
        if newest.problem != UNFINISHED or newest.sent_at <= now - RETRY_AFTER:
            return newest
    return None


def _tell_what_is_open(
    tenant: Tenant, settings: SyncSettings, wanting: Sequence[Recipient], *, now: datetime.datetime
) -> bool:
    """Tell those who have just chosen an e-mail after each problem what is open; False if one is still to be told."""
    each = {folded(one.address): one for one in wanting if one.mode == MailMode.EACH}
    are_told = True
    for row in openings.waiting():
        recipient = each.get(row.recipients[0])
        if recipient is None:
            openings.drop(row)
        elif not openings.take(row, now=now):
            are_told = False
        else:
            delivery = Delivery(tenant, settings, MailMode.EACH, [recipient], now=now, newest=None)
            are_told &= _is_told(row, recipient, delivery)
    return are_told


def _is_told(row: SentNotification, recipient: Recipient, delivery: Delivery) -> bool:
    with translation.override(recipient.language):
        found = digest.current_state(delivery.tenant, None, mode=openings.MODE)
    if found.is_empty:
        openings.drop(row)
        return True
    try:
        _send_to(recipient, delivery, found)
    except OSError as error:
        if mail_server.is_permanent(error):
            recipients.stop(recipient.address, StoppedAddress.Kind.REFUSED, mail_server.words_of(error))
            openings.drop(row)
            return True
        openings.ended(row, problem=mail_server.words_of(error), count=found.order_count)
        return False
    openings.ended(row, problem="", count=found.order_count)
    return True


@dataclass(frozen=True)
class Delivery:
    """One check of one tenant and mode. `newest` is its newest e-mail then: a parallel check must not send the same."""

    tenant: Tenant
    settings: SyncSettings
    mode: str
    to: Sequence[Recipient]
    now: datetime.datetime
    newest: SentNotification | None

    @property
    def until(self) -> datetime.datetime:
        """Return what the e-mail covers; who did not get it yet gets what the others got."""
        if self.newest and self.newest.problem and self.newest.accepted:
            return self.newest.covered_until
        return self.now - SETTLED

    def languages(self) -> list[str]:
        return sorted({each.language for each in self.to})


def _newest(mode: str) -> SentNotification | None:
    return SentNotification.objects.filter(mode=mode).order_by("-id").first()


def _stamp(notice: SentNotification | None) -> tuple[int, datetime.datetime] | None:
    return (notice.pk, notice.sent_at) if notice else None


def _send_mode(delivery: Delivery) -> bool:
    if delivery.mode == MailMode.EACH:
        return _send_each(delivery)
    return not _is_digest_due(delivery.now) or _send_digest(delivery)


def _send_each(delivery: Delivery) -> bool:
    sent = SentNotification.objects.filter(problem="").order_by("-id")
    last = sent.filter(mode=MailMode.EACH).first() or sent.first()
    after = last.covered_until if last else None
    found = _in_languages(delivery, lambda: digest.since(delivery.tenant, after, until=delivery.until))
    going_on = SyncRun.objects.filter(status__in=SyncRun.OPEN, queued_at__gt=delivery.now - PATIENCE)
    return _any(found).is_empty or (not going_on.exists() and _deliver(delivery, found))


def _send_digest(delivery: Delivery) -> bool:
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    after = last.covered_until if last else None
    found = _in_languages(delivery, lambda: digest.current_state(delivery.tenant, after))
    if not _any(found).is_empty:
        return _deliver(delivery, found)
    if claimed := _claim(delivery, count=0, is_empty=True):
        _save_outcome(claimed.pk, "")  # checked today, and there was nothing to report
    return True


def _in_languages(delivery: Delivery, make: Callable[[], Digest]) -> dict[str, Digest]:
    """Return the content in each language that a recipient reads."""
    found = {}
    for language in delivery.languages():
        with translation.override(language):
            found[language] = make()
    return found


def _any(found: Mapping[str, Digest]) -> Digest:
    """Return what all of them tell, whatever the language."""
    return next(iter(found.values()))


def _is_digest_due(now: datetime.datetime) -> bool:
    """Return whether today's e-mail is still to come. The first day begins after the settings asked for it."""
    due_at = due_tenants.digest_at(now)
    if now < due_at:
        return False
    last = SentNotification.objects.filter(mode=MailMode.DIGEST, problem="").order_by("-id").first()
    if last is not None:
        return last.sent_at < due_at
    saved = SettingsVersion.objects.order_by("-version").first()
    return saved is None or saved.saved_at < due_at


# --- Sending ----------------------------------------------------------------------------------------------------------


def _deliver(delivery: Delivery, found: Mapping[str, Digest]) -> bool:
    claimed = _claim(delivery, count=_any(found).order_count)
    if claimed is None:
        return False
    problem = _send_to_all(delivery, found, claimed)
    if problem:
        logger.warning("notice.not_sent: tenant %s: %s", delivery.tenant.slug, problem.partition(":")[0])
        _save_outcome(claimed.pk, problem, failing_since=claimed.failing_since or delivery.now)
        return False
    with transaction.atomic():
        _save_outcome(claimed.pk, "")
        digest.save_reported(_any(found), delivery.mode)
    return True


def _send_to_all(delivery: Delivery, found: Mapping[str, Digest], claimed: SentNotification) -> str:
    """Send to each who did not get it yet; return why not all of them have it, "" when they do.

    An address that its server refuses for good is not tried again: the others have what there was to tell.
    """
    accepted, problem, refusal = list(claimed.accepted), "", ""
    for recipient in delivery.to:
        if recipient.address in accepted:
            continue
        try:
            _send_to(recipient, delivery, found[recipient.language])
        except OSError as error:
            if mail_server.is_permanent(error):
                refusal = mail_server.words_of(error)
                recipients.stop(recipient.address, StoppedAddress.Kind.REFUSED, refusal)
                continue
            problem = mail_server.words_of(error)
            if not isinstance(error, smtplib.SMTPRecipientsRefused):
                break  # the server itself: the next address would wait for it as well
            continue
        accepted.append(recipient.address)
        SentNotification.objects.filter(pk=claimed.pk).update(accepted=accepted)
    return problem or ("" if accepted else refusal)


def _send_to(recipient: Recipient, delivery: Delivery, found: Digest) -> None:
    tenant = delivery.tenant
    context = {
        "tenant": tenant,
        "digest": found,
        "mode": delivery.mode,
        "links": _links(tenant),
        "unsubscribe": recipients.unsubscribe_link(tenant, recipient.address),
    }
    with translation.override(recipient.language):
        mailer.send(
            to=[recipient.address],
            subject=f"{tenant.name}: {found.headline}",
            template="notice",
            context=context,
            headers=recipients.headers(tenant, recipient.address),
        )


def _claim(delivery: Delivery, *, count: int, is_empty: bool = False) -> SentNotification | None:
    """Save that an e-mail is on its way, one row for all tries; None when another worker has it or it just failed."""
    values = {
        "mode": delivery.mode,
        "recipients": [] if is_empty else [each.address for each in delivery.to],
        "work_order_count": count,
        "covered_until": delivery.until,
        "problem": UNFINISHED,
    }
    with transaction.atomic():
        SyncSettings.objects.select_for_update().get(pk=delivery.settings.pk)  # one worker at a time
        newest = _newest(delivery.mode)
        if _stamp(newest) != _stamp(delivery.newest):
            return None
        if newest is not None and newest.problem and newest.sent_at > delivery.now - RETRY_AFTER:
            return None
        notice = newest if newest is not None and newest.problem else SentNotification.objects.create(**values)
        # `sent_at` too, which only a new row gets automatically.
        SentNotification.objects.filter(pk=notice.pk).update(**values, sent_at=delivery.now)
    return notice


def _save_outcome(notice_id: int, problem: str, *, failing_since: datetime.datetime | None = None) -> None:
    SentNotification.objects.filter(pk=notice_id).update(problem=problem, failing_since=failing_since)


def _links(tenant: Tenant) -> dict[str, str]:
    links = {name: mailer.link(name, tenant.slug) for name in ("tenant", "work_orders", "settings")}
    return links | {"work_orders": f"{links['work_orders']}?state=person"}
