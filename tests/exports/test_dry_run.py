"""A dry run of named work orders matches what the export would do, and is stored for the page that requested it."""

from __future__ import annotations

from typing import Any

import pytest

from kingsync.exports import dry_run
from kingsync.models.work_orders import LedgerState
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario

pytestmark = pytest.mark.usefixtures("stocked")


def foreseen(number: str) -> dict[str, Any]:
    (entry,) = scenario.export(work_orders=[number], dry_run=True).dry_run_examples["work_orders"]
    return dict(entry)


def codes(entry: dict[str, Any]) -> list[str]:
    return [why["code"] for why in entry["reasons"]]


def test_plan_of_a_named_work_order_is_kept_with_its_reasons_as_codes(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("ONBEKEND")])

    entry = foreseen(number)

    assert (entry["action"], codes(entry)) == ("created", ["line_refused"])
    told = [
        (line["action"], line["kind"], line.get("king_kind"), line.get("article"), line.get("reason", {}).get("code"))
        for line in entry["lines"]
    ]
    assert told == [
        ("new", "material", "ART", "BUIS", None),
        ("new", "hours", "TAR", "MONT", None),
        ("new", "text", "TEKST", None, None),
        ("new", "text", "TEKST", None, None),
        ("refused", "material", None, None, "unknown_article"),
    ]


def test_of_a_plan_of_everything_what_would_be_sent_is_kept_first(outsmart: OutSmartSandbox) -> None:
    refused = [scenario.work_order(outsmart, CustomerDebtorNrInvoice="99") for _ in range(dry_run.KEPT)]
    good = scenario.work_order(outsmart)

    kept = scenario.export(dry_run=True).dry_run_examples["work_orders"]

    assert [entry["outsmart_id"] for entry in kept] == [good, *refused[:-1]]


def test_no_more_than_a_pageful_is_kept(outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(dry_run.KEPT + 1)]

    run = scenario.export(work_orders=numbers, dry_run=True)

    assert (len(run.dry_run_examples["work_orders"]), run.created_count) == (dry_run.KEPT, dry_run.KEPT + 1)


def test_what_never_was_at_the_trigger_is_foreseen_as_held_as_the_export_does(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkStatus="9")

    entry = foreseen(number)
    scenario.export(work_orders=[number])

    assert (entry["action"], codes(entry)) == ("skipped", ["never_at_trigger"])
    row = scenario.ledger(number)
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.HELD, ["never_at_trigger"])


def test_line_that_both_sides_changed_is_foreseen_as_held_with_both_values(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    row = scenario.ledger(number)
    line = next(each for each in scenario.ledger_lines(row) if each.kind == "material")
    edit = Edit(change=[{"RegelID": int(line.king_line_id), "AantalBesteld": 7}])
    king.store.edit_order(int(row.king_order_number or 0), edit)
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material(quantity="3")], "status": "Compleet"})

    entry = foreseen(number)
    scenario.export(work_orders=[number])

    assert (entry["action"], codes(entry)) == ("skipped", ["line_conflict"])
    assert scenario.ledger(number).reasons == entry["reasons"]


def test_number_that_king_does_not_know_is_foreseen_as_rejected(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="424242")

    entry = foreseen(number)

    assert (entry["action"], codes(entry)) == ("rejected", ["unknown_order"])
