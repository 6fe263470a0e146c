"""The log says which lines an export changed in King, from what to what."""

from __future__ import annotations

from typing import Any

import pytest

from kingsync.models.runs import LogEntry
from kingsync.rules import changes
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.scenario import material

pytestmark = pytest.mark.usefixtures("stocked")


def updated(outsmart: OutSmartSandbox, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """Export a work order with other materials again; return which lines the log says were written."""
    number = scenario.work_order(outsmart, Materials=before)
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1", "Materials": after})
    scenario.export()
    entry = LogEntry.objects.get(event="order.updated", outsmart_id=number)
    return str(entry.params.get("lines", ""))


def test_changed_added_and_removed_lines_are_logged(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht"})

    lines = updated(outsmart, [material("BUIS"), material("KNIE")], [material("BUIS", "3"), material("BOCHT", "2")])

    assert set(lines.split("; ")) == {"BUIS: 1 BUIS → 3 BUIS", "BOCHT: - → 2 BOCHT", "KNIE: 1 KNIE → -"}


def test_of_many_lines_the_first_are_logged(outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LINES_SHOWN", 1)

    lines = updated(outsmart, [material("BUIS"), material("KNIE")], [material("BUIS", "3"), material("KNIE", "4")])

    assert lines == "BUIS: 1 BUIS → 3 BUIS; …"
