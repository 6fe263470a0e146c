"""The drill of docs/operations.md: back up, restore into a new place, check against both systems, go on."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kingsync.models.restores import Installation
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import backups, factories, own_servers, scenario
from tests.management.test_commands import command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lost_answers_soon_settled")]
READS = {"Orders_Opvragen"}


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    Installation.objects.get_or_create()  # the migrations create it; an earlier test emptied the tables
    scenario.stock(king)
    factories.settings(tenant)


@contextmanager
def restored(backup: Path) -> Iterator[None]:
    """Go on with the database of a backup, in a new place."""
    with (
        backups.restored_elsewhere(backup, f"restored_{os.getpid()}") as address,
        own_servers.connected_to(address),
    ):
        yield


def checked(*arguments: str) -> tuple[int, Counter[str], list[dict[str, Any]]]:
    """Run `check_restore`; return its exit code, how often it found what, and what."""
    code, out = command("check_restore", *(arguments or ("jansen",)), "--json")
    [answer] = json.loads(out)["tenants"]
    return code, Counter(each["code"] for each in answer["differences"]), answer["differences"]


def references(king: KingSandbox) -> list[str]:
    return sorted(str(order["ExternOrderNummer"]) for order in scenario.orders(king))


def test_a_ledger_that_agrees_with_both_systems_is_complete_and_nothing_is_written(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    scenario.work_order(outsmart)
    before = list(WorkOrder.objects.values()), copy.deepcopy(outsmart.store.all_work_orders())
    king.calls.clear()

    code, found, _ = checked("--all")

    assert (code, found) == (0, Counter())
    assert set(scenario.calls(king)) == READS
    assert before == (list(WorkOrder.objects.values()), outsmart.store.all_work_orders())


def test_what_a_restored_ledger_lacks_is_named_and_the_next_export_brings_it_back(
    tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    known = scenario.work_order(outsmart)
    scenario.export()
    backup = backups.dump(tmp_path / "kingsync.dump")
    numbers = [scenario.work_order(outsmart) for _ in range(3)]
    scenario.export()
    king.store.edit_order(int(scenario.ledger(numbers[2]).king_order_number or 0), Edit(close=True))

    with restored(backup):
        code, found, differences = checked()
        scenario.export()
        again = checked()
        states = [scenario.ledger(number).state for number in (known, *numbers)]

    assert (code, found) == (1, Counter({"restored.in_king_only": 2, "restored.in_journal_only": 1}))
    assert {each["outsmart_id"] for each in differences} == set(numbers)
    assert all(f"OS-{each['outsmart_id']}" in each["sentence"] for each in differences)
    assert again[:2] == (0, Counter())
    assert states == [LedgerState.DONE] * 4
    assert references(king) == [f"OS-{number}" for number in (known, *numbers)]
    assert king.calls.count("Order_Toevoegen") == 4


def test_what_only_the_ledger_knows_is_named_too(tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    removed, back_at_trigger = scenario.work_order(outsmart), scenario.work_order(outsmart)
    scenario.export()
    backup = backups.dump(tmp_path / "kingsync.dump")
    king.store.edit_order(int(scenario.ledger(removed).king_order_number or 0), Edit(close=True))
    outsmart.store.edit_work_order(back_at_trigger, {"status": "Compleet"})

    with restored(backup):
        code, found, differences = checked()

    assert (code, found) == (1, Counter({"restored.closed_since": 1, "restored.at_trigger_again": 1}))
    assert [each["outsmart_id"] for each in differences] == [removed, back_at_trigger]


def test_without_a_journal_a_confirmed_work_order_that_king_closed_is_asked_about(
    tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox, settings: Any
) -> None:
    settings.JOURNAL_FOLDER = ""
    scenario.work_order(outsmart)
    scenario.export()
    backup = backups.dump(tmp_path / "kingsync.dump")
    lost = scenario.work_order(outsmart)
    scenario.export()
    king.store.edit_order(int(scenario.ledger(lost).king_order_number or 0), Edit(close=True))

    with restored(backup):
        code, found, [difference] = checked()

    assert (code, found) == (1, Counter({"restored.confirmed_only": 1}))
    assert (difference["outsmart_id"], difference["king_order_number"]) == (lost, None)


def test_a_king_that_does_not_answer_ends_with_two_and_one_sentence(tenant: Tenant, king: KingSandbox) -> None:
    king.access_code = "another"

    code, out = command("check_restore", "jansen", "--json")

    [answer] = json.loads(out)["tenants"]
    assert (code, answer["differences"]) == (2, [])
    assert "King" in answer["error"]
