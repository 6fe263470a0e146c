"""The change limit: a scan that would change or deactivate too much writes nothing and asks for approval."""

from __future__ import annotations

import pytest

from kingsync.imports import change_limit
from kingsync.models.change_limit_trips import ChangeLimitTrip, StagedRecord
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_imports import posts

MANY = 30


@pytest.fixture(autouse=True)
def _loaded(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    factories.settings(tenant)
    _put(king, 0, MANY)
    scenario.load("products")
    outsmart.calls.clear()


def _put(king: KingSandbox, first: int, count: int, *, price: float = 1.0) -> None:
    for number in range(first, first + count):
        fields = {"OmschrijvingKort": f"Artikel {number}", "VerkoopPrijsExclBtw": price}
        king.store.put_record("article", f"A{number:03}", fields)


def _allow() -> None:
    (trip,) = change_limit.open_trips()
    change_limit.allow(trip.pk, by=factories.user())


def test_a_pass_that_changes_too_much_writes_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, 21, price=2.0)
    _put(king, 100, 1)

    run = scenario.load("products")

    assert (run.status, scenario.counts(run)) == (
        "partly",
        {"read": 22, "skipped": 22} | _unchanged(run.unchanged_count),
    )
    assert posts(outsmart) == []
    trip = ChangeLimitTrip.objects.get()
    assert (trip.state, trip.known_count, trip.changed_count, trip.deactivated_count) == ("waiting", MANY, 21, 0)
    assert trip.records[0]["changes"] == {"price": ["1.00", "2.00"]}
    assert LogEntry.objects.get(run=run, event="import.change_limit_tripped").params["changed"] == "21"
    assert not StagedRecord.objects.exists()


def _unchanged(number: int) -> dict[str, int]:
    """Return the counts of unchanged records: those put moments ago come along with the overlap."""
    return {"unchanged": number, "read": 22 + number} if number else {}


def test_twenty_records_may_always_change(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, 20, price=2.0)

    run = scenario.load("products")

    assert (run.status, run.updated_count) == ("succeeded", 20)
    assert not ChangeLimitTrip.objects.exists()


def test_new_records_pull_no_brake(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 100, 50)

    run = scenario.load("products")

    assert (run.status, run.created_count) == ("succeeded", 50)


def test_after_a_yes_the_next_pass_writes(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, MANY, price=2.0)
    scenario.load("products")
    _allow()

    run = scenario.load("products")

    assert (run.status, run.updated_count) == ("succeeded", MANY)
    assert {row["price"] for row in outsmart.store.rows("materials")} <= {"2.00", "2,00"}
    assert ChangeLimitTrip.objects.get().state == ChangeLimitTrip.State.OVER


def test_a_yes_is_for_what_was_shown_only(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, 22, price=2.0)
    scenario.load("products")
    _allow()
    _put(king, 0, MANY, price=3.0)

    run = scenario.load("products")

    assert (run.status, run.updated_count, posts(outsmart)) == ("partly", 0, [])
    assert (ChangeLimitTrip.objects.get().state, ChangeLimitTrip.objects.get().changed_count) == ("waiting", MANY)


def test_a_refusal_stays_until_king_is_right_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, MANY, price=2.0)
    scenario.load("products")
    (trip,) = change_limit.open_trips()
    change_limit.refuse(trip.pk, by=factories.user())
    refused = scenario.load("products")
    state = ChangeLimitTrip.objects.get().state
    _put(king, 0, MANY, price=1.0)

    run = scenario.load("products")

    assert (refused.status, refused.still_waiting_count, state) == ("succeeded", 1, "refused")
    assert (run.status, posts(outsmart), ChangeLimitTrip.objects.get().state) == ("succeeded", [], "over")


def test_the_other_kinds_go_on(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, MANY, price=2.0)
    king.store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur"})

    run = scenario.load("products", "hour_types")

    assert (run.status, run.created_count) == ("partly", 1)
    assert run.counts_by_kind["products"]["skipped"] == MANY


def test_our_own_settings_pull_no_brake_when_they_only_change(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    settings = SyncSettings.objects.get()
    settings.products_price = "none"
    settings.store(by=None)

    run = scenario.load("products")

    assert (run.status, run.updated_count) == ("succeeded", MANY)


def test_our_own_settings_pull_the_brake_when_they_deactivate(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    settings = SyncSettings.objects.get()
    settings.hour_types_inactive = "import"
    settings.store(by=None)
    for number in range(MANY):
        king.store.put_record("rate", f"R{number}", {"OmschrijvingKort": "Uur", "GeblokkeerdVoorVerkoop": 1})
    scenario.load("hour_types")
    settings.hour_types_inactive = "deactivate"
    settings.store(by=None)
    outsmart.calls.clear()

    run = scenario.load("hour_types")

    assert (run.status, run.deactivated_count, posts(outsmart)) == ("partly", 0, [])
    assert ChangeLimitTrip.objects.get(kind="hour_types").deactivated_count == MANY


def test_a_dry_run_says_that_the_brake_would_stop_it(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _put(king, 0, MANY, price=2.0)

    run = scenario.load("products", dry_run=True)

    assert LogEntry.objects.filter(run=run, event="import.change_limit_tripped").exists()
    assert run.updated_count == MANY
    assert run.dry_run_examples["products"]["updated"][0]["changes"] == {"price": ["1.00", "2.00"]}
    assert not ChangeLimitTrip.objects.exists()


def test_somebody_who_comes_late_is_told(king: KingSandbox) -> None:
    _put(king, 0, MANY, price=2.0)
    scenario.load("products")
    (trip,) = change_limit.open_trips()
    change_limit.allow(trip.pk, by=factories.user())

    with pytest.raises(change_limit.NotWaitingError):
        change_limit.refuse(trip.pk, by=factories.user())
