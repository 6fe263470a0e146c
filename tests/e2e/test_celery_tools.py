"""Celery's own tools reach our workers, and what they and /metrics show while a real worker works."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from devservers.places import CHECKOUT
from kingsync import celery, tasks
from kingsync.models import tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.watch.tallies import Tally
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
def test_a_worker_answers_inspect_and_tells_events_and_its_run_reaches_the_metrics(
    company: Tenant, worker: Callable[[], programs.Program], client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = TOKEN
    process = worker()
    until_it_answers()

    ping = tool("inspect", "--json", "ping")
    assert ping.returncode == 0, ping.stderr
    assert [list(answer.values()) for answer in json.loads(ping.stdout).values()] == [["pong"]]

    celery.app.control.enable_events()
    heard = Events()
    run = tasks.request_run(tenant=company, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    programs.wait_for(lambda: is_over(run))
    heard.wait_for("task-succeeded")

    process.terminate()  # what it counted is written when it ends, at the latest
    process.wait(timeout=patience.SECONDS)
    metrics_page._kept.forget()
    shown = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    assert 'kingsync_runs_total{kind="export",mode="write",outcome="succeeded"} 1.0' in shown.replace(
        'kind="export",outcome="succeeded",mode="write"', 'kind="export",mode="write",outcome="succeeded"'
    )
    assert 'operation="Order_Toevoegen",outcome="ok"' in shown.replace('outcome="ok",operation="Order_Toevoegen"', "")
    with tenants.across():
        assert Tally.objects.filter(sample="kingsync_records_total").exists()


class Events:
    """Hears what workers tell, from now on."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._is_ready.wait(patience.SECONDS)

    def wait_for(self, event: str) -> None:
        programs.wait_for(lambda: event in self._told)
        self._is_over = True
        self._thread.join(patience.SECONDS)

    _is_over = False

    def _listen(self) -> None:
        def hear(event: dict[str, Any]) -> None:
            self._told.append(event["type"])

        with celery.app.connection() as connection:
            receiver = celery.app.events.Receiver(connection, handlers={"*": hear})
            with receiver.consumer_context():
                self._is_ready.set()
                while not self._is_over:
                    try:
                        connection.drain_events(timeout=0.2)
                    except TimeoutError:
                        continue
