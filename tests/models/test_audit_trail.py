"""The audit trail: what the database refuses, how entries leave it, and what becomes of a change that is taken back."""

from __future__ import annotations

import datetime

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.audit import actors, doors, trail
from kingsync.models.audit.actions import GROUPS, Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Membership, Role, Tenant
from tests import factories

pytestmark = pytest.mark.django_db

YEAR = datetime.timedelta(days=366)


@pytest.fixture
def company() -> Tenant:
    return factories.tenant(slug="jansen", name="Jansen")


def entries(of: Tenant | None, action: Action) -> list[AuditEntry]:
    return list(AuditEntry.across_tenants.filter(tenant=of, action=action).order_by("pk"))


def aged(of: Tenant | None, age: datetime.timedelta) -> AuditEntry:
    """Return an entry of this age; only an insert may say so."""
    row = AuditEntry(tenant=of, at=timezone.now() - age, action=Action.LOGIN_SUCCEEDED, actor_kind="person")
    row.save()
    return row


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kingsync_auditentry SET actor = 'someone else'",
        "UPDATE kingsync_auditentry SET user_id = NULL",
        "DELETE FROM kingsync_auditentry",
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE kingsync_auditentry",
        "SET LOCAL kingsync.purging_audit = 'on'; DELETE FROM kingsync_auditentry",
        "SET LOCAL kingsync.deleting_tenant = '0'; DELETE FROM kingsync_auditentry",
    ],
)
def test_the_database_refuses_to_change_the_trail(company: Tenant, statement: str) -> None:
    before = list(AuditEntry.across_tenants.values())

    with (
        pytest.raises(DatabaseError, match=r"audit trail is append-only|permission denied"),
        transaction.atomic(),
        connection.cursor() as cur,
    ):
        cur.execute(statement)

    assert before
    assert list(AuditEntry.across_tenants.values()) == before


def test_a_company_is_deleted_only_through_the_door_and_only_with_its_own_entries(company: Tenant) -> None:
    other, nobody = factories.tenant(slug="bakker"), aged(None, YEAR)
    factories.member(company)
    key = company.pk

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        company.delete()
    with doors.deleting_tenant(key, "Jansen (jansen)"):
        company.delete()

    assert not AuditEntry.across_tenants.filter(tenant=key).exists()
    assert entries(other, Action.COMPANY_CREATED)
    assert AuditEntry.across_tenants.filter(pk=nobody.pk).exists()
    assert [each.subject for each in entries(None, Action.COMPANY_DELETED)] == ["Jansen (jansen)"]


def test_the_door_is_closed_again_after_it(company: Tenant) -> None:
    with doors.deleting_tenant(company.pk, "Jansen"):
        pass

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        company.delete()


def test_old_entries_are_purged_after_the_years_of_the_deployment(company: Tenant) -> None:
    old = [aged(company, 7 * YEAR + datetime.timedelta(days=1)), aged(None, 20 * YEAR)]
    young = aged(company, 7 * YEAR - datetime.timedelta(days=3))

    tasks.purge_old()

    kept = set(AuditEntry.across_tenants.values_list("pk", flat=True))
    (purge,) = entries(None, Action.TRAIL_PURGED)
    assert kept.isdisjoint(each.pk for each in old)
    assert young.pk in kept
    assert (purge.actor_kind, purge.after and purge.after["entries"]) == ("clock", 2)


def test_nothing_younger_than_a_year_can_be_purged(company: Tenant) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        doors.purge_older_than(timezone.now())

    assert entries(company, Action.COMPANY_CREATED)


def test_a_change_that_is_taken_back_leaves_no_entry(company: Tenant) -> None:
    member = Membership.objects.get(user=factories.member(company, Role.VIEWER))
    member.role = Role.OWNER

    with transaction.atomic():
        member.save()
        seen = len(entries(company, Action.MEMBER_ROLE_CHANGED))
        transaction.set_rollback(True)

    assert (seen, entries(company, Action.MEMBER_ROLE_CHANGED)) == (1, [])


