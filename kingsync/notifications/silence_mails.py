"""E-mails about silence: one to owners and one to operators when it begins, and the all-clear when it is over.

An e-mail that no server accepted is tried again at the next look; what was sent is saved afterwards, so a process that
is killed in between sends it once more rather than never.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import formats, timezone, translation
from django.utils.translation import gettext

from kingsync.models import tenants
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.notifications import Silence
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.notifications import mail_server, mailer, silence
from kingsync.notifications.items import Item
from kingsync.runs import advisory_locks

logger = logging.getLogger(__name__)

# Tenants in one e-mail to operators; the next look sends the others.
LISTED = 100
# Longer than a restart takes, and than the clock's successor waits.
PART_PATIENCE = datetime.timedelta(minutes=5)
_BEGAN = Q(ended_at=None)
# As of owners: `silence.OWNERS_DUE`.
_OPERATORS_DUE = _BEGAN & Q(operators_mailed_at=None) | ~_BEGAN & Q(
    operators_mailed_at__isnull=False, operators_cleared_at=None
)


def mail_owners(tenant: Tenant, *, now: datetime.datetime) -> None:
    """Send the current tenant's owners the e-mails that are due about its silences."""
    # The lock lasts as long as the e-mail: a clock and its stand-in may both look, and nothing else needs these rows.
    with transaction.atomic(), translation.override(tenant.language):
        for row in Silence.objects.select_for_update(skip_locked=True).filter(silence.OWNERS_DUE).order_by("id"):
            item = _item(row, tenant, "" if row.ended_at else _what_waits(now))
            if _send(tenants.emails_of_owners(tenant), [item], subject_of=tenant.name):
                _save_mailed(row, "owners", now)


def mail_operators(*, now: datetime.datetime) -> None:
    """Send the operators one e-mail about all tenants and parts that fell silent or work again."""
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        if not _is_only_one():
            return
        rows = list(Silence.across_tenants.filter(_OPERATORS_DUE).select_related("tenant").order_by("id")[:LISTED])
        parts = _parts_to_report()
        items = [_part_item(part) for part in parts] + [_item(row, row.tenant, is_named=True) for row in rows]
        server = mail_server.state()
        if server and server.recovered_from:
            items.append(_mail_works_again(server.recovered_from))
        if items and _send(_operators(), items, subject_of="kingsync"):
            _save_reported(rows, parts, now)
            if server:
                mail_server.reported(server)


def _is_only_one() -> bool:
    """Return whether no other process is sending this e-mail; a lock of rows would hold up the parts' heartbeats."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [advisory_locks.OPERATORS_MAIL])
        return bool(cursor.fetchone()[0])


def _parts_to_report() -> list[Heartbeat]:
    """Return the parts that fell silent since the last look, or are back, by the clock of the database."""
    is_silent = Q(at__lt=Now() - PART_PATIENCE)
    due = is_silent & Q(reported_at=None) | ~is_silent & Q(reported_at__isnull=False)
    found = Heartbeat.objects.filter(due).order_by("part")
    if Heartbeat.objects.filter(is_silent, part=Heartbeat.Part.CLOCK).exists():
        # It is the clock that asks the broker: without one nothing is known of it.
        found = found.exclude(part=Heartbeat.Part.BROKER)
    return list(found)


def _save_reported(rows: list[Silence], parts: list[Heartbeat], now: datetime.datetime) -> None:
    for row in rows:
        _save_mailed(row, "operators", now)
    for part in parts:
        Heartbeat.objects.filter(pk=part.pk).update(reported_at=None if part.reported_at else now)


def _save_mailed(row: Silence, who: str, now: datetime.datetime) -> None:
    column = f"{who}_cleared_at" if row.ended_at else f"{who}_mailed_at"
    setattr(row, column, now)
    row.save(update_fields=[column])


def _operators() -> list[str]:
    operators = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return list(operators.order_by("email").values_list("email", flat=True))


def _send(to: Sequence[str], items: Sequence[Item], *, subject_of: str) -> bool:
    """Send the e-mail; return whether it is settled: accepted by a server, or there is nobody to send it to."""
    if not to:
        logger.warning("silence.nobody: nobody of %s has an e-mail address", subject_of)
        return True
    try:
        mailer.send(
            to=to,
            subject=f"{subject_of}: {items[0].title}",
            template="silence",
            context={"name": subject_of, "items": items},
        )
    except OSError as error:
        logger.warning("silence.not_sent: %s: %s", subject_of, type(error).__name__)
        return False
    return True


# --- What the e-mails say ---------------------------------------------------------------------------------------------


def _item(row: Silence, tenant: Tenant, text: str = "", *, is_named: bool = False) -> Item:
    title, text = (_began(row), text) if row.ended_at is None else _all_clear(row, row.ended_at)
    return Item(f"{tenant.name}: {title}" if is_named else title, text, mailer.link("tenant", tenant.slug))


def _began(row: Silence) -> str:
    return silence.title(Silence.Kind(row.kind), _moment(row.since))


def _all_clear(row: Silence, ended_at: datetime.datetime) -> tuple[str, str]:
    if not row.is_recovered:
        text = gettext("Exports, the schedule or the licence were switched off, so nothing is expected to run.")
        return gettext("No longer watched"), text
    text = gettext("Nothing succeeded from %(since)s until %(until)s. What waited is picked up automatically.")
    return gettext("Runs succeed again"), text % {"since": _moment(row.since), "until": _moment(ended_at)}


def _what_waits(now: datetime.datetime) -> str:
    found = silence.of(SyncSettings.objects.select_related("tenant").first(), now=now)
    return silence.detail(found) if found else ""


def _part_item(part: Heartbeat) -> Item:
    name, link = part.get_part_display(), mailer.link("health")
    if part.reported_at:
        return Item(gettext("The %(part)s works again") % {"part": name}, "", link)
    text = gettext("No run starts or goes on there. Check the process and its log.")
    title = gettext("The %(part)s has not responded since %(since)s")
    return Item(title % {"part": name, "since": _moment(part.at)}, text, link)


def _mail_works_again(since: datetime.datetime) -> Item:
    text = gettext("No e-mail was accepted since %(since)s. What was to be told is sent now.")
    return Item(gettext("The mail server works again"), text % {"since": _moment(since)}, mailer.link("operators"))


def _moment(moment: datetime.datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j F Y H:i")
