"""How often a token may be used."""

from __future__ import annotations

import datetime
import threading

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from kingsync.api import credentials
from kingsync.models.tenants import Tenant
from tests import factories
from tests.api.conftest import Caller


@pytest.fixture(autouse=True)
def _three_per_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "REQUESTS", 3)


def test_a_token_that_is_used_too_often_waits(tenant: Tenant, caller: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        answers = [caller.get("runs") for _ in range(4)]
        wait = int(answers[3]["Retry-After"])
        clock.shift(wait - 1)
        early = caller.get("runs")
        clock.shift(1)
        later = caller.get("runs")

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[3].json()["error"]["code"] == "rate_limited"
    assert 0 < wait <= 61
    assert (early.status_code, later.status_code) in {(429, 200), (200, 200)}


def test_refused_requests_do_not_lengthen_the_wait(tenant: Tenant, caller: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(20):
            caller.get("runs")
        clock.shift(datetime.timedelta(seconds=60))

        assert caller.get("runs").status_code == 200


def test_each_token_has_its_own_limit(tenant: Tenant, caller: Caller) -> None:
    for _ in range(4):
        caller.get("runs")

    assert Caller(factories.api_token(tenant)).get("runs").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_are_all_counted(tenant: Tenant, caller: Caller) -> None:
    together, found = threading.Barrier(8), []

    def request() -> None:
        together.wait()
        found.append(caller.get("runs").status_code)
        connections.close_all()

    threads = [threading.Thread(target=request) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(found) == [200, 200, 200, 429, 429, 429, 429, 429]
