"""A scan of many records takes several slices and survives a killed worker: nothing is counted or sent twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from kingsync import worker
from kingsync.imports import persist, progress, reading_phase
from kingsync.models.change_limit_trips import StagedRecord
from kingsync.models.links import ReadState, RecordLink
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

ARTICLES = 60
PAGE = 10


class KilledError(BaseException):
    """A killed process, seen from inside: nothing after it runs."""


@pytest.fixture(autouse=True)
def _short_pages(tenant: Tenant, king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.settings(tenant, missing="deactivate", brake_percent=100)
    monkeypatch.setattr(reading_phase, "PAGE", PAGE)
    monkeypatch.setattr(reading_phase, "CHUNK", PAGE)
    _put(king, ARTICLES)


def _put(king: KingSandbox, count: int, *, name: str = "Artikel") -> None:
    for number in range(count):
        king.store.put_record("article", f"A{number:03}", {"OmschrijvingKort": f"{name} {number}"})


def in_slices(**options: Any) -> tuple[SyncRun, int]:
    """Run an import of products in slices that end at once; return the run and the number of slices."""
    requested = lifecycle.request(
        kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE, options={"kinds": ["products"], **options}
    )
    slices = 1
    while worker.work_slice(requested.run.pk, slice_seconds=0).more:
        slices += 1
    return SyncRun.objects.get(pk=requested.run.pk), slices


def sent(outsmart: OutSmartSandbox) -> Counter[str]:
    """Return how often each product was posted."""
    found: Counter[str] = Counter()
    for call in outsmart.calls.all():
        if call.method == "POST" and "materials" in call.operation:
            found.update(str(row["code"]) for row in call.json())  # type: ignore[attr-defined]
    return found


def test_a_first_import_goes_on_where_the_slice_ended(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    run, slices = in_slices()

    assert slices == ARTICLES // PAGE
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": ARTICLES, "created": ARTICLES})
    assert run.counts_by_kind == {"products": {"read": ARTICLES, "created": ARTICLES}}
    assert set(sent(outsmart).values()) == {1}


def test_a_later_import_holds_back_over_all_slices_and_then_writes(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    in_slices()
    outsmart.calls.clear()
    _put(king, 35, name="Nieuw")

    run, _ = in_slices(full=True)

    assert scenario.counts(run) == {"read": ARTICLES, "updated": 35, "unchanged": ARTICLES - 35}
    assert set(sent(outsmart).values()) == {1}
    assert len(sent(outsmart)) == 35
    assert not StagedRecord.objects.exists()


def test_what_is_gone_is_found_over_all_slices(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    in_slices()
    king.store.remove_record("article", "A017")
    king.store.remove_record("article", "A048")

    run, _ = in_slices(full=True)

    assert scenario.counts(run) == {"read": 58, "unchanged": 58, "skipped": 2}
    assert set(RecordLink.objects.filter(state="deleted").values_list("king_id", flat=True)) == {"A017", "A048"}


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_first_import_that_is_killed_goes_on_where_it_was(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    run = _killed_in(monkeypatch, persist.RecordSaver, "save", at=chunk)

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": ARTICLES, "created": ARTICLES})
    assert len(outsmart.store.rows("materials")) == ARTICLES
    assert max(sent(outsmart).values()) <= 2  # posted but unsaved records are posted again: an upsert


def test_a_later_import_that_is_killed_while_writing_writes_the_rest(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_slices()
    _put(king, ARTICLES, name="Nieuw")
    monkeypatch.setattr("kingsync.imports.staging.BATCH", PAGE)
    monkeypatch.setattr(reading_phase, "STAGED_AT_MOST", PAGE)
    monkeypatch.setattr(reading_phase, "COMPARED_AT_ONCE", PAGE)
    run = _killed_in(monkeypatch, persist.RecordSaver, "save", at=3, full=True)

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": ARTICLES, "updated": ARTICLES})
    assert not StagedRecord.objects.exists()


def test_after_a_kill_nothing_is_called_gone(king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    in_slices()
    king.store.remove_record("article", "A017")
    monkeypatch.setattr(reading_phase, "SAVE_SECONDS", 0.0)
    run = _killed_in(monkeypatch, progress.Scan, "as_cursor", at=4, full=True)

    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    run.refresh_from_db()
    assert (run.status, run.skipped_count, run.read_count) == ("succeeded", 0, ARTICLES - 1)
    assert ReadState.objects.get(purpose="products").complete_at is not None
    assert scenario.counts(scenario.load("products", full=True))["skipped"] == 1


def _killed_in(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, *, at: int, **options: Any) -> SyncRun:
    """Start an import and kill it at the n-th call of a function; return its run, to be taken over."""
    honest, calls = getattr(where, name), iter(range(1, 10_000))

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == at:
            raise KilledError
        return honest(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, deadly)
        requested = lifecycle.request(
            kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE, options={"kinds": ["products"], **options}
        )
        with pytest.raises(KilledError):
            worker.work_slice(requested.run.pk, slice_seconds=scenario.FOREVER)
    requested.run.refresh_from_db()
    assert requested.run.status == RunStatus.RUNNING
    return requested.run
