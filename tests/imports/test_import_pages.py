"""King's pages deviate from the agreed form: nothing is lost, duplicated or sent again, and the run ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Page
from kingsync.imports import reading_phase
from kingsync.models.links import RecordLink
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_import_edges import articles
from tests.imports.test_import_faults import adds_up
from tests.imports.test_import_slices import sent


@pytest.fixture(autouse=True)
def _settled(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.settings(tenant, missing="deactivate")
    for name in ("PAGE", "CHUNK", "STAGED_AT_MOST", "COMPARED_AT_ONCE"):
        monkeypatch.setattr(reading_phase, name, 10)
    monkeypatch.setattr("kingsync.imports.staging.BATCH", 10)


def _pages(monkeypatch: pytest.MonkeyPatch, change: Callable[[Page, str], Page]) -> None:
    """Make King return different pages."""
    honest = KingClient._page

    def odd(self: KingClient, kind: Kind, condition: Any, after: str) -> Page:
        return change(honest(self, kind, condition, after), after)

    monkeypatch.setattr(KingClient, "_page", odd)


def _empty_in_the_middle(page: Page, after: str) -> Page:
    return Page(records=(), next_after="A0189") if after == "A018" else page


def _one_at_a_time(page: Page, after: str) -> Page:
    first = Page(records=page.records[:1], next_after=f"A{int(after[1:] or -1) + 1:03}")
    return first if page.next_after else page


def _twice_on_a_page(page: Page, _after: str) -> Page:
    return Page(records=(*page.records, *page.records[:3]), next_after=page.next_after)


def _twice_on_two_pages(page: Page, _after: str) -> Page:
    return Page(records=page.records, next_after=page.next_after and f"A{int(page.next_after[1:]) - 1:03}")


@pytest.mark.parametrize("change", [_empty_in_the_middle, _one_at_a_time, _twice_on_a_page, _twice_on_two_pages])
def test_pages_of_another_form_than_agreed_lose_and_double_nothing(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, change: Callable[[Page, str], Page]
) -> None:
    if change is _empty_in_the_middle:
        monkeypatch.setattr(reading_phase, "PAGE", 19)
    articles(king, 40)
    _pages(monkeypatch, change)
    runs = [scenario.load("products")]
    articles(king, 10, price=2.0)
    runs += [scenario.load("products", full=True), scenario.load("products", full=True)]

    assert [run.status for run in runs] == ["succeeded"] * 3
    for run in runs:
        adds_up(run)
    assert len(outsmart.store.rows("materials")) == 40
    assert [str(row["price"])[0] for row in outsmart.store.rows("materials")] == ["2"] * 10 + ["1"] * 30
    assert RecordLink.objects.filter(state="linked").count() == 40
    assert runs[2].updated_count == runs[2].skipped_count == 0


def test_a_king_that_never_comes_to_an_end_fails_the_run(king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    articles(king, 40)
    _pages(monkeypatch, lambda page, _after: Page(records=page.records, next_after="A009"))

    run = scenario.load("products")

    assert (run.status, run.error["code"]) == ("failed", "system.unexpected")
    adds_up(run)


def test_a_king_that_knows_no_changed_since_is_read_whole_and_nothing_is_sent_again(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles(king, 40)
    scenario.load("products")
    king.store.put_record("article", "A007", {"OmschrijvingKort": "Knie"})
    monkeypatch.setattr("integrations.king.client._selection", lambda _since, size: {"MaxAantal": size})
    outsmart.calls.clear()

    run = scenario.load("products")

    assert scenario.counts(run) == {"read": 40, "unchanged": 39, "updated": 1}
    assert sent(outsmart) == {"A007": 1}
