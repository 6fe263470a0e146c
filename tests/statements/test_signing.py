"""Signing a month off: what is stored, what nobody can change, and what is told of later changes."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from kingsync.database import sessions
from kingsync.exports.overview import ledger_counts
from kingsync.models import tenants
from kingsync.models.api.webhooks import Event, WebhookDelivery
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.order_links import OrderLink
from kingsync.models.statements.signed import SignedStatement, SignedWorkOrder
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.statements import changes, counting, digests, signing
from kingsync.statements.changes import Kind
from kingsync.statements.periods import month_of, of_key
from tests import factories
from tests.statements import months
from tests.statements.months import OCTOBER, signed, worked


@pytest.fixture
def company(db: None) -> Tenant:
    return factories.tenant(slug="jansen")


@pytest.fixture
def owner(company: Tenant) -> User:
    return factories.member(company, Role.OWNER, name="Alice")


def rows_of(statement: SignedStatement) -> list[SignedWorkOrder]:
    with tenants.scope(statement.tenant_id):
        return list(SignedWorkOrder.objects.filter(statement=statement).order_by("outsmart_id"))


def test_each_work_order_is_stored_with_its_evidence(company: Tenant, owner: User) -> None:
    at = datetime.datetime(2025, 10, 8, 9, tzinfo=datetime.UTC)
    row = worked(company, exported_at=at, settings_version=4, source_fingerprint="f00", customer_name="Bakker")
    with tenants.scope(company):
        OrderLink(work_order=row, part=2, king_order_number="5002").save()
        left = OrderLink(work_order=row, part=3, king_order_number="4999", left_at=at)
        left.save()
        for kind, name in ((ManualAction.Kind.RELEASE, "Bob"), (ManualAction.Kind.NOTE, "Eddy")):
            ManualAction(work_order=row, kind=kind, state_before="held", decided_by_name=name).save()
    worked(company, "2025-11-01")

    [stored] = rows_of(signed(company, owner))

    assert (stored.outsmart_id, stored.order_number, stored.customer_name) == (
        row.outsmart_id,
        row.order_number,
        "Bakker",
    )
    assert (stored.state, stored.king_order_numbers, stored.amount) == ("done", "5001, 5002", Decimal("100.00"))
    assert (stored.decision, stored.decided_by) == ("release", "Bob")
    assert (stored.exported_at, stored.settings_version, stored.source_fingerprint) == (at, 4, "f00")


def test_a_statement_says_who_signed_when_and_what(company: Tenant, owner: User) -> None:
    months.every_state(company)

    statement = signed(company, owner, remark=" Checked with the bank. ")

    assert (statement.signed_by_name, statement.remark) == ("Alice (alice@jansen.example)", "Checked with the bank.")
    assert (statement.total, statement.open_count, statement.version) == (11, 7, 1)
    assert {each["state"]: each["count"] for each in statement.sums} == dict.fromkeys(LedgerState.values, 1)
    assert not statement.is_preliminary
    entry = AuditEntry.across_tenants.get(action="decision.month_signed")
    assert (entry.subject, entry.user_id, (entry.after or {})["digest"]) == ("2025-10", owner.pk, statement.digest)


def test_open_work_orders_must_be_accepted(company: Tenant, owner: User) -> None:
    worked(company, state=LedgerState.REJECTED)
    with tenants.scope(company):
        seen = signing.shown(OCTOBER).mark

        with pytest.raises(signing.NotAcceptedError):
            signing.sign(OCTOBER, by=owner, seen=seen, accepted=False)

        assert not SignedStatement.objects.exists()
        assert signing.sign(OCTOBER, by=owner, seen=seen, accepted=True).open_count == 1


def test_work_orders_without_a_date_must_be_accepted(company: Tenant, owner: User) -> None:
    factories.work_order(company, work_date=None)
    with tenants.scope(company):
        seen = signing.shown(OCTOBER).mark

        with pytest.raises(signing.NotAcceptedError):
            signing.sign(OCTOBER, by=owner, seen=seen, accepted=False)
        assert signing.sign(OCTOBER, by=owner, seen=seen, accepted=True).undated_count == 1


def test_a_settled_month_needs_nothing_accepted(company: Tenant, owner: User) -> None:
    worked(company)
    worked(company, state=LedgerState.EXCLUDED)

    with tenants.scope(company):
        statement = signing.sign(OCTOBER, by=owner, seen=signing.shown(OCTOBER).mark, accepted=False)

    assert statement.total == 2


def test_a_month_that_changed_since_it_was_shown_is_not_signed(company: Tenant, owner: User) -> None:
    row = worked(company)
    with tenants.scope(company):
        seen = signing.shown(OCTOBER).mark
        WorkOrder.objects.filter(pk=row.pk).update(amount=Decimal("99.00"))

        with pytest.raises(signing.ChangedMeanwhileError):
            signing.sign(OCTOBER, by=owner, seen=seen, accepted=True)

        assert not SignedWorkOrder.objects.exists()


def test_a_month_that_is_not_over_is_signed_as_preliminary(company: Tenant, owner: User) -> None:
    this_month = month_of(timezone.localdate())

    statement = signed(company, owner, month=this_month)

    assert statement.is_preliminary
    with tenants.scope(company), pytest.raises(signing.NotAcceptedError):
        signing.sign(this_month, by=owner, seen=signing.shown(this_month).mark, accepted=False)


def test_a_month_to_come_is_not_signed(company: Tenant, owner: User) -> None:
    later = month_of(timezone.localdate() + datetime.timedelta(days=32))

    with tenants.scope(company), pytest.raises(signing.NotBegunError):
        signing.sign(later, by=owner, seen="", accepted=True)


def test_a_month_of_a_former_administration_is_another_one(company: Tenant, owner: User) -> None:
    worked(company)
    signed(company, owner)
    other = tenants.Administration.objects.create(tenant=company, name="B", key="b")
    Tenant.objects.filter(pk=company.pk).update(administration=other)
    company.refresh_from_db()

    statement = signed(company, owner)

    assert (statement.total, statement.version) == (0, 1)


def test_a_webhook_hears_of_it(company: Tenant, owner: User) -> None:
    factories.webhook(company, events=[Event.MONTH_SIGNED])

    statement = signed(company, owner)

    assert WebhookDelivery.across_tenants.get().data == {
        "month": f"{statement.month:%Y-%m}",
        "is_preliminary": False,
        "version": 1,
        "work_orders": 0,
        "open": 0,
        "digest": statement.digest,
    }


# --- Nothing changes afterwards ---------------------------------------------------------------------------------------

CHANGES = [
    "UPDATE kingsync_signedstatement SET remark = 'x'",
    "UPDATE kingsync_signedworkorder SET state = 'done'",
    "DELETE FROM kingsync_signedworkorder",
    "DELETE FROM kingsync_signedstatement",
]


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("role", ["scope", "across", "owner"])
def test_the_database_refuses_every_change(company: Tenant, owner: User, statement: str, role: str) -> None:
    worked(company)
    signed(company, owner)
    opened = {"scope": lambda: tenants.scope(company), "across": tenants.across, "owner": sessions.as_owner}[role]

    with pytest.raises(DatabaseError, match="final"), opened(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["kingsync_signedworkorder", "kingsync_signedstatement"])
def test_the_tables_cannot_be_emptied(company: Tenant, owner: User, table: str) -> None:
    worked(company)
    with (
        pytest.raises(DatabaseError, match=r"final|referenced"),
        sessions.as_owner(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_added_to_a_signed_statement(company: Tenant, owner: User) -> None:
    worked(company)
    statement = signed(company, owner)
    [row] = rows_of(statement)
    row.pk, row.outsmart_id = None, "smuggled"

    with pytest.raises(DatabaseError, match="final"), tenants.scope(company):
        row.save(force_insert=True)


def test_a_change_past_the_refusal_is_noticed(company: Tenant, owner: User) -> None:
    worked(company)
    first, second = signed(company, owner), signed(company, owner)
    with tenants.scope(company):
        assert digests.is_intact(first)
        assert digests.is_intact(second)
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE kingsync_signedworkorder SET amount = 1 WHERE statement_id = %s", [first.pk])
        cursor.execute("SET session_replication_role = origin")

    with tenants.scope(company):
        assert not digests.is_intact(SignedStatement.objects.get(pk=first.pk))
        assert digests.is_intact(SignedStatement.objects.get(pk=second.pk))


def test_work_orders_have_the_same_digest_in_every_time_zone_of_a_session(company: Tenant, owner: User) -> None:
    worked(company, exported_at=timezone.now())
    statement = signed(company, owner)

    with tenants.scope(company), connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        found = digests.of_rows(statement)
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")

    assert found == statement.rows_digest


def test_each_statement_continues_the_one_signed_before_it(company: Tenant, owner: User) -> None:
    first, second = signed(company, owner), signed(company, owner, month=month_of(datetime.date(2025, 9, 1)))

    assert (first.previous_digest, second.previous_digest) == ("", first.digest)


# --- What changed since -----------------------------------------------------------------------------------------------


def test_nothing_changed_right_after_signing(company: Tenant, owner: User) -> None:
    months.every_state(company)
    statement = signed(company, owner)

    with tenants.scope(company):
        assert changes.since(statement).total == 0
        assert changes.changed_months() == []


def test_every_change_after_signing_is_found(company: Tenant, owner: User) -> None:
    state, amount, gone, reported = (worked(company, order_number=f"WB{number}") for number in range(4))
    WorkOrder.across_tenants.filter(pk=reported.pk).update(state=LedgerState.UNCONFIRMED)
    statement = signed(company, owner)
    late = worked(company, "2025-10-31", order_number="WB9")
    worked(company, "2025-11-01")
    for row, fields in (
        (state, {"state": LedgerState.CHANGED}),
        (amount, {"amount": Decimal("90.00")}),
        (gone, {"work_date": datetime.date(2025, 11, 2)}),
        (reported, {"state": LedgerState.DONE}),
    ):
        WorkOrder.across_tenants.filter(pk=row.pk).update(**fields)

    with tenants.scope(company):
        found = changes.since(statement)
        told = changes.changed_months()

    assert found.counts == dict.fromkeys((Kind.NEW, Kind.STATE, Kind.AMOUNT, Kind.LEFT), 1)
    assert {each.kind: each.outsmart_id for each in found.listed} == {
        Kind.STATE: state.outsmart_id,
        Kind.AMOUNT: amount.outsmart_id,
        Kind.LEFT: gone.outsmart_id,
        Kind.NEW: late.outsmart_id,
    }
    assert [(each.month, each.count) for each in told] == [(OCTOBER.first, 4)]


def test_signing_again_makes_a_version_beside_the_first(company: Tenant, owner: User) -> None:
    worked(company)
    first = signed(company, owner)
    worked(company)
    second = signed(company, owner)

    assert (len(rows_of(first)), len(rows_of(second)), second.version) == (1, 2, 2)
    with tenants.scope(company):
        assert changes.newest() == [second]
        assert changes.changed_months() == []


def test_changes_of_a_large_ledger_are_not_counted_for_every_page(
    company: Tenant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_counts, "COUNTED_EACH_TIME", 1)
    worked(company)
    signed(company, owner)
    with tenants.scope(company):
        assert changes.changed_months() == []
        worked(company)
        assert changes.changed_months() == []

    signed(company, owner)
    worked(company)

    with tenants.scope(company):
        assert [each.count for each in changes.changed_months()] == [1]


# --- Sums -------------------------------------------------------------------------------------------------------------

DAYS = st.sampled_from(["2025-09-30", "2025-10-01", "2025-10-15", "2025-10-31", "2025-11-01", None])
AMOUNTS = st.one_of(st.none(), st.decimals(min_value=-500, max_value=5000, places=2))
ROWS = st.lists(st.tuples(DAYS, st.sampled_from(LedgerState.values), AMOUNTS, st.booleans()), max_size=25)


class TestSums(TestCase):
    @given(ROWS)
    def test_sums_of_days_and_of_the_signed_month_add_up_to_the_ledger(
        self, rows: list[tuple[str | None, str, Decimal | None, bool]]
    ) -> None:
        tenant = factories.tenant()
        owner = factories.member(tenant, Role.OWNER)
        with tenants.scope(tenant):
            WorkOrder.objects.bulk_create(
                WorkOrder(
                    tenant=tenant,
                    administration_id=tenants.current_administration_id(),
                    outsmart_id=str(number),
                    work_date=day,
                    state=state,
                    amount=amount,
                    is_amount_least=is_least,
                )
                for number, (day, state, amount, is_least) in enumerate(rows)
            )
        inside = [row for row in rows if row[0] and row[0].startswith("2025-10")]
        known = [row[2] for row in inside if row[1] in WorkOrder.COMPLETE and row[2] is not None]

        with tenants.scope(tenant):
            days = counting.by_day(OCTOBER)
        statement = signed(tenant, owner)

        month = counting.together(days.values())
        assert month.total == len(inside) == month.in_king + month.open + month.excluded == statement.total
        assert (month.amount or 0) == sum(known)
        for state in LedgerState:
            counted = sum(row[1] == state for row in inside)
            assert sum(each.count for each in month.states if each.state == state) == counted
            assert sum(each["count"] for each in statement.sums if each["state"] == state) == counted
        assert statement.undated_count == sum(row[0] is None for row in rows)


@pytest.mark.parametrize("key", ["", "2025", "2025-13", "2025-02-30", "1999-01", "2025-1", "x"])
def test_no_period(key: str) -> None:
    assert of_key(key) is None


@pytest.mark.parametrize(("key", "last"), [("2024-02", "2024-02-29"), ("2025-12", "2025-12-31"), ("2025-10-01",) * 2])
def test_a_period_is_named_by_its_key(key: str, last: str) -> None:
    found = of_key(key)

    assert found is not None
    assert (found.key, found.last.isoformat()) == (key, last)
