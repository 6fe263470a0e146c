"""The doctor names what is broken, and says what to do; what hangs or raises is a line too."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from devservers.places import CHECKOUT
from kingsync import probe
from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Tenant
from kingsync.upkeep.doctor import checks, environment, examination, servers
from kingsync.upkeep.doctor.checks import Check, Finding, State
from tests import factories
from tests.contract.socket_server import closed_port

pytestmark = pytest.mark.django_db(transaction=True)


class Said(NamedTuple):
    code: int
    checks: dict[str, list[dict[str, str]]]
    text: str

    def of(self, name: str) -> str:
        """Return the state and text of the only line, or of the worst ones, of a check."""
        return "; ".join(f"{each['state']} {each['text']}" for each in self.checks[name])


def doctor() -> Said:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(out.getvalue())["checks"]:
        found.setdefault(each["check"], []).append(each)
    return Said(int(str(ended.value.code)), found, out.getvalue())


@pytest.fixture(autouse=True)
def _well() -> None:
    """Let clock and workers have had a heartbeat, as in an installation at work."""
    for part in Heartbeat.PROCESSES:
        Heartbeat.objects.create(part=part, at=timezone.now())


def test_an_installation_at_work_has_nothing_wrong() -> None:
    said = doctor()

    assert said.code == 0
    assert set(said.checks) == {check.name for check in examination.CHECKS}
    assert {each["state"] for found in said.checks.values() for each in found} <= {"ok", "warning"}
    assert "PostgreSQL" in said.of("versions")


def test_every_line_that_is_not_ok_says_what_to_do_and_lines_are_for_people_too() -> None:
    Heartbeat.objects.all().delete()
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out)

    assert ended.value.code == 1
    assert "wrong    clock: clock: never had a heartbeat — Start the clock" in out.getvalue()
    for line in out.getvalue().splitlines():
        assert line.startswith("ok ") or " — " in line, line


def test_a_silent_worker_is_wrong() -> None:
    Heartbeat.objects.filter(part="imports").update(at=timezone.now() - datetime.timedelta(minutes=5))

    said = doctor()

    assert said.code == 1
    assert "wrong imports: last heartbeat at" in said.of("workers")
    assert "ok exports" in said.of("workers")


def test_a_dead_broker_is_wrong_and_its_queues_are_not_checked(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:a-secret-password@127.0.0.1:{closed_port()}/0"

    said = doctor()

    assert said.code == 1
    assert said.of("broker") == "wrong does not answer"
    assert said.of("queues") == "warning not checked, because of: broker"
    assert "a-secret-password" not in said.text


def test_without_a_database_everything_else_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = connection.get_connection_params() | {"port": closed_port(), "password": "a-secret-password"}
    monkeypatch.setattr(probe, "database_parameters", lambda: parameters)

    said = doctor()

    assert said.code == 1
    assert said.of("database").startswith("wrong does not accept us")
    assert said.of("stuck runs") == said.of("wall between tenants") == "warning not checked, because of: database"
    assert said.of("broker").startswith("ok answers; version ")
    assert "a-secret-password" not in said.text


@pytest.mark.parametrize(
    ("wrongly", "text"),
    [({"password": "a-wrong-password"}, "refuses our name and password"), ({"dbname": "none"}, "has no such database")],
)
def test_what_the_database_refuses_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, wrongly: dict[str, str], text: str
) -> None:
    monkeypatch.setattr(probe, "database_parameters", lambda: connection.get_connection_params() | wrongly)

    [found] = servers.database()

    assert (found.state, found.text.startswith(text)) == (State.WRONG, True)
    assert "a-wrong-password" not in found.text + found.todo


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Keep every other session from reading a table, as a hung migration does."""
    is_locked, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            is_locked.set()
            is_over.wait()
            cursor.execute("ROLLBACK")
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    is_locked.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_what_hangs_is_a_line_and_the_others_follow() -> None:
    hung = threading.Event()
    these = [Check("first", lambda: [checks.ok("well")]), Check("hangs", lambda: [checks.ok(str(hung.wait()))])]
    these += [Check("after", lambda: [checks.ok("well")]), Check("needs it", list, needs=("hangs",))]

    found = list(checks.examined(these, seconds=0.2))
    hung.set()

    assert [(each.check, each.state) for each in found] == [
        ("first", "ok"),
        ("hangs", "wrong"),
        ("after", "ok"),
        ("needs it", "warning"),
    ]
    assert found[1].text == "no answer within 0.2 seconds"