def test_a_change_that_cannot_be_recorded_is_not_made(company: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object, **_facts: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(trail, "record", broken)
    company.log_days = 30
    with pytest.raises(RuntimeError), transaction.atomic():
        company.save()

    assert Tenant.objects.get().log_days != 30


def test_an_entry_keeps_the_name_of_a_deleted_user(company: Tenant) -> None:
    alice = factories.member(company, Role.OWNER, name="Alice")
    key = alice.pk
    trail.record(Action.MEMBER_ADDED, tenant=company.pk, subject="bob", by=alice)

    alice.delete()

    entry = entries(company, Action.MEMBER_ADDED)[-1]
    assert (entry.user_id, entry.actor) == (key, "Alice (alice@jansen.example)")
    assert [each.subject for each in entries(company, Action.MEMBER_REMOVED)] == ["Alice (alice@jansen.example)"]
    assert len(entries(None, Action.ACCOUNT_DELETED)) == 1


def test_secrets_of_a_connection_are_only_named(company: Tenant) -> None:
    made = factories.connection(company, System.KING)
    made.credentials = {**made.credentials, "access_code": "another-code-9753"}
    made.base_url = "https://king.example"
    made.save()

    (change,) = entries(company, Action.CONNECTION_CHANGED)
    assert change.subject == "King"
    assert change.before == {"base_url": "http://127.0.0.1:9"}
    assert change.after == {"base_url": "https://king.example", "access_code": trail.CHANGED}


def test_a_connection_whose_secrets_no_key_opens_is_recorded_too(company: Tenant) -> None:
    made = factories.connection(company, System.KING)
    with tenants.scope(company), connection.cursor() as cursor:
        cursor.execute("UPDATE kingsync_connection SET credentials = 'fernet:none'")
    made.credentials = {"access_code": "entered-again"}

    made.save()

    (change,) = entries(company, Action.CONNECTION_CHANGED)
    assert (change.before, change.after) == ({}, {"access_code": trail.CHANGED})


def test_what_a_run_pauses_is_in_its_own_log_and_what_a_person_resumes_is_in_the_trail(company: Tenant) -> None:
    made = factories.connection(company, System.KING)
    with actors.acting(actors.CLOCK):
        made.pause({"code": "x", "params": {}})
    assert entries(company, Action.CONNECTION_CHANGED) == []

    with actors.acting(actors.person(factories.member(company, name="Eddy"))):
        Connection.across_tenants.get(pk=made.pk).worked(now=timezone.now())

    (change,) = entries(company, Action.CONNECTION_CHANGED)
    assert (change.before, change.after) == ({"state": "paused"}, {"state": "active"})


def test_an_upgraded_password_hash_is_no_new_password(company: Tenant) -> None:
    user = factories.member(company)
    user.set_password("correct horse")
    user._password = None  # type: ignore[attr-defined]  # as Django does after a login with an old hash
    user.save(update_fields=["password"])
    assert entries(company, Action.PASSWORD_CHANGED) == []

    user.set_password("correct horse")
    user.save()

    assert [each.after for each in entries(company, Action.PASSWORD_CHANGED)] == [{"password": trail.CHANGED}]


def test_settings_are_recorded_with_what_differs(company: Tenant) -> None:
    saved = factories.settings(company)
    with tenants.scope(company):
        saved.hour_rounding = 30
        saved.store(by=factories.member(company, name="Eddy"))

    _first, change = entries(company, Action.SETTINGS_SAVED)
    assert change.actor == "Eddy (eddy@jansen.example)"
    assert (change.before, change.after) == ({"version": 1, "hour_rounding": 15}, {"version": 2, "hour_rounding": 30})


def test_every_action_belongs_to_a_group_of_the_filter() -> None:
    assert {action.partition(".")[0] for action in Action.values} == set(GROUPS)
