"""Deleting a tenant leaves nothing of it, anywhere, and nothing else is touched."""

from __future__ import annotations

import datetime
import json
import threading
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
import redis
from celery import current_app
from django.conf import settings as deployment
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from kingsync import tasks
from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.turns import KingTurn
from kingsync.models.users import User
from kingsync.runs import lease, turns, wanted
from kingsync.runs.wanted import NotWantedError
from kingsync.upkeep.tenant_data import deletion, tables, traces
from tests import factories
from tests.upkeep.tenant_data import companies
from tests.upkeep.tenant_data.companies import MINE, THEIRS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folders(settings: Settings, tmp_path: Path) -> None:
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")


def command(*words: str) -> tuple[int, str, str]:
    """Run `delete_tenant`; return its exit code, output and errors."""
    out, err = StringIO(), StringIO()
    try:
        call_command("delete_tenant", *words, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


# The trail keeps one entry of no company: its name, by whom and when. Owners got an e-mail: the mail server works.
THAT_IT_WAS_DELETED = Counter({"kingsync_auditentry": 1, "kingsync_mailserver": 1})


@pytest.fixture(autouse=True)
def _without_turns_of_earlier_tests() -> None:
    """Forget what calls to King left in tests that roll back: a turn is taken in a session of its own."""
    KingTurn.objects.all().delete()


def rows_by_table() -> Counter[str]:
    """Count the rows of every table of the database."""
    found = Counter[str]()
    with sessions.as_owner(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = cursor.fetchone()[0]
    return found


def tables_of(tenant: Tenant) -> set[str]:
    return set(deletion.counts(tenant))


# --- The tables -----------------------------------------------------------------------------------------------------


def test_a_full_company_has_a_row_in_every_table_that_belongs_to_tenants() -> None:
    tenant = companies.full(MINE)

    assert tables_of(tenant) == {model._meta.db_table for model in tables.of_tenants()}


def test_every_table_with_a_tenant_is_known_and_nothing_else_refers_to_one() -> None:
    with_tenant, _others = traces._tables()
    known = set(tables.of_tenants())
    referring = {
        relation.related_model
        for model in known
        for relation in model._meta.related_objects
        if relation.related_model not in {*known, Tenant}
    }

    assert set(with_tenant) == {model._meta.db_table for model in known}
    assert referring == set()


# --- Deleting -------------------------------------------------------------------------------------------------------


def test_nothing_is_left_and_the_other_company_keeps_all(settings: Settings) -> None:
    before = rows_by_table()
    other = companies.full(THEIRS)
    companies.king_file(other, THEIRS)
    with_other = rows_by_table()
    tenant = companies.full(MINE)
    companies.king_file(tenant, MINE)

    code, out, err = command(tenant.slug, "--yes")

    assert (code, err) == (0, "")
    assert f"Nothing is left of {tenant.slug}" in out
    assert rows_by_table() == with_other + THAT_IT_WAS_DELETED != before
    files = [path for folder in (settings.KING_XML_FOLDER, settings.JOURNAL_FOLDER) for path in Path(folder).rglob("*")]
    assert [path.read_text() for path in files if path.suffix == ".xml"] == [THEIRS]
    assert not [path for path in files if path.name.startswith(f"{tenant.pk}-") or path.name == tenant.slug]
    assert len([path for path in files if path.name.startswith(f"{other.pk}-")]) == 1


def test_without_yes_it_only_shows_what_would_be_deleted() -> None:
    tenant = companies.full(MINE)
    before = rows_by_table()

    code, out, err = command(tenant.slug)

    assert (code, rows_by_table()) == (2, before)
    assert "1 kingsync_workorder" in out
    assert "account: owner@zilverberg.example" in out
    assert "Nothing was deleted" in err


def test_a_killed_deletion_is_completed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    companies.full(THEIRS)
    with_other = rows_by_table()
    tenant = companies.full(MINE)
    for number in (3, 12, len(tables.of_tenants()) + 2):
        with monkeypatch.context() as patch:
            patch.setattr(deletion, "_delete_in_batches", _killed_after(number))
            with pytest.raises(KeyboardInterrupt):
                command(tenant.slug, "--yes")
        assert Tenant.objects.filter(pk=tenant.pk).exists()
        assert Membership.objects.filter(tenant=tenant).exists()

    assert command(tenant.slug, "--yes")[0] == 0
    assert rows_by_table() == with_other + THAT_IT_WAS_DELETED


def _killed_after(number: int) -> Callable[..., int]:
    honest, calls = deletion._delete_in_batches, Counter[str]()

    def delete(model: tables.Model, tenant_id: int) -> int:
        calls["all"] += 1
        if calls["all"] > number:
            raise KeyboardInterrupt
        return honest(model, tenant_id)

    return delete


def test_rows_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "ROWS_AT_ONCE", 2)
    tenant = companies.full(MINE)
    run = factories.run(tenant)
    for _each in range(5):
        factories.log_entry(run)

    _code, out, _err = command(tenant.slug, "--yes", "--json")

    assert json.loads(out)["rows"]["kingsync_logentry"] == 6
    assert json.loads(out)["left"] == {}


def test_a_forgotten_row_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = companies.full(MINE)
    forgetful = [model for model in tables.of_tenants() if model._meta.model_name != "recordlink"]
    monkeypatch.setattr(tables, "of_tenants", lambda: forgetful)
    KingTurn.objects.create(
        key="https://elsewhere owner@ZILVERBERG.example", until=timezone.now() + datetime.timedelta(days=1)
    )

    code, _out, err = command(tenant.slug, "--yes")

    assert code == 1
    assert "1 in kingsync_recordlink" in err
    assert "1 in kingsync_kingturn" in err


def test_an_unknown_company_is_refused() -> None:
    code, _out, err = command("nobody", "--yes")

    assert (code, err) == (2, "There is no tenant “nobody”. Left of deleted tenants: nothing.")


def test_a_deletion_that_was_killed_before_its_proof_can_still_be_proven() -> None:
    tenant = companies.full(MINE)
    assert command(tenant.slug, "--yes")[0] == 0
    companies.in_another_session(
        "INSERT INTO kingsync_kingrecord (tenant_id, administration_id, kind, number, name, ean_code, is_blocked)"
        f" VALUES ({tenant.pk}, 1, 'debtor', '1', 'Zilverberg', '', false)"
    )

    _code, _out, err = command(tenant.slug, "--yes")

    assert "Left of deleted tenants: 1 in kingsync_kingrecord." in err


# --- People ---------------------------------------------------------------------------------------------------------


def test_only_accounts_without_another_company_go_with_all_that_is_theirs() -> None:
    tenant, other = companies.full(MINE), companies.full(THEIRS)
    alone = User.objects.get(email="owner@zilverberg.example")
    both, operator = factories.member(tenant, name="both"), factories.operator(name="olga")
    for person, company in ((both, other), (operator, tenant)):
        Membership.objects.create(tenant=company, user=person, role=Role.VIEWER)
    Authenticator.objects.create(user=alone)
    for person in (alone, both):
        session = import_module(deployment.SESSION_ENGINE).SessionStore()
        session["_auth_user_id"] = str(person.pk)
        session.save()
    for row in (tenant, alone, both):
        kind = ContentType.objects.get_for_model(type(row))
        LogEntry.objects.create(user=operator, content_type=kind, object_id=row.pk, object_repr=row, action_flag=CHANGE)

    assert command(tenant.slug, "--yes")[0] == 0

    assert {user.pk for user in User.objects.filter(pk__in=[alone.pk, both.pk, operator.pk])} == {both.pk, operator.pk}
    assert [entry.object_repr for entry in LogEntry.objects.all()] == [str(both)]
    assert rows_by_table()["kingsync_loginsession"] == 1
    assert Authenticator.objects.count() == 0


def test_the_turn_at_king_of_another_company_stays() -> None:
    tenant, other = companies.full(MINE), companies.full(THEIRS)
    keys = []
    for company in (tenant, other):
        with tenants.scope(company):
            keys.append(turns.key_of(Connection.objects.get(system=System.KING)))
    for key in keys:
        KingTurn.objects.create(key=key, until=timezone.now())

    assert command(tenant.slug, "--yes")[0] == 0

    assert [turn.key for turn in KingTurn.objects.all()] == [keys[1]]


def test_all_owners_get_an_e_mail_when_it_is_done() -> None:
    tenant = companies.full(MINE)

    command(tenant.slug, "--yes")

    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["owner@zilverberg.example"], "Zilverberg B.V.: verwijdering van het bedrijf")
    ]


