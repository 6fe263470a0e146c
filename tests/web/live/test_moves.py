"""Whether an open run moved: one statement, for anyone who has the signed address, and nothing else is told."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.live import moves
from tests import factories


@pytest.fixture
def run(tenant: Tenant) -> SyncRun:
    return factories.run(tenant, status=RunStatus.RUNNING, progress_done=40, progress_total=120)


def asked(run: SyncRun) -> tuple[str, str]:
    """Return the address and the mark that a page of this run carries."""
    found = re.search(r'data-moves="(.+?)" data-seen="(.+?)"', moves.followed(run, "/here/"))
    assert found is not None
    return found[1], found[2]


def test_what_did_not_move_is_answered_by_one_statement(run: SyncRun) -> None:
    address, mark = asked(run)
    browser = Client()
    browser.get(address)  # takes the scope

    with CaptureQueriesContext(
        connection,
    ) as statements:
        answer = browser.get(address, {"seen": mark})

    assert (answer.status_code, answer.content) == (204, b"")
    assert len(statements) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"status": RunStatus.PARTLY},
        {"progress_done": 41},
        {"read_count": 41},
        {"cancel_requested": True},
        {"heartbeat_at": timezone.now()},
    ],
)
def test_what_moved_says_how_far_it_is(run: SyncRun, change: dict[str, object]) -> None:
    address, mark = asked(run)
    SyncRun.across_tenants.filter(pk=run.pk).update(**change)
    run = SyncRun.across_tenants.get(pk=run.pk)

    answer = Client().get(address, {"seen": mark}).json()

    assert answer == {"seen": answer["seen"], "state": run.status, "done": run.progress_done, "total": 120}
    assert answer["seen"] != mark
    assert Client().get(address, {"seen": answer["seen"]}).status_code == 204


def test_a_part_that_was_made_since_does_not_ask_twice(run: SyncRun) -> None:
    SyncRun.across_tenants.filter(pk=run.pk).update(progress_done=41, heartbeat_at=timezone.now())

    address, mark = asked(SyncRun.across_tenants.get(pk=run.pk))

    assert Client().get(address, {"seen": mark}).status_code == 204


def test_an_ended_run_is_not_followed(tenant: Tenant) -> None:
    assert moves.followed(factories.run(tenant), "/here/") == ""
    assert moves.followed(None, "/here/") == ""


def test_nobody_asks_without_the_signed_address(run: SyncRun) -> None:
    address, mark = asked(run)
    [token] = re.findall("/moved/(.+)/", address)

    for made_up in (token[:-1], f"{run.pk}", token.replace(token[0], "x", 1)):
        assert Client().get(f"/moved/{made_up}/", {"seen": mark}).status_code == 404


def test_an_address_ends_after_a_day(run: SyncRun) -> None:
    address, mark = asked(run)

    with time_machine.travel(timezone.now() + datetime.timedelta(seconds=moves.KEPT_SECONDS + 60)):
        assert Client().get(address, {"seen": mark}).status_code == 404


def test_a_run_that_was_deleted_is_not_found(run: SyncRun) -> None:
    address, _mark = asked(run)
    SyncRun.across_tenants.filter(pk=run.pk).delete()

    assert Client().get(address).status_code == 404
