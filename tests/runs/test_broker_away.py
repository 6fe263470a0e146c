"""The broker is away: pages answer at once, and requested runs begin when it is back."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis
from django.conf import settings as deployment
from django.test import Client
from django.utils import timezone
from kombu.utils.functional import retry_over_time
from pytest_django import Settings

from kingsync import __version__, tasks
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.runs import heartbeats
from tests import factories
from tests.web.pages import text

pytestmark = pytest.mark.django_db(transaction=True)

WAITS = "waiting for the background service; starts automatically when it is back"
ANSWER_SECONDS = 60.0  # a call that waits for this answer waits for ever
HTMX = {"HX-Request": "true"}
# Nothing listens; something listens and never answers; the network drops every packet.
WAYS_TO_BE_AWAY = ["refused", "silent", "black hole"]


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide the address of an unavailable broker."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        if request.param == "silent":
            listening.listen(100)
        if request.param == "black hole":
            listening.listen(0)
            for _ in range(4):  # the queue of unaccepted connections is full
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
        yield f"redis://127.0.0.1:{port}/0"


def publish_to(address: str) -> None:
    tasks.run_sync.app.conf.update({"broker_write_url": address})


@pytest.fixture
def away(address: str, settings: Settings) -> Iterator[None]:
    usual = tasks.run_sync.app.conf.broker_write_url
    publish_to(address)
    settings.REDIS_URL = address
    yield
    publish_to(usual)


@pytest.fixture
def editor(tenant: Tenant, client: Client) -> Client:
    factories.settings(tenant)
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, Role.EDITOR))
    return client


def messages_in(queue: str) -> int:
    with redis.Redis.from_url(deployment.REDIS_URL) as broker:
        return int(str(broker.llen(queue)))


@pytest.mark.parametrize("address", WAYS_TO_BE_AWAY, indirect=True)
@pytest.mark.parametrize("kind", RunKind)
def test_pressed_button_answers_at_once_and_the_run_is_seen_waiting(editor: Client, away: None, kind: RunKind) -> None:
    began = time.monotonic()
    answer = editor.post(f"/t/jansen/start/{kind}/", headers=HTMX)
    took = time.monotonic() - began

    assert took < ANSWER_SECONDS
    assert (answer.status_code, SyncRun.objects.get().status) == (200, RunStatus.QUEUED)
    assert WAITS in text(answer)
    assert WAITS in text(editor.get("/t/jansen/"))


@pytest.mark.parametrize("address", ["refused"], indirect=True)
def test_every_other_page_that_starts_a_run_answers_too(editor: Client, away: None, tenant: Tenant) -> None:
    row = factories.work_order(tenant)
    shown = factories.run(
        tenant, options={"dry_run": True}, dry_run_examples={"work_orders": [{"outsmart_id": "9", "action": "created"}]}
    )
    doors: list[tuple[str, dict[str, str]]] = [
        (f"/t/jansen/work-orders/{row.pk}/export/", {}),
        (f"/t/jansen/work-orders/{row.pk}/preview/", {}),
        (f"/t/jansen/runs/{shown.pk}/export/", {"outsmart_id": "9"}),
        (f"/t/jansen/safety-limit/{factories.trip(tenant).pk}/", {"decision": "allow"}),
        ("/t/jansen/king-files/import/", {}),
    ]
    assert factories.king_file(tenant).state == KingFile.State.NEW

    for door, sent in doors:
        answer = editor.post(door, sent)
        waiting = SyncRun.objects.filter(is_unsent=True)
        assert (door, answer.status_code, waiting.count()) == (door, 302, 1)
        waiting.update(status=RunStatus.CANCELLED, is_unsent=False)


@pytest.mark.parametrize("address", ["refused"], indirect=True)
def test_clock_sends_what_waits_when_the_broker_is_back(editor: Client, away: None, settings: Settings) -> None:
    editor.post("/t/jansen/start/import/")
    tasks.start_due_runs()
    while_away = SyncRun.objects.get().is_unsent
    settings.REDIS_URL = tasks.run_sync.app.conf.broker_read_url
    publish_to(settings.REDIS_URL)
    before = messages_in("imports")

    tasks.start_due_runs()
    tasks.start_due_runs()

    assert (while_away, SyncRun.objects.get().is_unsent) == (True, False)
    assert messages_in("imports") == before + 1
    assert WAITS not in text(editor.get("/t/jansen/"))


BACKGROUND = "A part of the background service has not answered since"


@pytest.mark.parametrize("address", ["refused"], indirect=True)
def test_start_page_says_that_the_broker_is_away_until_the_clock_reaches_it_again(
    editor: Client, away: None, settings: Settings
) -> None:
    Heartbeat.objects.create(part=Heartbeat.Part.BROKER, at=timezone.now() - 2 * heartbeats.SILENT)

    tasks.start_due_runs()
    while_away = text(editor.get("/t/jansen/"))
    settings.REDIS_URL = tasks.run_sync.app.conf.broker_read_url
    tasks.start_due_runs()

    assert BACKGROUND in while_away
    assert "You can keep working: a run that you start waits" in while_away
    assert BACKGROUND not in text(editor.get("/t/jansen/"))


def test_a_new_installation_whose_clock_never_ran_says_nothing_of_it(editor: Client) -> None:
    Heartbeat.objects.all().delete()

    assert BACKGROUND not in text(editor.get("/t/jansen/"))


def test_workers_never_give_up_on_the_broker() -> None:
    tries = itertools.count()

    def connect() -> None:
        if next(tries) < 500:
            raise ConnectionRefusedError

    most = tasks.run_sync.app.conf.broker_connection_max_retries
    retry_over_time(connect, ConnectionRefusedError, max_retries=most, interval_start=0, interval_step=0)

    assert next(tries) == 501


@pytest.mark.parametrize("address", WAYS_TO_BE_AWAY, indirect=True)
def test_health_names_the_broker_at_once(client: Client, away: None) -> None:
    began = time.monotonic()
    answer = client.get("/health", {"part": "web"})

    assert time.monotonic() - began < ANSWER_SECONDS
    told = {"status": "error", "version": __version__, "database": "ok", "broker": "unreachable"}
    assert (answer.status_code, answer.json()) == (503, told)
