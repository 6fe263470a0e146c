"""The alerts of a tenant: what keeps it from working, each with the one thing to do; the worst first."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from kingsync.messages import reason_texts
from kingsync.models.api.webhooks import Webhook
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.notifications import Silence, StoppedAddress
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Tenant
from kingsync.notifications import recipients, silence
from kingsync.rules.outcomes import reason
from kingsync.statements import changes, periods
from kingsync.web.shared import run_labels
from kingsync.web.shared.template_tags import when
from kingsync.web.shared.tenant_status import STALLED, RunCard, SystemCard
from kingsync.web.start import failing_alerts
from kingsync.web.start.dashboard import Dashboard
from kingsync.web.start.failing_alerts import Failing

# How long the start page shows a restored database; afterwards only the log of the run that noticed it does.
RESTORE_SHOWN = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Alert:
    """`tone` is a CSS class: error when nothing works. The change limit `trip` need not be reported a second time.

    `part` counts some of what it is about, and `part_address` leads to them.
    """

    tone: str
    title: str
    text: str
    to_do: str
    address: str
    trip: ChangeLimitTrip | None = None
    part: str = ""
    part_address: str = ""


def of(tenant: Tenant, found: Dashboard) -> list[Alert]:
    """Return the alerts of the tenant, the worst first; none when all is well."""
    failing = failing_alerts.of(found.cards, found.systems, found.trouble.failing)
    behind = {each.paused for each in failing if each.paused}
    return [
        *(_failing(tenant, found, each) for each in failing),
        *(_fallen_silent(tenant, found, {each.kind for each in failing}) or _stalled(tenant, found)),
        *(_missing(tenant, card) for card in found.systems if card.is_missing),
        *(_paused(tenant, card) for card in found.systems if card.is_paused and card not in behind),
        *(_change_limit(tenant, trip) for trip in found.trips if trip.state == ChangeLimitTrip.State.WAITING),
        *_restored(tenant),
        *_webhooks(tenant),
        *_person(tenant, found),
        *_changed_since_signed(tenant),
        *_refused_addresses(tenant, found),
    ]


def _failing(tenant: Tenant, found: Dashboard, failing: Failing) -> Alert:
    why = failing.why
    if failing.kind == RunKind.EXPORT:
        why = f"{why} {silence.waiting_text(found.number_waiting)}".strip()
    if failing.paused:
        to_do, address = gettext("View the connection"), settings_address(tenant, "connection")
    else:
        to_do, address = gettext("View run"), reverse("run", args=[tenant.slug, failing.failure.run.pk])
    return Alert("error", failing.title, why, to_do, address)


def _fallen_silent(tenant: Tenant, found: Dashboard, failing: set[RunKind]) -> list[Alert]:
    """Return the silence, unless the failing exports behind it are reported already."""
    connections = [card.connection for card in found.systems if card.connection]
    silent = silence.of(found.status.settings, now=timezone.now(), connections=connections, past=found.status.past)
    if silent is None or (silent.kind == Silence.Kind.NO_EXPORT and RunKind.EXPORT in failing):
        return []
    title = f"{silence.title(silent.kind, when(silent.since))}."
    text = silence.detail(silent, waiting=found.number_waiting)
    run = silent.run if silent.kind == Silence.Kind.NO_EXPORT else None
    if run is None:
        return [Alert("error", title, text, gettext("View runs"), reverse("runs", args=[tenant.slug]))]
    return [Alert("error", title, text, gettext("View run"), reverse("run", args=[tenant.slug, run.pk]))]


def _stalled(tenant: Tenant, found: Dashboard) -> list[Alert]:
    now = timezone.now()
    card = next((card for card in found.cards if _has_stalled(card, now)), None)
    if card is None:
        return []
    title = gettext("The %(kind)s has stalled: there has been no progress for several minutes.") % {
        "kind": card.kind.label
    }
    to_do = gettext("Notify the operator of kingsync")
    address = reverse("run", args=[tenant.slug, card.run.pk]) if card.run else reverse("runs", args=[tenant.slug])
    return [Alert("error", title, "", to_do, address)]


def _has_stalled(card: RunCard, now: datetime.datetime) -> bool:
    """Return whether an open run has lost its worker, or a due one is not started."""
    run = card.run
    if run is None or not run.is_open:
        return card.is_overdue
    if run.status == RunStatus.RUNNING:
        return run.lease_until is not None and run.lease_until < now
    return max(run.queued_at, run.heartbeat_at or run.queued_at) < now - STALLED


def _missing(tenant: Tenant, card: SystemCard) -> Alert:
    title = gettext("There is no connection with %(system)s yet.") % {"system": card.system.label}
    return Alert("warning", title, "", gettext("Set up the connection"), settings_address(tenant, "connection"))


def _paused(tenant: Tenant, card: SystemCard) -> Alert:
    title = gettext("The connection with %(system)s is paused.") % {"system": card.system.label}
    why = reason_texts.sentence(card.problem or {})
    return Alert("error", title, why, gettext("View the connection"), settings_address(tenant, "connection"))


def _change_limit(tenant: Tenant, trip: ChangeLimitTrip) -> Alert:
    title = gettext("The import of %(kind)s stopped before writing anything:") % {
        "kind": run_labels.kind_label(trip.kind)
    }
    text = gettext("of %(known)s records, %(changed)s would change and %(deactivated)s would be deactivated.") % {
        "known": trip.known_count,
        "changed": trip.changed_count,
        "deactivated": trip.deactivated_count,
    }
    address = reverse("change_limit", args=[tenant.slug, trip.pk])
    return Alert("warning", title, text, gettext("Review"), address, trip)


def _restored(tenant: Tenant) -> Iterator[Alert]:
    watch = RestoreWatch.objects.filter(noticed_at__gt=timezone.now() - RESTORE_SHOWN).order_by("-noticed_at").first()
    if watch is None:
        return
    why = reason("restore_noticed", found=str(watch.found_count), closed=str(watch.closed_count))
    run = watch.noticed_in_id
    address = reverse("run", args=[tenant.slug, run]) if run else reverse("runs", args=[tenant.slug])
    yield Alert("warning", "", reason_texts.sentence(reason_texts.stored(why)), gettext("View run"), address)


def _webhooks(tenant: Tenant) -> Iterator[Alert]:
    for row in Webhook.objects.filter(gave_up_at__isnull=False).defer("target").order_by("gave_up_at"):
        title = gettext("The webhook to %(host)s does not answer.") % {"host": row.host}
        text = gettext("Since %(since)s nothing has been delivered.") % {"since": when(row.gave_up_at)}
        address = reverse("webhook_deliveries", args=[tenant.slug, row.pk])
        yield Alert("warning", title, text, gettext("View"), address)


def _person(tenant: Tenant, found: Dashboard) -> Iterator[Alert]:
    count = found.figures.person
    if not count:
        return
    title = ngettext("%(count)s work order needs attention.", "%(count)s work orders need attention.", count)
    work_orders = reverse("work_orders", args=[tenant.slug])
    alert = Alert("warning", title % {"count": count}, "", gettext("View"), f"{work_orders}?state=person")
    top = found.causes[0] if found.causes else None
    if top is None:
        yield alert
    elif top.count == count:
        yield replace(alert, text=top.sentence)
    else:
        part = gettext("%(count)s of them") % {"count": top.count}
        part_address = f"{work_orders}?{urlencode({'cause': top.key})}"
        yield replace(alert, text=top.sentence, part=part, part_address=part_address)


def _changed_since_signed(tenant: Tenant) -> Iterator[Alert]:
    for month in changes.changed_months():
        text = ngettext(
            "%(count)s work order of %(month)s changed since the month was signed.",
            "%(count)s work orders of %(month)s changed since the month was signed.",
            month.count,
        )
        period = periods.month_of(month.month)
        title = text % {"count": month.count, "month": date_format(month.month, "F Y")}
        address = reverse("statement", args=[tenant.slug, period.key])
        yield Alert("warning", title, "", gettext("View the statement"), address)


def _refused_addresses(tenant: Tenant, found: Dashboard) -> Iterator[Alert]:
    for each in recipients.stopped(found.status.settings):
        if each.kind == StoppedAddress.Kind.REFUSED:
            title = gettext("%(address)s gets no e-mail notifications: the mail server refused it.")
            address = settings_address(tenant, "notifications")
            yield Alert("warning", title % {"address": each.address}, "", gettext("Check the address"), address)


def settings_address(tenant: Tenant, anchor: str) -> str:
    return f"{reverse('settings', args=[tenant.slug])}#{anchor}"
