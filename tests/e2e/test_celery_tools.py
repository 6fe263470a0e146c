"""Celery's own tools reach our workers, and what they and /metrics show while a real worker works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from devservers.places import CHECKOUT
from kingsync import celery, tasks
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.watch import metrics_page
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest, factories, patience, programs, scenario

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a-token-of-32-characters-or-more-0123456789"


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
def test_a_worker_answers_inspect_and_control_and_its_run_reaches_the_metrics(
    company: Tenant, worker: Callable[[], programs.Program], client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = TOKEN
    process = worker()
    until_it_answers()

    ping = tool("inspect", "--json", "ping")
    assert ping.returncode == 0, ping.stderr
    assert [list(answer.values()) for answer in json.loads(ping.stdout).values()] == [["pong"]]

    enabled = tool("control", "--json", "enable_events")
    assert enabled.returncode == 0, enabled.stderr
    run = tasks.request_run(tenant=company, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    programs.wait_for(lambda: is_over(run))

    process.terminate()  # what it counted is written when it ends, at the latest
    process.wait(timeout=patience.SECONDS)
    metrics_page._kept.forget()
    shown = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    assert 'kingsync_runs_total{kind="export",mode="write",outcome="succeeded"} 1.0' in shown
    assert 'kingsync_calls_total{operation="Order_Toevoegen",outcome="ok",system="king"} 1.0' in shown
    assert 'kingsync_records_total{kind="export",mode="write",outcome="created"} 1.0' in shown
