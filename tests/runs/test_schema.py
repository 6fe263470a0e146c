"""Updates: new code waits for its migrations, and older code works on a newer schema."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from celery import Celery
from celery.signals import worker_init
from django.db import connection, connections, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from kingsync.clock import RETRY_SECONDS, LockedScheduler
from kingsync.database import sessions
from kingsync.models.tenants import Tenant
from kingsync.runs import schema
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import patience, scenario
from tests.web.pages import text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "watch", schema.Watch())


@pytest.fixture
def behind() -> Iterator[Callable[[], None]]:
    """Let the database lack the newest migration; return what applies it."""
    name = max(name for app, name in MigrationLoader(connection).graph.nodes if app == "kingsync")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("kingsync", name)
    is_applied = threading.Lock()

    def apply() -> None:
        if is_applied.acquire(blocking=False):
            recorder.record_applied("kingsync", name)

    yield apply
    apply()


def test_a_worker_waits_for_its_migrations_and_says_which(
    behind: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = threading.Event()
    monkeypatch.setattr(schema, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(schema.logger, "warning", lambda *_text: said.set())

    def start() -> None:
        worker_init.send(sender=None)
        connections.close_all()

    started = threading.Thread(target=start)

    started.start()
    assert said.wait(patience.SECONDS)
    while_behind = started.is_alive()
    behind()
    started.join(patience.SECONDS)

    assert (while_behind, started.is_alive()) == (True, False)


def test_a_clock_waits_without_the_lock_and_begins_by_itself(
    behind: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scheduler = LockedScheduler(Celery("clock-test", set_as_current=False))

    waits = scheduler.tick()
    behind()
    scheduler.tick()
    scheduler.close()

    assert waits == RETRY_SECONDS
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "schema.behind",
        "clock.started",
        "clock.stopped",
    ]
    assert "`manage.py migrate` has applied kingsync.0" in caplog.messages[0]


def test_health_keeps_visitors_from_a_web_server_without_its_migrations(
    behind: Callable[[], None], client: Client
) -> None:
    early = client.get("/health", {"part": "web"})
    behind()

    assert (early.status_code, early.json()["schema"]) == (503, "behind")
    assert client.get("/health", {"part": "web"}).status_code == 200


def test_a_page_that_needs_a_missing_column_says_that_kingsync_is_being_updated(client: Client) -> None:
    client.raise_request_exception = False
    client.cookies["django_language"] = "en"

    with changed(
        'ALTER TABLE kingsync_user RENAME "name" TO later', 'ALTER TABLE kingsync_user RENAME later TO "name"'
    ):
        answer = client.post("/login/", {"username": "a@b.example", "password": "secret"})

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "kingsync is not available for a moment" in text(answer)


@contextmanager
def changed(there: str, back: str) -> Iterator[None]:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(there)
    try:
        yield
    finally:
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute(back)


# --- Older code on a newer schema -------------------------------------------------------------------------------------


@pytest.fixture
def newer_schema(db: None) -> Iterator[None]:
    """Give every table of ours two columns that this code does not know, as the next version's migration may."""
    tables = [model._meta.db_table for model in _models()]
    add = "ADD COLUMN later_note text NULL, ADD COLUMN later_count integer NOT NULL DEFAULT 0"
    drop = "DROP COLUMN later_note, DROP COLUMN later_count"
    with changed(_alter(tables, add), _alter(tables, drop)):
        yield


def _models() -> list[type[models.Model]]:
    from django.apps import apps  # noqa: PLC0415

    return list(apps.get_app_config("kingsync").get_models())


def _alter(tables: list[str], what: str) -> str:
    return ";".join(f'ALTER TABLE "{table}" {what}' for table in tables)


def test_older_code_exports_and_imports_on_a_newer_schema(
    newer_schema: None, stocked: None, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(2)]

    runs = [scenario.load(), scenario.export(), scenario.load(full=True), scenario.export()]

    assert {run.status for run in runs} == {"succeeded"}
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [f"OS-{each}" for each in numbers]
    assert len(outsmart.store.rows("materials")) == 2
