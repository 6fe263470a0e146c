"""The effect of other settings on the waiting work orders, calculated without a call or a write."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.apps import apps
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from kingsync.exports import settings_impact
from kingsync.exports.settings_impact import End, SettingsImpact
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.rules.mapping import Exports
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.usefixtures("stocked")


def choices(**columns: object) -> Exports:
    """Return the stored settings with these columns changed; stores nothing."""
    row = SyncSettings.objects.get()
    for name, value in columns.items():
        row._meta.get_field(name)
        setattr(row, name, value)
    return row.as_mapping().exports


def choose(**columns: object) -> None:
    SyncSettings.objects.update(**columns)


def expected_count(**columns: object) -> SettingsImpact:
    return settings_impact.settings_impact(choices(), choices(**columns))


def waiting(outsmart: OutSmartSandbox, **fields: object) -> WorkOrder:
    """Put a work order at the trigger, read it, and leave it as if an export had been stopped right then."""
    outsmart_id = scenario.work_order(outsmart, **fields)
    choose(create_new_order=False)
    scenario.export(work_orders=[outsmart_id])
    choose(create_new_order=True)
    return scenario.ledger(outsmart_id)


def ends(counts: dict[End, int]) -> dict[str, int]:
    return {end.value: number for end, number in counts.items() if number}


def everything() -> list[Any]:
    """Return all our rows, for comparison."""
    return [list(model._base_manager.order_by("pk").values()) for model in apps.get_app_config("kingsync").get_models()]


def test_held_work_orders_would_be_created_when_creating_is_on(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    row = waiting(outsmart)
    choose(create_new_order=False)

    found = expected_count(create_new_order=True)

    assert (found.waiting, found.looked_at) == (1, 1)
    assert (ends(found.now), ends(found.then)) == ({"held": 1}, {"created": 1})
    (changed,) = found.changed
    assert (changed.pk, changed.number) == (row.pk, row.order_number)
    assert [why.code for why in changed.now.reasons] == ["not_linked"]


def test_without_a_change_nothing_changes(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)

    found = expected_count()

    assert (found.now, found.change_count, found.changed) == (found.then, 0, [])


def test_settings_impact_is_what_the_export_then_does(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)
    waiting(outsmart, Materials=[scenario.material("ONBEKEND")], Workperiods=[])
    waiting(outsmart, Materials=[], Workperiods=[])
    waiting(outsmart, CustomerDebtorNrInvoice="404")

    found = expected_count(hour_rounding=30)
    run = scenario.export()

    assert ends(found.then) == {"created": 1, "refused": 2, "held": 1}
    assert scenario.counts(run) == {"read": 4, "created": 1, "rejected": 2, "skipped": 1}


def test_nothing_is_written_and_nobody_is_asked(tenant: Tenant, outsmart: OutSmartSandbox, king: KingSandbox) -> None:
    waiting(outsmart)
    waiting(outsmart, Materials=[scenario.material("ONBEKEND")])
    rows, asked = everything(), (len(scenario.calls(king)), len(outsmart.calls.all()))

    expected_count(hour_rounding=30, default_warehouse="", interim_updates=True, order_update_status="3")

    assert everything() == rows
    assert (len(scenario.calls(king)), len(outsmart.calls.all())) == asked


@translation.override("en")
def test_line_that_would_read_otherwise_is_told(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart, Workperiods=[scenario.period("00:50")])

    found = expected_count(hour_rounding=30, extra_text_line_1="Bon {order_number}")

    (changed,) = found.changed
    number = changed.number
    assert (changed.now.end, changed.then.end) == (End.CREATED, End.CREATED)
    assert changed.differences == (f"Extra text line 1: Werkbon {number} → Bon {number}",)


def test_rounded_hours_are_told_with_both_quantities(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart, Workperiods=[scenario.period("01:10")])

    (changed,) = expected_count(hour_rounding=30).changed

    assert [each.rpartition(": ")[2] for each in changed.differences] == ["1.25 MONT → 1.5 MONT"]


def test_debtor_approval_and_sequence_are_told(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)

    (changed,) = expected_count(
        assign_relation="customer", approve_order=True, order_line_sequence="hours_materials_text"
    ).changed

    told = " ".join(changed.differences)
    assert "11 → 10" in told
    assert len(changed.differences) == 3


def test_free_line_article_repairs_lines_without_a_code(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart, Materials=[scenario.material("")], Workperiods=[])

    found = expected_count(free_line_article="BUIS")

    assert (ends(found.now), ends(found.then)) == ({"refused": 1}, {"created": 1})
    assert "no_article_code" in {why.params.get("code") for why in found.changed[0].now.reasons}


def test_other_trigger_leaves_what_waits_at_the_old_one(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)

    found = expected_count(work_order_status="2")

    assert ends(found.then) == {"held": 1}
    assert [why.code for why in found.changed[0].then.reasons] == ["left_the_trigger"]


def test_exports_switched_off_hold_everything(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)

    found = expected_count(export_orders=False)

    assert ends(found.then) == {"held": 1}
    assert [why.code for why in found.changed[0].then.reasons] == ["exports_off"]


def test_incomplete_order_in_king_would_be_updated_only_when_something_differs(
    tenant: Tenant, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("ONBEKEND")])
    scenario.export()

    found = expected_count(extra_text_line_2="Extra")

    assert (ends(found.now), ends(found.then)) == ({"unchanged": 1}, {"updated": 1})


def test_interim_order_is_left_alone_when_interim_updates_end(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    choose(interim_updates=True, order_update_status="3", create_interim_order=True)
    outsmart_id = scenario.work_order(outsmart, status="Opgepakt", WorkStatus="3")
    scenario.export()
    assert scenario.ledger(outsmart_id).state == LedgerState.INTERIM

    found = expected_count(interim_updates=False)

    assert (ends(found.now), ends(found.then)) == ({"unchanged": 1}, {"held": 1})


@pytest.mark.parametrize(
    "columns", [{"source": ""}, {"source": "{"}, {"step": Step.PENDING, "state": LedgerState.UNCERTAIN}]
)
def test_what_only_king_or_outsmart_can_tell_is_said_to_be_unknown(
    tenant: Tenant, outsmart: OutSmartSandbox, columns: dict[str, str]
) -> None:
    row = waiting(outsmart)
    WorkOrder.objects.filter(pk=row.pk).update(**columns)

    found = expected_count(create_new_order=False)

    assert (ends(found.now), ends(found.then), found.changed) == ({"unknown": 1}, {"unknown": 1}, [])


@pytest.mark.parametrize("state", [LedgerState.DONE, LedgerState.EXCLUDED, LedgerState.CHANGED])
def test_what_does_not_wait_is_not_looked_at(tenant: Tenant, outsmart: OutSmartSandbox, state: LedgerState) -> None:
    row = waiting(outsmart)
    WorkOrder.objects.filter(pk=row.pk).update(state=state)

    assert expected_count(create_new_order=False).waiting == 0


def test_person_who_released_a_work_order_is_heeded(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    row = waiting(outsmart, Materials=[], Workperiods=[])
    WorkOrder.objects.filter(pk=row.pk).update(is_released=True)

    assert ends(expected_count().then) == {"created": 1}


def test_mirror_that_was_never_filled_refuses_nothing(tenant: Tenant) -> None:
    source = '{"id": "1", "status": "Compleet", "WorkStatus": "1", "CustomerDebtorNr": "5", '
    source += '"Materials": [{"MaterialCode": "X", "MaterialNr": "1"}]}'
    factories.work_order(tenant, source=source)

    assert ends(expected_count().then) == {"created": 1}


def test_newest_work_orders_are_looked_at_and_fifty_changes_listed(
    tenant: Tenant, outsmart: OutSmartSandbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    raw = waiting(outsmart).source
    for number in range(settings_impact.LOOKED_AT + 20):
        factories.work_order(tenant, outsmart_id=f"8{number:05}", source=raw)
    stored, wanted = choices(), choices(default_warehouse="", create_new_order=False)
    before = time.process_time()

    with django_assert_num_queries(9):
        found = settings_impact.settings_impact(stored, wanted, seconds=60)

    assert (found.waiting, found.looked_at) == (settings_impact.LOOKED_AT + 21, settings_impact.LOOKED_AT)
    assert (found.change_count, len(found.changed)) == (settings_impact.LOOKED_AT, settings_impact.LISTED)
    assert time.process_time() - before < 2 * settings_impact.SECONDS


def test_settings_impact_ends_when_its_time_is_over(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    waiting(outsmart)
    waiting(outsmart)

    found = settings_impact.settings_impact(choices(), choices(create_new_order=False), seconds=0)

    assert (found.waiting, found.looked_at, found.change_count) == (2, 1, 1)


def test_work_orders_of_another_tenant_are_not_counted(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    raw = waiting(outsmart).source
    factories.work_order(factories.tenant(), source=raw)

    assert expected_count().waiting == 1


@pytest.mark.parametrize("code", ["order_refused", "refused_by_king", "order_delivered"])
def test_success_is_not_foretold_while_a_reason_that_only_king_gives_still_holds(
    tenant: Tenant, outsmart: OutSmartSandbox, code: str
) -> None:
    row = waiting(outsmart)
    WorkOrder.objects.filter(pk=row.pk).update(reasons=[{"code": code, "params": {"detail": "Fout 12"}}])

    found = expected_count(hour_rounding=30)

    assert (ends(found.now), ends(found.then)) == ({"unknown": 1}, {"unknown": 1})


def test_refused_line_counts_by_what_is_behind_it(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    row = waiting(outsmart)
    behind = {"line": "Kogelkraan", "code": "refused_by_king", "detail": "Fout 12"}
    WorkOrder.objects.filter(pk=row.pk).update(reasons=[{"code": "line_refused", "params": behind}])

    found = expected_count()

    assert ends(found.then) == {"unknown": 1}


def test_reason_that_the_stored_data_no_longer_give_is_over(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    row = waiting(outsmart)
    reasons = [{"code": "unknown_article", "params": {"article": "BUIS"}}]
    WorkOrder.objects.filter(pk=row.pk).update(reasons=reasons)

    assert ends(expected_count().then) == {"created": 1}
