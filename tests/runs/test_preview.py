"""A dry run of named work orders says exactly what the export would do, and is kept for the page that asked."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.king import KingSandbox
from integrations.sandbox.king_store import Edit
from integrations.sandbox.outsmart import OutSmartSandbox
from kingsync.models.work_orders import LedgerState
from kingsync.runs import preview
from tests import desk

pytestmark = pytest.mark.usefixtures("stocked")


def foreseen(number: str) -> dict[str, Any]:
    (entry,) = desk.export(work_orders=[number], dry_run=True).samples["work_orders"]
    return dict(entry)


def codes(entry: dict[str, Any]) -> list[str]:
    return [why["code"] for why in entry["reasons"]]


def test_plan_of_a_named_work_order_is_kept_with_its_reasons_as_codes(outsmart: OutSmartSandbox) -> None:
    number = desk.work_order(outsmart, Materials=[desk.material(), desk.material("ONBEKEND")])

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
    refused = [desk.work_order(outsmart, CustomerDebtorNrInvoice="99") for _ in range(preview.KEPT)]
    good = desk.work_order(outsmart)

    kept = desk.export(dry_run=True).samples["work_orders"]

    assert [entry["outsmart_id"] for entry in kept] == [good, *refused[:-1]]


def test_no_more_than_a_pageful_is_kept(outsmart: OutSmartSandbox) -> None:
    numbers = [desk.work_order(outsmart) for _ in range(preview.KEPT + 1)]

    run = desk.export(work_orders=numbers, dry_run=True)

    assert (len(run.samples["work_orders"]), run.created_count) == (preview.KEPT, preview.KEPT + 1)


def test_what_left_the_trigger_is_foreseen_as_held_as_the_export_does(outsmart: OutSmartSandbox) -> None:
    number = desk.work_order(outsmart, WorkStatus="9")

    entry = foreseen(number)
    desk.export(work_orders=[number])

    assert (entry["action"], codes(entry)) == ("skipped", ["left_the_trigger"])
    row = desk.ledger(number)
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.HELD, ["left_the_trigger"])


def test_line_that_both_sides_changed_is_foreseen_as_held_with_both_values(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = desk.work_order(outsmart)
    desk.export()
    row = desk.ledger(number)
    line = next(each for each in desk.ledger_lines(row) if each.kind == "material")
    edit = Edit(change=[{"RegelID": int(line.king_line_id), "AantalBesteld": 7}])
    king.store.edit_order(int(row.king_order_number or 0), edit)
    outsmart.store.edit_work_order(number, {"Materials": [desk.material(quantity="3")], "status": "Compleet"})

    entry = foreseen(number)
    desk.export(work_orders=[number])

    assert (entry["action"], codes(entry)) == ("skipped", ["line_conflict"])
    assert desk.ledger(number).reasons == entry["reasons"]


def test_order_that_belongs_to_another_work_order_is_foreseen_as_held(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    first = desk.work_order(outsmart)
    desk.export()
    second = desk.work_order(outsmart, WorkorderNo=desk.ledger(first).king_order_number)

    assert codes(foreseen(second)) == ["order_of_another"]


def test_number_that_king_does_not_know_is_foreseen_as_rejected(outsmart: OutSmartSandbox) -> None:
    number = desk.work_order(outsmart, WorkorderNo="424242")

    entry = foreseen(number)

    assert (entry["action"], codes(entry)) == ("rejected", ["unknown_order"])