# --- Runs and messages ----------------------------------------------------------------------------------------------


def test_a_run_that_does_not_end_in_time_refuses_the_deletion_and_is_asked_to_stop() -> None:
    tenant = companies.full(MINE)
    run = factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING)
    with _another_worker(tenant, RunKind.IMPORT):
        before = rows_by_table()
        code, _out, err = command(tenant.slug, "--yes", "--wait", "0.3")

        assert (code, rows_by_table()) == (2, before)
    assert "did not end within 0 seconds, so nothing was deleted" in err
    run = SyncRun.across_tenants.get(pk=run.pk)
    assert run.cancel_requested
    tenant.refresh_from_db()
    assert tenant.closing_at is None


class _another_worker:  # noqa: N801
    """Holds the lock of a live worker, on a connection of its own."""

    def __init__(self, tenant: Tenant, kind: RunKind) -> None:
        self._tenant_id, self._kind = tenant.pk, kind
        self._has_it, self._is_over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with lease.worker_lock(self._tenant_id, self._kind):
            self._has_it.set()
            self._is_over.wait()
        connections.close_all()

    def __enter__(self) -> None:
        self._thread.start()
        self._has_it.wait()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def test_no_run_starts_once_the_deletion_has_begun() -> None:
    tenant = companies.full(MINE)
    Tenant.objects.filter(pk=tenant.pk).update(closing_at=timezone.now())

    with pytest.raises(NotWantedError) as refused:
        tasks.request_run(tenant=tenant, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON)

    assert refused.value.why.code == "closing"
    assert wanted.why_nothing_runs(Tenant.objects.get(pk=tenant.pk)) is not None


def test_queued_messages_are_removed_and_one_that_is_late_does_nothing() -> None:
    broker = redis.Redis.from_url(deployment.REDIS_URL)
    broker.flushdb()
    tenant, other = companies.full(MINE), companies.full(THEIRS)
    requested = [
        tasks.request_run(tenant=company, kind=RunKind.IMPORT, trigger=SyncRun.Trigger.BUTTON).run
        for company in (tenant, other)
    ]
    assert broker.llen("imports") == 2

    _code, out, _err = command(tenant.slug, "--yes", "--json")

    assert (json.loads(out)["messages"], broker.llen("imports")) == (1, 1)
    current_app.tasks["kingsync.tasks.run_sync"].apply(
        kwargs={"run_id": requested[0].pk, "tenant_id": tenant.pk}, throw=True
    )
    assert not SyncRun.across_tenants.filter(tenant_id=tenant.pk).exists()
    broker.flushdb()


def test_without_the_broker_nothing_is_deleted(settings: Settings) -> None:
    tenant = companies.full(MINE)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    before = rows_by_table()

    code, _out, err = command(tenant.slug, "--yes")

    assert (code, rows_by_table()) == (2, before)
    assert "The broker does not answer" in err
