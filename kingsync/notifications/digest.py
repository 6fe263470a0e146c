"""The content of a digest: what needs attention now, and what of that is new."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from kingsync.exports import problems
from kingsync.exports.overview import causes, ledger_counts
from kingsync.exports.verification import king_check
from kingsync.messages import reason_texts
from kingsync.models import import_kinds, tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection
from kingsync.models.notifications import ReportedWorkOrder
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import MailMode
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import mailer, recoveries
from kingsync.notifications.items import Item
from kingsync.runs import failures, wanted

LISTED = 20
LISTED_PER_CAUSE = 5
BATCH = 1000
# Left out while their run is going: whether they need attention again is known afterwards.
_UNDERWAY = (LedgerState.WAITING, LedgerState.SENDING)
# In these a work order that an e-mail reported has not been solved.
STILL = (*WorkOrder.NEEDS_A_PERSON, *_UNDERWAY)


@dataclass(frozen=True)
class Group:
    """One cause, with some of the work orders that it stops."""

    text: str
    count: int
    items: list[Item]

    @property
    def more_count(self) -> int:
        return self.count - len(self.items)


@dataclass
class Digest:
    """The content of one e-mail, and what to save once it has been sent."""

    alerts: list[Item] = field(default_factory=list)
    orders: list[Item] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    order_count: int = 0
    # Of all that need attention now, those that an earlier e-mail reported.
    still_count: int = 0
    reported: list[tuple[int, str]] = field(default_factory=list)
    # Failing runs that this e-mail reports, and those of an earlier one that it says are over.
    failing: dict[str, datetime.datetime] = field(default_factory=dict)
    recovered: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.alerts or self.order_count)

    @property
    def more_count(self) -> int:
        return self.order_count - len(self.orders)

    @property
    def headline(self) -> str:
        """Return the most important item in a few words, in the active language."""
        if self.alerts:
            return self.alerts[0].title
        text = ngettext(
            "%(count)s work order needs attention", "%(count)s work orders need attention", self.order_count
        )
        return self.new_and_still or text % {"count": self.order_count}

    @property
    def new_count(self) -> int:
        """Return how many work orders the previous e-mail did not report."""
        return self.order_count - self.still_count if self.groups else self.order_count

    @property
    def new_and_still(self) -> str:
        """Return "1 new problem, 3 still waiting" if there are both; "" otherwise."""
        if not (self.new_count and self.still_count):
            return ""
        new = ngettext("%(count)s new problem", "%(count)s new problems", self.new_count) % {"count": self.new_count}
        still = ngettext("%(count)s still waiting", "%(count)s still waiting", self.still_count)
        return f"{new}, {still % {'count': self.still_count}}"


def current_state(tenant: Tenant, covered_until: datetime.datetime | None, *, mode: str = MailMode.DIGEST) -> Digest:
    """Return all that needs attention now, work orders by cause, and how many of them did at the last e-mail."""
    groups = [
        Group(cause.sentence, cause.count, [_affected(tenant, each) for each in cause.work_orders[:LISTED_PER_CAUSE]])
        for cause in causes.causes()[:LISTED]
    ]
    failed = _failed_runs()
    over = recoveries.of(mode, failed)
    return Digest(
        alerts=[
            *_licence(tenant, covered_until, until=timezone.now()),
            *_paused(tenant),
            *_failures(tenant, failed),
            *_trips(tenant, _waiting_trips()),
            *_verified(tenant, covered_until),
            *(recoveries.item(tenant, each) for each in over),
        ],
        failing=_failing(failed),
        recovered=[each.pk for each in over],
        groups=groups,
        order_count=ledger_counts.person(),
        still_count=_needed_before(covered_until) if covered_until else 0,
    )


def _needed_before(moment: datetime.datetime) -> int:
    rows = WorkOrder.objects.filter(state__in=WorkOrder.NEEDS_A_PERSON)
    return rows.alias(since=Coalesce("problem_since", "changed_at")).filter(since__lte=moment).count()


def since(tenant: Tenant, covered_until: datetime.datetime | None, *, until: datetime.datetime) -> Digest:
    """Return what came to need attention after `covered_until`, once: a retry with the same result is not new."""
    _forget_resolved()
    digest = Digest()
    for row, fingerprint in _unreported(covered_until, until):
        digest.reported.append((row.pk, fingerprint))
        if len(digest.orders) < LISTED:
            digest.orders.append(_order(tenant, row))
    digest.order_count = len(digest.reported)
    digest.still_count = ledger_counts.person() - digest.order_count
    failing = _failed_runs()
    failed = [run for run in failing if _is_between(_failing_since(run), covered_until, until)]
    over = recoveries.of(MailMode.EACH, failing)
    trips = [trip for trip in _waiting_trips() if _is_between(trip.tripped_at, covered_until, until)]
    paused = _paused(tenant) if failed else []  # a connection is paused by a run that fails
    licence = _licence(tenant, covered_until, until=until)
    verified = _verified(tenant, covered_until, until=until)
    cleared = [recoveries.item(tenant, each) for each in over]
    digest.alerts = [*licence, *paused, *_failures(tenant, failed), *_trips(tenant, trips), *verified, *cleared]
    digest.failing, digest.recovered = _failing(failed), [each.pk for each in over]
    return digest


def save_reported(digest: Digest, mode: str) -> None:
    """Save that these work orders and failures were reported, and why they were stopped."""
    tenant_id = tenants.current_id()
    recoveries.save(mode, digest.failing, digest.recovered)
    rows = [
        ReportedWorkOrder(tenant_id=tenant_id, work_order_id=pk, fingerprint=reported)
        for pk, reported in digest.reported
    ]
    ReportedWorkOrder.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["work_order"], update_fields=["fingerprint"]
    )


# --- Work orders ------------------------------------------------------------------------------------------------------


def _forget_resolved() -> None:
    """Forget work orders that succeeded meanwhile: if they stop again, that is new."""
    ReportedWorkOrder.objects.exclude(work_order__state__in=STILL).delete()


def _unreported(after: datetime.datetime | None, until: datetime.datetime) -> Iterator[tuple[WorkOrder, str]]:
    # A retry passes through "being sent", so the time of the state alone would report every retry.
    reported = dict(ReportedWorkOrder.objects.values_list("work_order_id", "fingerprint"))
    rows = WorkOrder.objects.filter(state__in=WorkOrder.NEEDS_A_PERSON, changed_at__lte=until)
    if after:
        rows = rows.filter(changed_at__gt=after)
    shown = rows.only("outsmart_id", "order_number", "customer_name", "state", "reasons")
    for row in shown.order_by("-id").iterator(chunk_size=BATCH):
        fingerprint = _fingerprint(row)
        if reported.get(row.pk) != fingerprint and not problems.is_by_settings(row.reasons):
            yield row, fingerprint


def _fingerprint(row: WorkOrder) -> str:
    why = json.dumps([row.state, sorted(causes.keys_of(row.reasons))])
    return hashlib.sha256(why.encode()).hexdigest()[:32]


def _order(tenant: Tenant, row: WorkOrder) -> Item:
    title = ", ".join(part for part in (str(row), row.customer_name) if part)
    text = f"{row.get_state_display()}: {reason_texts.sentences(row.reasons)}".rstrip(": ")
    return Item(title, text, mailer.link("work_order", tenant.slug, row.pk))


def _affected(tenant: Tenant, row: causes.Affected) -> Item:
    return Item(row.order_number or row.outsmart_id, "", mailer.link("work_order", tenant.slug, row.pk))


# --- Everything else --------------------------------------------------------------------------------------------------


def _licence(tenant: Tenant, covered_until: datetime.datetime | None, *, until: datetime.datetime) -> list[Item]:
    """Return that the licence is not active any more, once: until an e-mail covers the moment that it ended."""
    ended_at = tenant.licence_ended_at
    if ended_at is None or not _is_between(max(ended_at, tenant.licence_changed_at), covered_until, until):
        return []
    text = reason_texts.sentence(reason_texts.stored(wanted.without_licence()))
    return [Item(gettext("The licence has ended"), text, mailer.link("tenant", tenant.slug))]


def _paused(tenant: Tenant) -> list[Item]:
    paused = Connection.objects.filter(state=Connection.State.PAUSED).defer("credentials").order_by("system")
    return [
        Item(
            gettext("The connection with %(system)s is paused") % {"system": each.get_system_display()},
            reason_texts.sentence(each.paused_reason),
            mailer.link("settings", tenant.slug),
        )
        for each in paused
    ]


def _failed_runs() -> list[SyncRun]:
    """Return the newest run of each kind that fails, as on the start page."""
    return [run for run in map(failures.newest_failed, RunKind) if run is not None]


def _failing_since(run: SyncRun) -> datetime.datetime | None:
    """Return when the series of failures for the same reason began that ends with this run."""
    runs = _real_runs(RunKind(run.kind))
    same = models.Q(status=RunStatus.FAILED, error__code=run.error.get("code", ""))
    other = runs.exclude(same).order_by("-id").first()
    first = runs.filter(same, pk__gt=other.pk if other else 0).order_by("id").first()
    return first.finished_at if first else run.finished_at


def _real_runs(kind: RunKind) -> models.QuerySet[SyncRun]:
    """Return the finished runs of a kind, without dry runs and cancelled ones."""
    over = SyncRun.objects.filter(kind=kind, status__in=SyncRun.FINAL).exclude(status=RunStatus.CANCELLED)
    # `contains`, since comparing a missing key gives NULL and would exclude every ordinary run.
    return over.exclude(options__contains={"dry_run": True})


def _failing(runs: Iterable[SyncRun]) -> dict[str, datetime.datetime]:
    """Return since when which kind of run fails."""
    return {run.kind: _failing_since(run) or run.queued_at for run in runs}


def _failures(tenant: Tenant, runs: Iterable[SyncRun]) -> list[Item]:
    titles = {RunKind.IMPORT: gettext("The import failed"), RunKind.EXPORT: gettext("The export failed")}
    return [
        Item(titles[RunKind(run.kind)], reason_texts.sentence(run.error), mailer.link("run", tenant.slug, run.pk))
        for run in runs
    ]


def _waiting_trips() -> list[ChangeLimitTrip]:
    return list(ChangeLimitTrip.objects.filter(state=ChangeLimitTrip.State.WAITING).defer("records").order_by("id"))


def _trips(tenant: Tenant, trips: Iterable[ChangeLimitTrip]) -> list[Item]:
    return [
        Item(
            gettext("An import is waiting for your approval: %(kind)s") % {"kind": import_kinds.label_of(trip.kind)},
            gettext("It would change %(changed)s records and deactivate %(deactivated)s of the %(known)s in OutSmart.")
            % {"changed": trip.changed_count, "deactivated": trip.deactivated_count, "known": trip.known_count},
            mailer.link("tenant", tenant.slug),
        )
        for trip in trips
    ]


def _verified(
    tenant: Tenant, after: datetime.datetime | None, *, until: datetime.datetime | None = None
) -> Iterator[Item]:
    """Yield what verification found in King since then, as its log tells; without an earlier e-mail since yesterday."""
    since = after or timezone.now() - datetime.timedelta(days=1)
    found = LogEntry.objects.filter(event__in=king_check.FINDINGS, at__gt=since, at__lte=until or timezone.now())
    numbers: dict[str, set[str]] = {event: set() for event in king_check.FINDINGS}
    for event, king_id in found.values_list("event", "king_id"):
        numbers[event].add(king_id)
    for event, affected in numbers.items():
        if affected:
            link = f"{mailer.link('log', tenant.slug)}?event={event}"
            yield Item(_verified_title(event, len(affected)), ", ".join(sorted(affected)[:LISTED]), link)


def _verified_title(event: str, count: int) -> str:
    if event == king_check.GONE:
        text = ngettext(
            "%(count)s King order is gone that was not approved",
            "%(count)s King orders are gone that were not approved",
            count,
        )
    else:
        text = ngettext("%(count)s order was changed in King", "%(count)s orders were changed in King", count)
    return text % {"count": count}


def _is_between(moment: datetime.datetime | None, after: datetime.datetime | None, until: datetime.datetime) -> bool:
    return moment is not None and moment <= until and (after is None or moment > after)
