"""Celery's own tools reach our workers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from devservers.places import CHECKOUT
from kingsync import celery, tasks
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest, factories, programs, scenario

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(king: KingSandbox, outsmart: OutSmartSandbox) -> Tenant:
    made = factories.tenant(slug="jansen")
    conftest.connect(made, king, outsmart)
    scenario.stock(king)
    factories.settings(made)
    scenario.work_order(outsmart)
    return made


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "celery", "-A", "kingsync.celery", *arguments]
    return subprocess.run(
        command, cwd=CHECKOUT, env=programs.environment(), capture_output=True, text=True, check=False
    )


def until_it_answers() -> None:
    programs.wait_for(lambda: bool(celery.app.control.inspect(timeout=1).ping()))


def is_over(run: SyncRun) -> bool:
    return not SyncRun.across_tenants.get(pk=run.pk).is_open


@pytest.mark.long
def test_a_worker_answers_inspect_and_works_on(company: Tenant, worker: Callable[[], programs.Program]) -> None:
    worker()
    until_it_answers()

    ping = tool("inspect", "--json", "ping")
    assert ping.returncode == 0, ping.stderr
    assert [list(answer.values()) for answer in json.loads(ping.stdout).values()] == [["pong"]]

    run = tasks.request_run(tenant=company, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    programs.wait_for(lambda: is_over(run))