def test_a_check_that_waits_for_a_lock_of_the_database_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = next(check for check in examination.CHECKS if check.name == "stuck runs")
    monkeypatch.setattr(examination, "CHECKS", (Check("stuck runs", stuck.look),))
    with locked("kingsync_syncrun"):
        [found] = examination.findings(seconds=0.5)
        left_behind = [each for each in threading.enumerate() if each.name.startswith("doctor")]
    for each in left_behind:
        each.join()

    assert (found.state, found.text) == (State.WRONG, "no answer within 0.5 seconds")


def test_what_raises_is_a_line_without_the_text_of_the_error() -> None:
    def broken() -> list[Finding]:
        raise ValueError("postgres://kingsync:a-secret-password@db")

    [found] = checks.examined([Check("broken", broken)])

    assert (found.state, found.text) == (State.WRONG, "could not be checked (ValueError)")


def test_a_run_whose_lease_is_over_is_wrong_and_one_that_waits_too_long_is_named() -> None:
    past = timezone.now() - datetime.timedelta(minutes=10)
    one, other = factories.tenant(), factories.tenant()
    factories.run(one, RunKind.EXPORT, RunStatus.RUNNING, lease_until=past)
    waiting = factories.run(other, RunKind.IMPORT, RunStatus.QUEUED)
    with tenants.scope(other):
        type(waiting).objects.update(queued_at=past)

    said = doctor()

    assert said.code == 1
    assert said.of("stuck runs") == "wrong 1 without a worker: its lease is over; warning 1 queued for more than 1 min."
    assert "runs that wait: 1, the oldest since" in said.of("queues")


def test_connections_that_are_paused_or_fail_are_counted_by_cause() -> None:
    one, other = factories.tenant(), factories.tenant()
    paused = {"state": Connection.State.PAUSED, "paused_reason": {"code": "system.authentication", "params": {}}}
    factories.connection(one, System.KING, base_url="https://a.example", **paused)
    failing = {"last_attempt_problem": {"code": "system.unreachable", "params": {}}}
    factories.connection(other, System.KING, base_url="https://b.example", **failing)

    said = doctor()

    assert said.code == 0
    assert said.of("connections") == (
        "warning 2, of which paused: 1 (King: system.authentication 1), failing: 1 (King: system.unreachable 1)"
    )


def test_a_missing_migration_is_wrong_and_what_needs_the_tables_is_not_checked() -> None:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'kingsync' RETURNING name, applied")
        gone = cursor.fetchall()
    try:
        said = doctor()
    finally:
        with sessions.as_owner(), connection.cursor() as cursor:
            for name, applied in gone:
                statement = "INSERT INTO django_migrations (app, name, applied) VALUES ('kingsync', %s, %s)"
                cursor.execute(statement, [name, applied])

    assert said.code == 1
    assert f"wrong lacks {len(gone)} migrations" in said.of("schema")
    assert said.of("clock") == "warning not checked, because of: schema"


def test_a_gap_in_the_wall_is_wrong() -> None:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kingsync_workorder DISABLE ROW LEVEL SECURITY")
    try:
        said = doctor()
    finally:
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kingsync_workorder ENABLE ROW LEVEL SECURITY")

    assert said.code == 1
    assert said.of("wall between tenants") == "wrong The table kingsync_workorder has no wall between tenants."


def test_secrets_under_an_older_key_and_under_none_are_counted(settings: Settings) -> None:
    tenant = factories.tenant()
    factories.connection(tenant, System.KING)
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["a-newer-key-that-is-long-and-random-0123456789", *old]
    assert doctor().of("stored secrets") == "warning 1 stored secrets are under an older key"
    settings.ENCRYPTION_KEYS = ["a-newer-key-that-is-long-and-random-0123456789"]

    said = doctor()

    assert (said.code, said.of("stored secrets")) == (1, "wrong 1 stored secrets are opened by no key")


def test_a_mail_server_that_is_away_and_one_that_refuses_us_are_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_PASSWORD = "127.0.0.1", closed_port(), "a-secret"
    away = doctor()

    def refuses(_self: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"a-secret is wrong")

    monkeypatch.setattr("django.core.mail.backends.smtp.EmailBackend.open", refuses)
    refused = doctor()

    assert (away.code, away.of("mail server")) == (1, "wrong does not accept us (ConnectionRefusedError)")
    assert refused.of("mail server") == "wrong refuses our name and password"
    assert "a-secret" not in away.text + refused.text


