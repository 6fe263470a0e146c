"""The journal on a full disk: exports go on, and no line is lost but those that did not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as deployment

from kingsync.models.runs import RunStatus
from kingsync.models.tenants import Tenant
from kingsync.runs.journal import ABOUT_TO, Journal
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import disks, scenario

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def journal(tenant: Tenant) -> Journal:
    return Journal("DEMO")


def size() -> int:
    return sum(file.stat().st_size for file in Path(deployment.JOURNAL_FOLDER).rglob("*.jsonl"))


def test_a_line_that_was_cut_off_costs_no_other_line(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    journal.about_to_create("OS-1")

    with disks.full(after_bytes=size() + 20):
        journal.about_to_create("OS-2")
        journal.about_to_create("OS-3")
    journal.about_to_create("OS-4")
    journal.created("OS-4", "4711")

    assert {name: entry.number for name, entry in journal.entries().items()} == {"OS-1": ABOUT_TO, "OS-4": "4711"}
    assert [message.partition(":")[0] for message in caplog.messages] == ["journal.broken"]


def test_an_export_goes_on_without_its_journal(stocked: None, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(2)]

    with disks.full(after_bytes=0):
        run = scenario.export()
    again = scenario.export()

    assert (run.status, again.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [f"OS-{each}" for each in numbers]
