"""The page on which owners export all data of their company, or have the company deleted."""

from __future__ import annotations

import datetime
import errno
import io
import threading
import zipfile
from collections.abc import Iterator

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from kingsync import tasks
from kingsync.models.audit.actions import Action
from kingsync.models.audit.actors import ActorKind
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.runs.wanted import NotWantedError
from kingsync.upkeep.tenant_data import closing, deletion, export
from tests import factories
from tests.web import pages
from tests.web.conftest import People

PAGE = "/t/jansen/people/data/"
SENT = {"slug": "jansen", "password": factories.PASSWORD}


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def stored(tenant: Tenant) -> Tenant:
    return Tenant.objects.get(pk=tenant.pk)


def request_deletion(browser: Client) -> str:
    return pages.text(browser.post(f"{PAGE}delete/", SENT, follow=True))


# --- Deleting ---------------------------------------------------------------------------------------------------------


def test_deletion_is_requested_with_the_short_name_and_the_password(owner: Client, tenant: Tenant) -> None:
    begin = timezone.now()

    text = request_deletion(owner)

    row = stored(tenant)
    assert row.closing_at is not None
    assert closing.GRACE <= row.closing_at - begin < closing.GRACE + datetime.timedelta(minutes=5)
    assert row.closing_asked_by == "alice"
    assert "Requested by alice" in text
    assert "Jansen Installatie B.V. will be deleted after" in text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"slug": "jansen-2"}, "This is not the short name of the company."),
        ({"password": "wrong"}, "The password is incorrect."),
    ],
)
def test_a_wrong_name_or_password_requests_nothing(
    owner: Client, tenant: Tenant, wrong: dict[str, str], sentence: str
) -> None:
    answer = owner.post(f"{PAGE}delete/", SENT | wrong)

    assert (answer.status_code, stored(tenant).closing_at) == (422, None)
    assert sentence in pages.text(answer)
    assert mail.outbox == []


def test_all_owners_get_one_e_mail_with_the_way_back(owner: Client, tenant: Tenant) -> None:
    factories.member(tenant, Role.OWNER, email="second@jansen.example")

    for _twice in range(2):
        request_deletion(owner)

    (sent,) = mail.outbox
    assert sorted(sent.to) == ["alice@jansen.example", "second@jansen.example"]
    assert PAGE in sent.body
    assert "alice heeft gevraagd" in sent.body


def test_nothing_runs_after_the_request_and_runs_begin_again_when_it_is_undone(owner: Client, tenant: Tenant) -> None:
    request_deletion(owner)
    with pytest.raises(NotWantedError):
        tasks.request_run(tenant=stored(tenant), kind=RunKind.IMPORT, trigger=SyncRun.Trigger.BUTTON)

    text = pages.text(owner.post(f"{PAGE}keep/", follow=True))

    assert "The company will not be deleted." in text
    row = stored(tenant)
    assert (row.closing_at, row.closing_asked_at, row.closing_asked_by) == (None, None, "")
    assert tasks.request_run(tenant=row, kind=RunKind.IMPORT, trigger=SyncRun.Trigger.BUTTON).run.pk


def test_it_cannot_be_undone_once_the_grace_is_over(owner: Client, tenant: Tenant) -> None:
    Tenant.objects.update(closing_at=timezone.now())

    text = pages.text(owner.post(f"{PAGE}keep/", follow=True))

    assert "It is too late" in text
    assert stored(tenant).closing_at is not None


def test_the_page_names_the_accounts_that_go(owner: Client, people: People, tenant: Tenant) -> None:
    tenant.memberships.create(user=people.stranger)

    text = pages.text(owner.get(PAGE))

    assert "alice@jansen.example, bob@jansen.example, eddy@jansen.example" in text
    assert "charlie" not in text


def test_an_operator_can_undo_it(english: Client, people: People, tenant: Tenant) -> None:
    closing.request(tenant, by=people.owner, now=timezone.now())
    english.force_login(people.operator)

    english.post(f"{PAGE}keep/")

    assert stored(tenant).closing_at is None


# --- The clock --------------------------------------------------------------------------------------------------------


def test_the_clock_deletes_what_is_due_and_nothing_else(tenant: Tenant, people: People) -> None:
    waiting = factories.tenant(closing_at=timezone.now() + datetime.timedelta(minutes=1))
    Tenant.objects.filter(pk=tenant.pk).update(closing_at=timezone.now())

    tasks.delete_closed()

    assert {row.slug for row in Tenant.objects.all()} == {"elsewhere", waiting.slug}
    assert not User.objects.filter(pk=people.owner.pk).exists()
    assert [sent.to for sent in mail.outbox] == [["alice@jansen.example"]]
    kept = AuditEntry.across_tenants.get(action=Action.COMPANY_DELETED)
    assert kept.actor_kind == ActorKind.CLOCK


def test_a_tenant_that_cannot_be_deleted_does_not_keep_the_others(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tenant.objects.update(closing_at=timezone.now() - datetime.timedelta(days=1))
    factories.tenant(slug="bakker", closing_at=timezone.now())
    honest = deletion.delete

    def delete(row: Tenant, *, wait_seconds: float) -> deletion.Deleted:
        if row.slug == "jansen":
            raise PermissionError(errno.EACCES, "Permission denied", "/srv/king-xml/jansen")
        return honest(row, wait_seconds=wait_seconds)

    monkeypatch.setattr(deletion, "delete", delete)
    tasks.delete_closed()

    assert [row.slug for row in Tenant.objects.all()] == ["jansen"]


# --- Exporting --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_owner_downloads_all_data_as_a_whole_zip(owner: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, customer_name="De Boer")

    answer = owner.post(f"{PAGE}export/")

    assert answer["Content-Disposition"].startswith('attachment; filename="jansen-')
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as zipped:
        assert "De Boer" in zipped.read("tables/workorder.jsonl").decode()
        assert "manifest.json" in zipped.namelist()


def test_a_second_export_meanwhile_is_asked_to_wait(owner: Client, another_export: None) -> None:
    text = pages.text(owner.post(f"{PAGE}export/", follow=True))

    assert "Another file is being made." in text


@pytest.fixture
def another_export(db: None) -> Iterator[None]:
    """Hold the lock of an export in another session."""
    has_it, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with export._only_one():
            has_it.set()
            is_over.wait()
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    has_it.wait()
    yield
    is_over.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_said_and_leaves_no_lock(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(export, "_write_files", full)
        text = pages.text(owner.post(f"{PAGE}export/", follow=True))

    assert "The server has no room for the file now." in text
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == 0


def test_the_way_there_is_for_owners_only(owner: Client, people: People) -> None:
    assert PAGE in pages.html(owner.get("/t/jansen/people/"))

    owner.force_login(people.viewer)

    assert PAGE not in pages.html(owner.get("/t/jansen/people/"))
