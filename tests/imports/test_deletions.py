"""Records deleted at source: deactivated only by policy, and only after a scan that is proven complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Page
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_imports import CUSTOMER, posts


@pytest.fixture(autouse=True)
def _loaded(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    factories.settings(tenant, missing="deactivate")
    for number in ("10", "11", "12"):
        king.store.put_record("debtor", number, CUSTOMER)
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis"})
    king.store.put_record("article", "KNIE", {"OmschrijvingKort": "Knie"})
    scenario.load()


def actives(outsmart: OutSmartSandbox) -> dict[str, str]:
    return {str(row["debtor_number"]): str(row["active"]) for row in outsmart.store.rows("relations")}


def test_a_customer_that_is_gone_is_made_inactive(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("debtor", "11")

    run = scenario.load("customers", full=True)

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 2, "unchanged": 2, "deactivated": 1})
    assert actives(outsmart) == {"10": "1", "11": "0", "12": "1"}
    assert RecordLink.objects.get(kind="customer", king_id="11").state == RecordLink.State.DELETED


def test_a_customer_that_changed_meanwhile_is_not_gone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("debtor", "10", CUSTOMER | {"Naam1": "De Boer en Zonen"})
    king.store.remove_record("debtor", "11")

    run = scenario.load("customers", full=True)

    assert scenario.counts(run) == {"read": 2, "unchanged": 1, "updated": 1, "deactivated": 1}
    assert actives(outsmart) == {"10": "1", "11": "0", "12": "1"}


def test_that_happens_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("debtor", "11")
    scenario.load("customers", full=True)
    outsmart.calls.clear()

    run = scenario.load("customers", full=True)

    assert (scenario.counts(run), posts(outsmart)) == ({"read": 2, "unchanged": 2}, [])


def test_a_customer_that_is_back_is_active_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("debtor", "11")
    scenario.load("customers", full=True)
    king.store.put_record("debtor", "11", CUSTOMER)

    run = scenario.load("customers")

    assert (run.updated_count, actives(outsmart)["11"]) == (1, "1")
    assert RecordLink.objects.get(kind="customer", king_id="11").state == RecordLink.State.LINKED


def test_a_product_that_is_gone_stays_and_says_so(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("article", "KNIE")

    run = scenario.load("products", full=True)

    assert scenario.counts(run) == {"read": 1, "unchanged": 1, "skipped": 1}
    assert [row["code"] for row in outsmart.store.rows("materials")] == ["BUIS", "KNIE"]
    link = RecordLink.objects.get(kind="product", king_id="KNIE")
    assert (link.state, link.reason["code"]) == ("deleted", "deleted_in_king_stays")


def test_a_product_that_is_back_is_linked_again_without_a_post(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("article", "KNIE")
    scenario.load("products", full=True)
    king.store.put_record("article", "KNIE", {"OmschrijvingKort": "Knie"})
    outsmart.calls.clear()

    scenario.load("products", full=True)

    assert RecordLink.objects.get(kind="product", king_id="KNIE").state == RecordLink.State.LINKED
    assert posts(outsmart) == []


def test_without_the_policy_nothing_happens(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    settings = SyncSettings.objects.get()
    settings.missing = "ignore"
    settings.store(by=None)
    scenario.load("customers")
    king.store.remove_record("debtor", "11")
    outsmart.calls.clear()

    run = scenario.load("customers", full=True)

    assert (scenario.counts(run), posts(outsmart)) == ({"read": 2, "unchanged": 2}, [])


def test_a_pass_over_changes_calls_nothing_gone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.remove_record("debtor", "11")

    run = scenario.load("customers")

    assert run.deactivated_count == 0
    assert actives(outsmart)["11"] == "1"


def test_a_pass_with_an_unreadable_record_calls_nothing_gone(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    king.store.remove_record("debtor", "11")
    _spoil(monkeypatch, lambda raw: {**raw, "DebiteurNummer": None} if raw["DebiteurNummer"] == 12 else raw)

    run = scenario.load("customers", full=True)

    assert scenario.counts(run) == {"read": 2, "unchanged": 1, "rejected": 1}
    assert actives(outsmart)["11"] == "1"


def test_a_king_that_leaves_records_out_of_its_pages_is_not_believed(
    outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil(monkeypatch, lambda raw: None if raw["DebiteurNummer"] == 11 else raw)

    run = scenario.load("customers", full=True)

    assert run.deactivated_count == 0
    assert actives(outsmart)["11"] == "1"
    assert LogEntry.objects.get(run=run, event="import.not_whole").level == "warning"


def test_a_record_that_was_never_sent_leaves_the_list_when_king_drops_it(king: KingSandbox) -> None:
    king.store.put_record("debtor", "13", CUSTOMER | {"Woonplaats": ""})
    scenario.load("customers")
    listed = RecordLink.objects.filter(state="rejected").count()
    king.store.remove_record("debtor", "13")

    scenario.load("customers", full=True)

    assert (listed, RecordLink.objects.filter(king_id="13").exists()) == (1, False)


def test_many_that_are_gone_pull_the_brake(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number in range(100, 121):
        king.store.put_record("debtor", str(number), CUSTOMER)
    scenario.load("customers")
    for number in range(100, 121):
        king.store.remove_record("debtor", str(number))
    outsmart.calls.clear()

    run = scenario.load("customers", full=True)

    assert (run.status, run.deactivated_count, posts(outsmart)) == ("partly", 0, [])


def _spoil(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Change King's pages (not its answers to a lookup); None leaves a record out."""
    honest = KingClient.iter_pages

    def spoiled(self: KingClient, kind: Kind, **rest: Any) -> Iterator[Page]:
        for page in honest(self, kind, **rest):
            if rest.get("size") != 500 or kind is not Kind.DEBTOR:
                yield page
                continue
            changed = [change(json.loads(bytes(raw))) for raw in page.records]
            records = tuple(
                msgspec.Raw(json.dumps(each).encode()) if each != json.loads(bytes(raw)) else raw
                for each, raw in zip(changed, page.records, strict=True)
                if each
            )
            yield Page(records=records, next_after=page.next_after)

    monkeypatch.setattr(KingClient, "iter_pages", spoiled)
