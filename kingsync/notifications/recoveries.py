"""The all-clear: failures that an e-mail reported, and that are over. Each stream of e-mails has its own."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from django.utils import formats, timezone
from django.utils.translation import gettext

from kingsync.models import tenants
from kingsync.models.notifications import ReportedFailure
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.notifications import mailer
from kingsync.notifications.items import Item
from kingsync.runs.failures import GOOD


def of(mode: str, failing: Iterable[SyncRun]) -> list[ReportedFailure]:
    """Return the failures that e-mails of this mode reported and that are over: the newest run of the kind is good."""
    still = [run.kind for run in failing]
    reported = ReportedFailure.objects.filter(mode=mode).exclude(kind__in=still).order_by("kind")
    return [each for each in reported if _has_succeeded(each)]


def _has_succeeded(reported: ReportedFailure) -> bool:
    """Return whether a whole run ended well since, rather than none being tried."""
    runs = SyncRun.objects.filter(kind=reported.kind, finished_at__gt=reported.since)
    return runs.exclude(options__has_any_keys=SyncRun.PARTIAL).filter(status__in=GOOD).exists()


def item(tenant: Tenant, reported: ReportedFailure) -> Item:
    titles = {
        RunKind.IMPORT: gettext("The import succeeds again"),
        RunKind.EXPORT: gettext("The export succeeds again"),
    }
    text = gettext("It failed since %(since)s. What waited is picked up automatically.")
    since = formats.date_format(timezone.localtime(reported.since), "j F Y H:i")
    return Item(titles[RunKind(reported.kind)], text % {"since": since}, mailer.link("runs", tenant.slug))


def save(mode: str, failing: Mapping[str, datetime.datetime], recovered: Sequence[int]) -> None:
    """Save what an e-mail of this mode reported, and forget what it said is over."""
    ReportedFailure.objects.filter(pk__in=recovered).delete()
    tenant_id = tenants.current_id()
    rows = [ReportedFailure(tenant_id=tenant_id, mode=mode, kind=kind, since=since) for kind, since in failing.items()]
    ReportedFailure.objects.bulk_create(rows, ignore_conflicts=True)
