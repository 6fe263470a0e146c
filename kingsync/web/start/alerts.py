"""The alert of a tenant: what keeps it from working, and the one thing to do; the most important one that applies."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from kingsync.messages import reason_texts
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.notifications import Silence
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunStatus
from kingsync.models.tenants import Tenant
from kingsync.notifications import silence
from kingsync.rules.outcomes import reason
from kingsync.web.shared import run_labels
from kingsync.web.shared.template_tags import when
from kingsync.web.shared.tenant_status import RunCard
from kingsync.web.start.dashboard import Dashboard

# A queued run begins within seconds and the clock ticks four times a minute: after this long something is stuck.
SILENT = datetime.timedelta(minutes=5)
# How long the start page shows a restored database; afterwards only the log of the run that noticed it does.
RESTORE_SHOWN = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Alert:
    """`tone` is a CSS class: error when nothing works. The change limit `trip` need not be reported a second time."""

    tone: str
    text: str
    to_do: str
    address: str
    trip: ChangeLimitTrip | None = None


def of(tenant: Tenant, found: Dashboard) -> Alert | None:
    """Return the most important alert of the tenant; None when all is well."""
    for check in _CHECKS:
        alert = check(tenant, found)
        if alert:
            return alert
    return None


def _fallen_silent(tenant: Tenant, found: Dashboard) -> Alert | None:
    silent = silence.of(found.status.settings, now=timezone.now())
    if silent is None:
        return None
    text = f"{silence.title(silent.kind, when(silent.since))}. {silence.detail(silent)}"
    run = silent.run if silent.kind == Silence.Kind.NO_EXPORT else None
    if run is None:
        return Alert("error", text, gettext("View runs"), reverse("runs", args=[tenant.slug]))
    return Alert("error", text, gettext("View run"), reverse("run", args=[tenant.slug, run.pk]))


def _missing(tenant: Tenant, found: Dashboard) -> Alert | None:
    missing = next((card.system for card in found.systems if card.is_missing), None)
    if missing is None:
        return None
    text = gettext("There is no connection with %(system)s yet.") % {"system": missing.label}
    return Alert("warning", text, gettext("Set up the connection"), settings_address(tenant, "connection"))


def _paused(tenant: Tenant, found: Dashboard) -> Alert | None:
    card = next((card for card in found.systems if card.is_paused), None)
    if card is None or card.connection is None:
        return None
    text = gettext("The connection with %(system)s is paused.") % {"system": card.system.label}
    why = reason_texts.sentence(card.connection.paused_reason)
    return Alert(
        "error", f"{text} {why}".strip(), gettext("View the connection"), settings_address(tenant, "connection")
    )


def _change_limit(tenant: Tenant, found: Dashboard) -> Alert | None:
    trip = next((trip for trip in found.trips if trip.state == ChangeLimitTrip.State.WAITING), None)
    if trip is None:
        return None
    text = gettext(
        "The import of %(kind)s stopped before writing anything: of %(known)s records, %(changed)s "
        "would change and %(deactivated)s would be deactivated."
    ) % {
        "kind": run_labels.kind_label(trip.kind),
        "known": trip.known_count,
        "changed": trip.changed_count,
        "deactivated": trip.deactivated_count,
    }
    address = reverse("change_limit", args=[tenant.slug, trip.pk])
    return Alert("warning", text, gettext("Review"), address, trip)


def _restored(tenant: Tenant, _found: Dashboard) -> Alert | None:
    watch = RestoreWatch.objects.filter(noticed_at__gt=timezone.now() - RESTORE_SHOWN).order_by("-noticed_at").first()
    if watch is None:
        return None
    why = reason("restore_noticed", found=str(watch.found_count), closed=str(watch.closed_count))
    run = watch.noticed_in_id
    address = reverse("run", args=[tenant.slug, run]) if run else reverse("runs", args=[tenant.slug])
    return Alert("warning", reason_texts.sentence(reason_texts.stored(why)), gettext("View run"), address)


def _person(tenant: Tenant, found: Dashboard) -> Alert | None:
    count = found.figures.person
    if not count:
        return None
    text = ngettext("%(count)s work order needs attention.", "%(count)s work orders need attention.", count)
    parts = [text % {"count": count}]
    if found.causes and found.causes[0].count > 1:
        top = found.causes[0]
        parts.append(gettext("%(count)s of them: %(cause)s") % {"count": top.count, "cause": top.sentence})
    elif found.causes:
        parts.append(found.causes[0].sentence)
    address = f"{reverse('work_orders', args=[tenant.slug])}?state=person"
    return Alert("warning", " ".join(parts), gettext("View"), address)


def _silent(tenant: Tenant, found: Dashboard) -> Alert | None:
    now = timezone.now()
    card = next((card for card in found.cards if _is_silent(card, now)), None)
    if card is None:
        return None
    text = gettext("The %(kind)s has stalled: there has been no progress for several minutes.") % {
        "kind": card.kind.label
    }
    to_do = gettext("Notify the operator of kingsync")
    address = reverse("run", args=[tenant.slug, card.run.pk]) if card.run else reverse("runs", args=[tenant.slug])
    return Alert("error", text, to_do, address)


def _is_silent(card: RunCard, now: datetime.datetime) -> bool:
    """Return whether an open run has lost its worker, or a due one is not started."""
    run = card.run
    if run is None or not run.is_open:
        return card.next_at is not None and card.next_at < now - SILENT
    if run.status == RunStatus.RUNNING:
        return run.lease_until is not None and run.lease_until < now
    return max(run.queued_at, run.heartbeat_at or run.queued_at) < now - SILENT


def settings_address(tenant: Tenant, anchor: str) -> str:
    return f"{reverse('settings', args=[tenant.slug])}#{anchor}"


_CHECKS: tuple[Callable[[Tenant, Dashboard], Alert | None], ...] = (
    _fallen_silent,
    _missing,
    _paused,
    _change_limit,
    _restored,
    _person,
    _silent,
)
