"""Exported work orders are looked at again in both systems: each difference is found once, and nothing is written."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from kingsync.exports.verification import restore_check
from kingsync.exports.verification import runs as verification_run
from kingsync.exports.verification.checks import Verification
from kingsync.messages.reason_texts import sentences
from kingsync.models.connections import Connection
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.verification import VerificationDay
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.licence import Licence
from sandboxes.faults import Fault, Kind
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario

pytestmark = pytest.mark.usefixtures("stocked")

READS = {"Orders_Opvragen"}
DAY = datetime.timedelta(days=1)


def exported(outsmart: OutSmartSandbox, **fields: Any) -> WorkOrder:
    """Export one work order, of which everything is due again."""
    number = scenario.work_order(outsmart, **fields)
    scenario.export()
    due()
    return scenario.ledger(number)


def due(ago: datetime.timedelta = DAY) -> None:
    at = timezone.now() - ago
    WorkOrder.objects.update(verified_at=at, king_checked_at=at)


def edit(king: KingSandbox, row: WorkOrder, **what: Any) -> None:
    king.store.edit_order(int(row.king_order_number or 0), Edit(**what))


def line(king: KingSandbox, row: WorkOrder, name: str) -> int:
    order = next(each for each in scenario.orders(king) if str(each["OrderNummer"]) == row.king_order_number)
    return next(int(each["RegelID"]) for each in order["OrderRegels"] if each["ArtikelNummer"] == name)


def remove(king: KingSandbox, row: WorkOrder) -> None:
    king.store.orders.by_number.pop(int(row.king_order_number or 0))


def notices(row: WorkOrder) -> list[str]:
    return [why["code"] for why in scenario.ledger(row.outsmart_id).notices]


def warnings() -> list[str]:
    return list(LogEntry.objects.exclude(level="info").order_by("id").values_list("event", flat=True))


def clock() -> None:
    verification_run.by_clock()


# --- OutSmart ---------------------------------------------------------------------------------------------------------


def test_an_edit_after_the_export_is_found_once(outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": [scenario.material(quantity="7")]})

    first, again = verification_run.by_command(), verification_run.by_command()

    row = scenario.ledger(row.outsmart_id)
    assert (first.changed, again.changed, row.state) == (1, 0, LedgerState.CHANGED)
    assert row.reasons[0]["params"]["detail"] == "BUIS: 1 BUIS → 7 BUIS"
    assert warnings() == ["order.changed"]


def test_an_edit_that_is_undone_is_done_again(outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": [scenario.material(quantity="7")]})
    verification_run.by_command()
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": [scenario.material()]})

    verification_run.by_command()

    assert scenario.ledger(row.outsmart_id).state == LedgerState.DONE


def test_other_settings_are_no_edit(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart, Workperiods=[scenario.period("01:10")])
    scenario.choose(hour_rounding=0, work_description=False)
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis", "GeblokkeerdVoorVerkoop": 1})
    scenario.load("products")

    found = verification_run.by_command()

    assert (found.changed, scenario.ledger(row.outsmart_id).state) == (0, LedgerState.DONE)


@pytest.mark.parametrize(("days", "is_checked"), [(59, True), (61, False)])
def test_outsmart_is_asked_for_sixty_days(outsmart: OutSmartSandbox, days: int, is_checked: bool) -> None:
    row = exported(outsmart)
    WorkOrder.objects.update(confirmed_at=timezone.now() - datetime.timedelta(days=days))
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": []})

    found = verification_run.by_command()

    assert found.changed == is_checked


def test_a_deleted_work_order_says_what_is_in_king(outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    outsmart.store.delete_work_order(row.outsmart_id)

    verification_run.by_command()
    verification_run.by_command()

    row = scenario.ledger(row.outsmart_id)
    assert row.state == LedgerState.CHANGED
    assert all(each in sentences(row.reasons) for each in (str(row.king_order_number), "1 BUIS", "1 MONT"))
    assert warnings() == ["order.deleted_at_source"]


def test_a_deleted_interim_work_order_is_held(outsmart: OutSmartSandbox) -> None:
    scenario.choose(interim_updates=True, order_update_status="8", create_interim_order=True)
    row = exported(outsmart, status="Opgepakt", WorkStatus="8")
    assert row.state == LedgerState.INTERIM
    outsmart.store.delete_work_order(row.outsmart_id)

    verification_run.by_command()

    row = scenario.ledger(row.outsmart_id)
    assert (row.state, row.reasons[0]["code"]) == (LedgerState.HELD, "deleted_with_order")


def test_edits_of_an_interim_work_order_are_expected(outsmart: OutSmartSandbox) -> None:
    scenario.choose(interim_updates=True, order_update_status="8", create_interim_order=True)
    row = exported(outsmart, status="Opgepakt", WorkStatus="8")
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": []})

    found = verification_run.by_command()

    assert (found.changed, scenario.ledger(row.outsmart_id).state) == (0, LedgerState.INTERIM)


# --- King -------------------------------------------------------------------------------------------------------------


def staff_sets_the_quantity(king: KingSandbox, row: WorkOrder) -> None:
    edit(king, row, change=[{"RegelID": line(king, row, "BUIS"), "AantalBesteld": 9}])


def staff_removes_a_line(king: KingSandbox, row: WorkOrder) -> None:
    edit(king, row, remove=[line(king, row, "BUIS")])


def staff_sets_the_reference(king: KingSandbox, row: WorkOrder) -> None:
    edit(king, row, header={"Referentie": "Spoed"})


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (staff_sets_the_quantity, "king_value_stays", ("1", "9")),
        (staff_removes_a_line, "removed_line_stays_away", ("BUIS",)),
        (staff_sets_the_reference, "king_header_changed", ("Spoed",)),
    ],
)
def test_what_staff_changed_is_a_notice_once(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    change: Callable[[KingSandbox, WorkOrder], None],
    code: str,
    said: tuple[str, ...],
) -> None:
    row = exported(outsmart)
    change(king, row)
    king.calls.clear()

    first, again = verification_run.by_command(), verification_run.by_command()

    row = scenario.ledger(row.outsmart_id)
    assert (first.notices, again.notices, row.state, notices(row)) == (1, 0, LedgerState.DONE, [code])
    assert all(each in sentences(row.notices) for each in said)
    assert warnings() == ["order.differs_in_king"]
    assert set(scenario.calls(king)) == READS


def test_a_notice_goes_with_its_difference(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    buis = line(king, row, "BUIS")
    staff_sets_the_quantity(king, row)
    verification_run.by_command()
    edit(king, row, change=[{"RegelID": buis, "AantalBesteld": 1}])

    verification_run.by_command()

    assert notices(row) == []


def test_a_notice_of_an_export_is_not_said_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    staff_sets_the_quantity(king, row)
    period = scenario.period("03:00")
    outsmart.store.edit_work_order(row.outsmart_id, {"status": "Compleet", "Workperiods": [period]})
    scenario.export()
    before = scenario.ledger(row.outsmart_id).notices

    found = verification_run.by_command()

    assert before == scenario.ledger(row.outsmart_id).notices != []
    assert found.notices == 0


def test_an_export_keeps_the_notices_of_verification(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    staff_sets_the_reference(king, row)
    verification_run.by_command()
    outsmart.store.edit_work_order(
        row.outsmart_id, {"status": "Compleet", "Materials": [scenario.material(quantity="3")]}
    )
    scenario.export()

    assert notices(row) == ["king_header_changed"]


def test_an_order_that_goes_unapproved_names_both_possibilities(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    remove(king, row)

    first, again = verification_run.by_command(), verification_run.by_command()

    assert (first.notices, again.notices, notices(row)) == (1, 0, ["king_order_gone"])
    assert scenario.ledger(row.outsmart_id).state == LedgerState.DONE
    assert warnings() == ["order.gone_in_king"]


def test_an_approved_order_that_goes_was_probably_invoiced(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    edit(king, row, header={"Goedgekeurd": 1})
    verification_run.by_command()
    edit(king, row, invoice=True)

    found = verification_run.by_command()

    row = scenario.ledger(row.outsmart_id)
    assert (found.notices, row.notices, row.king_closed_at is not None) == (0, [], True)


def test_a_delivered_line_is_said_and_is_no_finding(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    order = king.store.order(int(row.king_order_number or 0))
    order.lines[0].delivered = order.lines[0].ordered

    found = verification_run.by_command()

    assert (found.notices, notices(row), warnings()) == (0, ["delivered_in_king"], [])


def test_a_closed_order_is_not_asked_for_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    remove(king, row)
    verification_run.by_command()
    king.calls.clear()

    verification_run.by_command()

    assert scenario.calls(king) == []


def test_a_thousand_orders_cost_few_calls(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    for number in range(900_001, 901_000):
        king.store.orders.put(_copy_of(king, row, number))
    WorkOrder.objects.bulk_create(_linked(row, number) for number in range(900_001, 901_000))
    WorkOrder.objects.update(confirmed_at=timezone.now() - datetime.timedelta(days=90))
    king.calls.clear()

    found = verification_run.by_command()

    assert (len(found.checked), found.left) == (1000, 0)
    assert Counter(scenario.calls(king)) == {"Orders_Opvragen": 2}


def _linked(row: WorkOrder, number: int) -> WorkOrder:
    copied = ("tenant_id", "administration_id", "state", "step", "confirmed_at", "king_checked_at")
    columns = {name: getattr(row, name) for name in copied}
    return WorkOrder(outsmart_id=f"x{number}", king_order_number=str(number), **columns)


def _copy_of(king: KingSandbox, row: WorkOrder, number: int) -> Any:
    order = king.store.order(int(row.king_order_number or 0))
    return msgspec.structs.replace(order, number=number, external="", lines=[])


@pytest.mark.parametrize(("approved", "variant"), [(True, "approved"), (False, "not_approved")])
def test_a_later_edit_says_what_is_known_of_the_closed_order(
    king: KingSandbox, outsmart: OutSmartSandbox, approved: bool, variant: str
) -> None:
    row = exported(outsmart)
    if approved:
        edit(king, row, header={"Goedgekeurd": 1})
        verification_run.by_command()
    edit(king, row, close=True)
    changed: dict[str, Any] = {"status": "Compleet", "Materials": [scenario.material(quantity="3")]}
    outsmart.store.edit_work_order(row.outsmart_id, changed)

    scenario.export()

    (why,) = scenario.ledger(row.outsmart_id).reasons
    assert (why["code"], why["params"]["variant"]) == ("order_delivered", variant)


# --- When, and how much -----------------------------------------------------------------------------------------------


def test_the_clock_checks_what_is_due_and_nothing_else(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": []})
    due(datetime.timedelta(hours=1))
    clock()
    early = scenario.ledger(row.outsmart_id).state
    due()

    clock()

    assert (early, scenario.ledger(row.outsmart_id).state) == (LedgerState.DONE, LedgerState.CHANGED)
    assert set(LogEntry.objects.filter(event="order.changed").values_list("run", flat=True)) == {None}


def test_an_export_ends_with_a_few_checks(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    staff_sets_the_quantity(king, row)

    run = scenario.export()

    assert (run.status, notices(row)) == ("succeeded", ["king_value_stays"])


def test_switched_off_exports_are_verified_all_the_same(outsmart: OutSmartSandbox) -> None:
    row = exported(outsmart)
    SyncSettings.objects.update(export_orders=False)
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": []})

    clock()

    assert scenario.ledger(row.outsmart_id).state == LedgerState.CHANGED


@pytest.mark.parametrize(
    ("columns", "code"), [({"is_licensed": False}, "licence_inactive"), ({"closing_at": timezone.now()}, "closing")]
)
def test_what_keeps_runs_from_reading_keeps_the_check_of_a_restore_too(
    tenant: Tenant, king: KingSandbox, columns: dict[str, object], code: str
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(**columns)
    before = scenario.calls(king)

    found = restore_check.compare()

    assert found.error
    assert (found.error.code, scenario.calls(king)) == (code, before)


def test_without_a_licence_nothing_is_read(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    exported(outsmart)
    tenant.take_licence(Licence(active=False))
    tenant.save()
    before = len(scenario.calls(king)), len(outsmart.calls.all())

    found = verification_run.by_command()

    assert found.error is not None
    assert found.error.code == "licence_inactive"
    assert (len(scenario.calls(king)), len(outsmart.calls.all())) == before


def test_a_paused_connection_stops_the_clock(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    exported(outsmart)
    Connection.objects.update(state=Connection.State.PAUSED)
    king.calls.clear()

    clock()

    assert scenario.calls(king) == []


def test_the_calls_of_a_day_are_limited(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    scenario.export()
    due()
    Tenant.objects.filter(pk=tenant.pk).update(verification_calls=4)
    VerificationDay.objects.all().delete()

    first, again = verification_run.by_command(), verification_run.by_command()

    assert (first.left, again.left, VerificationDay.objects.get().calls) == (2, 3, 4)


def test_the_next_day_has_calls_again(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    exported(outsmart)
    Tenant.objects.filter(pk=tenant.pk).update(verification_calls=2)
    verification_run.by_command()
    VerificationDay.objects.update(day=timezone.localdate() - DAY)

    found = verification_run.by_command()

    assert (len(found.checked), found.left) == (1, 0)


def test_the_oldest_is_checked_first(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    older, newer = exported(outsmart), exported(outsmart)
    WorkOrder.objects.update(king_checked_at=timezone.now())
    WorkOrder.objects.filter(pk=older.pk).update(verified_at=timezone.now() - 3 * DAY)
    Tenant.objects.filter(pk=tenant.pk).update(verification_calls=1)
    VerificationDay.objects.all().delete()

    clock()

    checked = WorkOrder.objects.filter(verified_at__gt=timezone.now() - DAY / 2)
    assert [row.pk for row in checked] == [older.pk]
    assert newer.pk != older.pk


# --- Faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http_500", "unauthorized"])
def test_a_king_that_cannot_be_asked_is_said_once_and_fails_no_run(
    king: KingSandbox, outsmart: OutSmartSandbox, kind: Kind
) -> None:
    row = exported(outsmart)
    outsmart.store.edit_work_order(row.outsmart_id, {"Materials": []})
    king.faults.add(Fault(kind=kind, operation="Orders_Opvragen", times="forever"))

    run = scenario.export()
    found = verification_run.by_command()

    assert run.status == "partly"  # because of the edit, which was found all the same
    assert scenario.ledger(row.outsmart_id).state == LedgerState.CHANGED
    assert found.error is not None
    assert warnings().count("verification.stopped") == 1
    assert all(connection.state == Connection.State.ACTIVE for connection in Connection.objects.all())


def test_an_order_that_an_export_just_wrote_is_left_to_the_next_time(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = exported(outsmart)
    staff_sets_the_quantity(king, row)
    original = Verification._compare_with_king

    def meanwhile(*arguments: Any) -> None:
        WorkOrder.objects.filter(pk=row.pk).update(attempts=9)
        original(*arguments)

    monkeypatch.setattr(Verification, "_compare_with_king", meanwhile)

    found = verification_run.by_command()

    assert (notices(row), found.left) == ([], 1)


def test_nothing_is_due_right_after_an_export(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    king.calls.clear()

    clock()

    assert scenario.calls(king) == []
    assert SyncRun.objects.count() == 1


# --- Named by a user --------------------------------------------------------------------------------------------------


def test_a_named_work_order_that_never_was_at_the_trigger_says_so(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkStatus="3")

    scenario.export(work_orders=[number])
    scenario.export(work_orders=[number])

    assert [why["code"] for why in scenario.ledger(number).reasons] == ["never_at_trigger"]


def test_a_named_work_order_that_left_the_trigger_says_that(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[], Workperiods=[])
    scenario.export()
    outsmart.store.edit_work_order(number, {"WorkStatus": "3"})

    scenario.export()

    assert [why["code"] for why in scenario.ledger(number).reasons] == ["left_the_trigger"]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"WorkStatus": "3"}, LedgerState.DONE),
        ({"Archived": "1"}, LedgerState.DONE),
        ({"status": "Afgehandeld"}, LedgerState.DONE),
        ({"status": "Opgepakt"}, LedgerState.INTERIM),
    ],
)
def test_a_named_work_order_is_exported_whatever_its_status_if_asked(
    king: KingSandbox, outsmart: OutSmartSandbox, fields: dict[str, str], state: LedgerState
) -> None:
    number = scenario.work_order(outsmart, **fields)

    foreseen = scenario.export(work_orders=[number], whatever_status=True, dry_run=True)
    scenario.export(work_orders=[number], whatever_status=True)

    assert scenario.counts(foreseen) == {"read": 1, "created": 1}
    assert (scenario.ledger(number).state, len(scenario.orders(king))) == (state, 1)
