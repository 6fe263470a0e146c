"""Old runs and log entries are purged; what the business needs stays."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync import tasks
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.accounts.login_sessions import LoginSession
from kingsync.models.accounts.login_tries import LoginTry
from kingsync.models.api.tokens import ApiStart, ApiToken
from kingsync.models.api.webhooks import WebhookDelivery
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.ledger_counts import LedgerCount
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.runs import payloads, retention, schedule
from tests import factories

NOW = timezone.now()


def days_ago(days: float) -> datetime.datetime:
    return NOW - datetime.timedelta(days=days)


def ended(tenant: Tenant, days: float, kind: RunKind = RunKind.EXPORT, **fields: Any) -> SyncRun:
    """Create a run that ended this many days ago, with one entry of that time."""
    run = factories.run(tenant, kind, **({"started_at": days_ago(days), "finished_at": days_ago(days)} | fields))
    factories.log_entry(run, at=days_ago(days))
    return run


def newest_of(tenant: Tenant) -> list[SyncRun]:
    """Create a run of each kind that ended today, so that those created before are not the newest."""
    return [ended(tenant, 0, kind) for kind in RunKind]


def kept_runs() -> set[int]:
    return set(SyncRun.objects.values_list("pk", flat=True))


def test_old_runs_go_with_their_entries(tenant: Tenant) -> None:
    old = [ended(tenant, 91), ended(tenant, 400)]
    young = [ended(tenant, 89), ended(tenant, 0)]

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in young}
    assert not LogEntry.objects.filter(run__in=[run.pk for run in old]).exists()
    assert LogEntry.objects.count() == 2


def test_each_tenant_has_its_own_number_of_days(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(log_days=7)
    other = factories.tenant()
    theirs = [ended(other, 8), *newest_of(other)]
    mine = ended(tenant, 8)
    newest_of(tenant)

    tasks.purge_old()

    assert mine.pk not in kept_runs()
    assert SyncRun.across_tenants.filter(tenant=other).count() == len(theirs)


def test_open_run_is_kept_however_old(tenant: Tenant) -> None:
    old = ended(tenant, 200, RunKind.IMPORT, status=RunStatus.RUNNING, finished_at=None)
    newest_of(tenant)

    retention.purge_old(now=NOW)

    assert old.pk in kept_runs()


def test_newest_finished_run_of_each_kind_is_kept_without_its_old_entries(tenant: Tenant) -> None:
    ended(tenant, 300)
    last = [ended(tenant, 200), ended(tenant, 250, RunKind.IMPORT)]

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in last}
    assert not LogEntry.objects.exists()


def test_the_run_by_which_the_next_is_due_survives_a_newer_trial(tenant: Tenant) -> None:
    factories.settings(tenant)
    real = ended(tenant, 200)
    ended(tenant, 150, options={"dry_run": True})

    retention.purge_old(now=NOW)

    assert schedule.Past().complete_runs == {RunKind.EXPORT: real}


def test_ledger_and_decisions_stay(tenant: Tenant) -> None:
    old = ended(tenant, 100)
    newest_of(tenant)
    row = factories.work_order(tenant, last_run=old)
    ManualAction(work_order=row, kind=ManualAction.Kind.RETRY, state_before="held").save()

    retention.purge_old(now=NOW)

    assert old.pk not in kept_runs()
    assert WorkOrder.objects.get().last_run is None
    assert ManualAction.objects.count() == 1


def test_many_rows_go_in_batches(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 2)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    for _ in range(5):
        ended(tenant, 100)
    newest = newest_of(tenant)

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in newest}
    assert LogEntry.objects.filter(run__finished_at__lt=NOW - datetime.timedelta(days=90)).count() == 0


class Clock:
    """Time that passes by half a second at each look, and what was slept."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, 0.0

    def monotonic(self) -> float:
        self.now += 0.5
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_many_tenants_are_purged_in_portions_with_pauses(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        ended(factories.tenant(), 1000)
    clock = Clock()
    monkeypatch.setattr(tasks, "time", clock)

    tasks.purge_old()

    assert clock.slept == 4 * tasks.PORTION_SECONDS  # as often as they were purged, and between two steps


def test_a_second_time_finds_nothing(tenant: Tenant) -> None:
    ended(tenant, 100)
    newest_of(tenant)
    retention.purge_old(now=NOW)

    before = kept_runs()
    retention.purge_old(now=NOW)

    assert kept_runs() == before


def test_a_night_adds_up_what_was_counted_of_whoever_has_changes(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="held")
    WorkOrder.objects.filter(pk=row.pk).update(state="done")
    assert retention.tenants_with_old(now=NOW) == {tenant.pk}

    retention.purge_old(now=NOW)

    assert [(each.state, each.number, each.is_change) for each in LedgerCount.objects.all()] == [("done", 1, False)]
    assert retention.tenants_with_old(now=NOW) == set()


# --- Contents -------------------------------------------------------------------------------------------------------

CALL = {
    "system": "king",
    "operation": "Order_Toevoegen",
    "method": "POST",
    "query": {"zoek": "Bakker"},
    "body": "<Naam>Bakker</Naam>",
    "answer": "Dorpsstraat 1",
    "status": 500,
    "seconds": 0.1,
    "attempt": 1,
    "reason": "server",
}


def failed(run: SyncRun, days: float) -> LogEntry:
    level = LogEntry.Level.ERROR
    return factories.log_entry(run, at=days_ago(days), level=level, detail={"call": CALL}, has_payload=True)


def test_contents_of_failed_calls_go_after_their_days_and_the_reason_stays(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "ENTRIES_AT_ONCE", 2)
    run = ended(tenant, 0)
    old, young = [failed(run, 31) for _ in range(5)], failed(run, 29)

    retention.purge_old(now=NOW)

    left = {"system": "king", "operation": "Order_Toevoegen", "method": "POST", "status": 500}
    left |= {"seconds": 0.1, "attempt": 1, "reason": "server", "contents_removed": True}
    found = LogEntry.objects.filter(pk__in=[each.pk for each in old]).values_list("detail", flat=True)
    assert list(found) == [{"call": left}] * 5
    assert LogEntry.objects.get(pk=young.pk).detail == {"call": CALL}


def test_each_tenant_has_its_own_days_for_contents(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(payload_days=5)
    other = factories.tenant()
    mine, theirs = failed(ended(tenant, 0), 6), failed(factories.run(other), 6)

    tasks.purge_old()

    assert "answer" not in LogEntry.objects.get(pk=mine.pk).detail["call"]
    assert LogEntry.across_tenants.get(pk=theirs.pk).detail["call"]["answer"] == CALL["answer"]


def test_contents_go_even_where_an_unresolved_problem_keeps_the_entry(tenant: Tenant) -> None:
    work_order = factories.work_order(tenant, state="rejected", problem_since=days_ago(200))
    level = LogEntry.Level.ERROR
    entry = factories.log_entry(ended(tenant, 100), at=days_ago(100), level=level, outsmart_id=work_order.outsmart_id)
    LogEntry.objects.filter(pk=entry.pk).update(detail={"call": CALL}, has_payload=True)

    retention.purge_old(now=NOW)

    assert set(LogEntry.objects.get(pk=entry.pk).detail["call"]) == {*payloads.KEPT, payloads.REMOVED}


def test_examples_of_old_previews_and_settled_changes_go(tenant: Tenant) -> None:
    examples = {"products": {"updated": [{"name": "Bakker"}]}}
    old, young = (ended(tenant, days, dry_run_examples=examples) for days in (31, 29))
    trips = [factories.trip(tenant, state=state, records=[{"name": "Bakker"}]) for state in ("over", "waiting")]
    ChangeLimitTrip.objects.update(tripped_at=days_ago(31))

    retention.purge_old(now=NOW)

    assert [SyncRun.objects.get(pk=run.pk).dry_run_examples for run in (old, young)] == [{}, examples]
    assert [ChangeLimitTrip.objects.get(pk=trip.pk).records for trip in trips] == [[], [{"name": "Bakker"}]]


def test_old_notifications_and_invitations_go_but_the_newest_notification_stays(tenant: Tenant) -> None:
    for _each in range(3):
        row = SentNotification(mode="digest", covered_until=NOW, recipients=["bob@jansen.example"])
        row.save()
    SentNotification.objects.update(sent_at=days_ago(91))
    for days in (91, 89):
        Invitation.objects.create(tenant=tenant, email=f"{days}@x.example", token_hash=days, expires_at=days_ago(days))

    retention.purge_old(now=NOW)

    assert SentNotification.objects.get().pk == row.pk
    assert [each.email for each in Invitation.objects.all()] == ["89@x.example"]


def test_expired_sessions_and_old_login_attempts_go(tenant: Tenant) -> None:
    for key, days in (("old", 1), ("young", -1)):
        times = {"started_at": days_ago(9), "seen_at": days_ago(9), "ends_at": days_ago(days)}
        LoginSession.objects.create(session_key=key, session_data="", expire_date=days_ago(days), **times)
        LoginTry.objects.create(key=key, at=days_ago(days + 0.5))

    tasks.purge_old()

    assert [each.session_key for each in LoginSession.objects.all()] == ["young"]
    assert [each.key for each in LoginTry.objects.all()] == ["young"]


def test_of_the_api_only_what_counts_is_kept(tenant: Tenant) -> None:
    for days in (0, 100):
        factories.api_token(tenant, name=f"revoked {days}", revoked_at=days_ago(days))
        factories.api_token(tenant, name=f"expired {days}", expires_at=days_ago(days))
    factories.api_token(tenant, name="in use", created_at=days_ago(1000))
    token, run = ApiToken.objects.get(name="in use"), factories.run(tenant)
    for age in (0.5, 1.5):
        ApiStart(token=token, key_hash=str(age), fingerprint="f", run=run, created_at=days_ago(age)).save()

    retention.purge_old(now=NOW)

    names = ["expired 0", "in use", "revoked 0"]
    assert sorted(ApiToken.objects.values_list("name", flat=True)) == names
    assert [each.key_hash for each in ApiStart.objects.all()] == ["0.5"]


def test_deliveries_go_with_the_log_but_not_what_still_waits(tenant: Tenant) -> None:
    webhook = factories.webhook(tenant)
    for state in ("waiting", "delivered", "failed"):
        factories.webhook_delivery(webhook, state=state, created_at=days_ago(100))
    kept = factories.webhook_delivery(webhook, state="delivered", created_at=days_ago(10))

    retention.purge_old(now=NOW)

    waiting = WebhookDelivery.objects.get(state="waiting")
    assert set(WebhookDelivery.objects.all()) == {kept, waiting}


def test_what_is_old_goes_in_small_steps_with_a_rest_after_each(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 4)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    old = [ended(tenant, 91 + n) for n in range(3)]
    newest_of(tenant)
    for n in range(9):
        factories.log_entry(old[0], at=days_ago(91))  # at the very same moment: a step begins in the middle of them
        factories.log_entry(old[0], at=days_ago(100 + n), event="order.moved")
    left = [LogEntry.objects.count()]

    retention.purge_old(now=NOW, rest=lambda: left.append(LogEntry.objects.count()))

    assert left[-1] == len(RunKind)
    assert len(old) + 18 == left[0] - left[-1]
    assert max(before - after for before, after in pairwise(left)) == 4
    assert kept_runs().isdisjoint(run.pk for run in old)


def test_a_purge_that_is_interrupted_goes_on_with_what_is_left(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 4)
    old = ended(tenant, 91)
    newest_of(tenant)
    for _ in range(10):
        factories.log_entry(old, at=days_ago(91))

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.purge_old(now=NOW, rest=killed)
    assert LogEntry.objects.filter(run=old).count() == 7
    retention.purge_old(now=NOW)

    assert LogEntry.objects.count() == len(RunKind)
    assert old.pk not in kept_runs()


def test_entries_of_unresolved_problems_are_read_once_however_many_they_are(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 4)
    old = ended(tenant, 91)
    newest_of(tenant)
    for number in range(12):
        factories.work_order(tenant, outsmart_id=f"{number}", state="rejected", problem_since=days_ago(200))
        factories.log_entry(
            old, at=days_ago(91), level=LogEntry.Level.ERROR, event="order.rejected", outsmart_id=f"{number}"
        )

    with CaptureQueriesContext(connection) as captured:
        retention.purge_old(now=NOW)

    assert LogEntry.objects.filter(event="order.rejected").count() == 12
    deletions = [each["sql"] for each in captured if each["sql"].startswith('DELETE FROM "kingsync_logentry"')]
    assert len(deletions) == 1 + 3  # the information of the old run, and three stretches of errors
