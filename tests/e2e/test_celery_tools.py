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


def ping() -> list[list[object]]:
    """Return what each worker answers to `celery inspect ping`."""
    asked = tool("inspect", "--json", "ping")
    assert asked.returncode == 0, asked.stderr
    return [list(answer.values()) for answer in json.loads(asked.stdout).values()]


@pytest.mark.long
def test_a_worker_answers_inspect_works_on_and_tells_no_one_of_its_tasks(
    company: Tenant, worker: Callable[..., programs.Program]
) -> None:
    with listening() as heard:
        worker()
        until_it_answers()
        pinged = ping()
        work(company)
        wait_until_all_is_told(heard)

    assert pinged == [["pong"]]
    assert [each for each in heard if each.startswith("task-")] == []


@pytest.mark.long
def test_workers_tell_of_tasks_where_that_is_switched_on(
    company: Tenant, worker: Callable[..., programs.Program]
) -> None:
    with listening() as heard:
        worker(TASK_EVENTS="on")
        until_it_answers()
        work(company)
        programs.wait_for(lambda: "task-succeeded" in heard)

    assert set(heard) >= {"task-received", "task-started", "task-succeeded"}


def work(company: Tenant) -> None:
    """Let the worker export."""
    run = tasks.request_run(tenant=company, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    programs.wait_for(lambda: is_over(run))


def wait_until_all_is_told(heard: list[str]) -> None:
    """Wait for what a worker sends anyway, in order: whatever it had to tell of the run came before."""
    beats = heard.count("worker-heartbeat")
    programs.wait_for(lambda: heard.count("worker-heartbeat") > beats + 1)