def test_warnings_count_where_that_is_asked_for() -> None:
    factories.connection(factories.tenant(), System.KING, state=Connection.State.PAUSED)

    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--strict", stdout=StringIO())

    assert (ended.value.code, doctor().code) == (1, 0)


def test_full_disks_and_folders_that_cannot_be_written_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.JOURNAL_FOLDER, settings.KING_XML_FOLDER = str(tmp_path / "not yet made"), ""
    usage: Any = type("Usage", (), {"free": environment.FREE_WRONG - 1})
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    full = doctor()
    monkeypatch.setattr(os, "access", lambda *_: False)
    closed = doctor()

    assert (full.code, full.of("disk").partition(":")[0]) == (1, "wrong JOURNAL_FOLDER")
    assert "cannot be written" in closed.of("disk")


def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    late = timezone.now() - datetime.timedelta(minutes=5)
    monkeypatch.setattr("kingsync.upkeep.doctor.servers.timezone.now", lambda: late)

    [found] = servers.time_difference()

    assert found.state == State.WRONG
    assert found.text.startswith("the clocks of this machine and of the database differ by 3")


def test_a_restore_that_was_noticed_and_a_verification_that_stopped_are_told() -> None:
    tenant = factories.tenant()
    long_ago = timezone.now() - datetime.timedelta(days=5)
    with tenants.scope(tenant):
        RestoreWatch(administration="A", noticed_at=timezone.now()).save()
        factories.work_order(tenant, exported_at=long_ago, verified_at=long_ago)

    said = doctor()

    assert said.of("restores").startswith("warning a restored database was noticed at")
    assert said.of("verification").startswith("warning exported work orders were last checked: ")


# --- The environment --------------------------------------------------------------------------------------------------


@pytest.fixture
def production(settings: Settings) -> Settings:
    settings.IS_DEVELOPMENT, settings.SITE_URL = False, "https://kingsync.example"
    settings.SECRET_KEY = "a-secret-key-that-is-long-and-random-0123456789"
    settings.ENCRYPTION_KEYS = ["an-encryption-key-that-is-long-and-random-012345", "weak"]
    return settings


def test_weak_older_keys_are_named_by_their_place_never_by_their_text(production: Settings) -> None:
    [found] = environment.keys()

    assert (found.state, found.text) == (State.WARNING, "key 2 of ENCRYPTION_KEYS is shorter than 32 characters")


def test_addresses_that_no_one_can_use_are_told(production: Settings) -> None:
    production.ALLOWED_HOSTS, production.SITE_URL, production.JOURNAL_FOLDER = [], "http://kingsync.example", ""

    told = [(each.state.value, each.text.split(",")[0]) for each in environment.addresses()]

    assert ("wrong", "ALLOWED_HOSTS is empty") in told
    assert ("warning", "SITE_URL") in told
    assert ("warning", "JOURNAL_FOLDER is empty") in told


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("KING_XML_FOLER", "KING_XML_FOLDER"),
        ("OUTSMART_TOKEN", "OUTSMART_SOFTWARE_TOKEN"),
    ],
)
def test_a_misspelt_variable_is_named_with_what_was_meant(name: str, meant: str) -> None:
    [found] = environment.variables({name: "a-secret"})

    assert found.text == f"{name} is no variable of kingsync"
    assert meant in found.todo
    assert "a-secret" not in found.text + found.todo


def test_no_variable_of_the_example_or_of_a_system_counts_as_misspelt() -> None:
    example = {
        line.lstrip("#").partition("=")[0]
        for line in (CHECKOUT / ".env.example").read_text().splitlines()
        if "=" in line
    }
    usual = {"PATH", "HOME", "LANG", "USER", "SHELL", "PWD", "HOSTNAME", "MAIL", "TERM", "INVOCATION_ID"}

    [found] = environment.variables(dict.fromkeys(example | usual, "x"))

    assert found.state == State.OK


def test_a_tenant_is_counted_and_never_named() -> None:
    tenant: Tenant = factories.tenant(slug="zilverberg", name="Zilverberg B.V.")
    factories.connection(tenant, System.KING, base_url="https://zilverberg.example", state=Connection.State.PAUSED)

    assert "zilverberg" not in doctor().text.lower()
