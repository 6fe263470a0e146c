"""Celery's own tools reach our workers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devservers.places import CHECKOUT
from kingsync import celery, tasks
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest, factories, patience, programs, scenario

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


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect the types of the events that our workers send, as `celery events` and flower do."""
    heard: list[str] = []
    is_ready, is_over = threading.Event(), threading.Event()

    def collect(event: dict[str, Any]) -> None:
        heard.append(event["type"])

    def listen() -> None:
        with celery.app.connection() as connection:
            receiver = celery.app.events.Receiver(connection, handlers={"*": collect})
            with receiver.consumer_context(wakeup=False) as (own, _channel, _consumers):
                is_ready.set()
                while not is_over.is_set():
                    try:
                        own.drain_events(timeout=0.2)
                    except TimeoutError:
                        continue

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        assert is_ready.wait(patience.SECONDS)
        yield heard
    finally:
        is_over.set()
        thread.join()


@pytest.mark.long
@pytest.mark.parametrize(("variables", "is_told"), [({"TASK_EVENTS": "on"}, True), ({}, False)])
def test_workers_tell_of_tasks_where_that_is_switched_on(
    company: Tenant, worker: Callable[..., programs.Program], variables: dict[str, str], is_told: bool
) -> None:
    with listening() as heard:
        worker(**variables)
        until_it_answers()
        run = tasks.request_run(tenant=company, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
        programs.wait_for(lambda: is_over(run))
        if is_told:
            programs.wait_for(lambda: "task-succeeded" in heard)
        # What a worker sends anyway, in order: whatever it had to tell of the run came before.
        beats = heard.count("worker-heartbeat")
        programs.wait_for(lambda: heard.count("worker-heartbeat") > beats + 1)

    told = {each for each in heard if each.startswith("task-")}
    assert told >= {"task-received", "task-started", "task-succeeded"} if is_told else told == set()
