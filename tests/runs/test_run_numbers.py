"""The runs of a tenant are numbered: from 1 on, without gaps, each number once."""

from __future__ import annotations

import datetime
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle, retention
from tests import factories
from tests.patience import SECONDS

ENDED = RunStatus.SUCCEEDED


@pytest.fixture
def tenant(db: None) -> Tenant:
    made = factories.tenant()
    factories.settings(made)
    return made


def request(kind: RunKind = RunKind.EXPORT) -> SyncRun:
    return lifecycle.request(kind=kind, trigger=SyncRun.Trigger.BUTTON).run


def numbers(of: Tenant) -> list[int]:
    return list(SyncRun.across_tenants.filter(tenant=of).order_by("pk").values_list("number", flat=True))


def test_each_tenant_counts_its_own_runs_of_both_kinds(tenant: Tenant) -> None:
    other = factories.tenant()

    for of, kind in ((tenant, RunKind.IMPORT), (other, RunKind.EXPORT), (tenant, RunKind.EXPORT)):
        factories.run(of, kind)

    assert (numbers(tenant), numbers(other)) == ([1, 2], [1])


def test_request_that_joins_a_run_takes_no_number(tenant: Tenant) -> None:
    with tenants.scope(tenant):
        first, joined, other_kind = request(), request(), request(RunKind.IMPORT)

    assert [first.number, joined.number, other_kind.number] == [1, 1, 2]


def test_number_of_a_transaction_that_is_undone_is_given_again(tenant: Tenant) -> None:
    with tenants.scope(tenant), transaction.atomic():
        request()
        transaction.set_rollback(True)

    assert factories.run(tenant).number == 1


def test_numbers_go_on_after_everything_old_was_purged(tenant: Tenant) -> None:
    long_ago = timezone.now() - datetime.timedelta(days=400)
    for _ in range(3):
        factories.run(tenant, finished_at=long_ago)

    with tenants.scope(tenant):
        retention.purge_old(now=timezone.now())

    assert (numbers(tenant), factories.run(tenant).number) == ([3], 4)


def test_run_that_is_saved_again_keeps_its_number(tenant: Tenant) -> None:
    run = factories.run(tenant)
    factories.run(tenant)

    run.save()

    assert numbers(tenant) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_get_different_numbers(tenant: Tenant) -> None:
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(SECONDS)
        for _ in range(5):
            factories.run(tenant, status=ENDED)
        connection.close()

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(SECONDS)

    assert sorted(numbers(tenant)) == list(range(1, 21))
