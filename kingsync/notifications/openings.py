"""What a user is told once on choosing an e-mail after each problem: all that is open already.

The stream of those e-mails goes on from its last one, so that without this an older problem would never be told.
"""

from __future__ import annotations

import datetime

from django.utils import timezone

from kingsync.models.notifications import SentNotification
from kingsync.models.tenants import Tenant
from kingsync.models.users import folded

MODE = "chosen"
# Value of `problem` until it is sent.
WAITING = "waiting"
RETRY_AFTER = datetime.timedelta(minutes=5)


def want(tenant: Tenant, address: str) -> None:
    """Have one sent to an address, unless the stream has not begun: its first e-mail tells all."""
    has_begun = SentNotification.objects.filter(problem="").exists()
    to = [folded(address)]
    if has_begun and not any(row.recipients == to for row in waiting()):
        SentNotification.objects.create(
            tenant=tenant, mode=MODE, covered_until=timezone.now(), recipients=to, problem=WAITING
        )


def waiting() -> list[SentNotification]:
    """Return those of the current tenant that are not sent yet, oldest first."""
    return list(SentNotification.objects.filter(mode=MODE).exclude(problem="").order_by("id"))


def take(row: SentNotification, *, now: datetime.datetime) -> bool:
    """Claim one; False when another worker has it, or a try failed just now."""
    if row.problem != WAITING and row.sent_at > now - RETRY_AFTER:
        return False
    mine = SentNotification.objects.filter(pk=row.pk, problem=row.problem, sent_at=row.sent_at)
    return bool(mine.update(sent_at=now, problem="not finished"))


def ended(row: SentNotification, *, problem: str, count: int) -> None:
    """Save that it was sent, or why not."""
    values = {"problem": problem, "work_order_count": count}
    SentNotification.objects.filter(pk=row.pk).update(**values)


def drop(row: SentNotification) -> None:
    """Forget one that is not wanted any more, or for which nothing is open."""
    SentNotification.objects.filter(pk=row.pk).delete()
