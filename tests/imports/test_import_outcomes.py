"""An import keeps which records it created, updated, refused, skipped and deactivated: as many as it counts."""

from __future__ import annotations

from collections import Counter

import pytest

from kingsync import worker
from kingsync.imports import reading_phase
from kingsync.models import runs
from kingsync.models.runs import NEW_PROBLEM, STILL_WAITING, RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)


def agrees(run: SyncRun) -> None:
    """Assert that what is kept is exactly what was counted, but for what stayed the same."""
    counted = {name: number for name, number in scenario.counts(run).items() if name not in {"read", "unchanged"}}
    assert dict(Counter(outcome for outcome, _ in run.ended())) == counted
    assert len(run.kept(NEW_PROBLEM)) == run.new_problems_count
    assert len(run.kept(STILL_WAITING)) == run.still_waiting_count


def test_first_import_keeps_what_it_created() -> None:
    run = scenario.load()

    agrees(run)
    assert ("created", "product BUIS") in run.ended()
    assert run.created_count == 7


def test_change_refusal_and_unreadable_record_are_kept(king: KingSandbox) -> None:
    scenario.load()
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis 22 mm", "AantalDecimalen": 2})
    king.store.put_record("debtor", "10", {"Naam1": "De Boer", "Straat": "Kade", "PostCode": "1000 AA"})
    king.store.put_record("debtor", "11", {"Naam1": "De Vries", "BlokkeerOrderInvoer": 1})

    first, second = scenario.load(), scenario.load(full=True)

    agrees(first)
    agrees(second)
    assert ("updated", "product BUIS") in first.ended()
    assert [record for _, record in first.kept(NEW_PROBLEM)] == [record for _, record in second.kept(STILL_WAITING)]


def test_slices_go_on_where_the_last_one_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_phase, "PAGE", 1)
    monkeypatch.setattr(reading_phase, "CHUNK", 1)
    run = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.COMMAND).run

    slices = 0
    while SyncRun.objects.get(pk=run.pk).is_open:
        worker.work_slice(run.pk, slice_seconds=0.0)
        slices += 1

    ended = SyncRun.objects.get(pk=run.pk)
    agrees(ended)
    assert (slices > 1, ended.created_count) == (True, 7)


def test_of_a_large_import_the_first_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_OF_AN_IMPORT", 3)

    run = scenario.load()

    assert (len(run.outcomes), run.created_count) == (3, 7)


def test_preview_keeps_none() -> None:
    assert scenario.load(dry_run=True).outcomes == []
