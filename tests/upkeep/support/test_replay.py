"""A run is told call by call, in order, with what its log and its journal hold."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)


def replay(*words: object) -> str:
    out = StringIO()
    call_command("replay", *map(str, words), stdout=out)
    return out.getvalue()


def events(run: SyncRun) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(replay(run.pk, "--json"))["events"]
    return found


def test_an_export_is_told_from_its_beginning_to_its_end(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    run = scenario.export()

    told = events(run)

    assert [each["text"] for each in told][:2] == ["queued by command line", "started"]
    assert told[-1]["text"] == "succeeded."
    assert told[-1]["counts"]["created"] == 1
    journalled = [each["text"] for each in told if each["what"] == "journal"]
    assert journalled[0] == f"about to create the King order of OS-{number}"
    assert journalled[1].startswith("King order ")
    assert journalled[1].endswith(f"was created for OS-{number}")
    assert [each["outsmart_id"] for each in told if each["what"] == "log" and each["event"] == "order.created"] == [
        number
    ]


def test_a_failed_call_comes_before_what_it_caused_with_its_duration_and_no_secret(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="7", message="Dicht"))
    run = scenario.export()

    told = events(run)

    call = next(place for place, each in enumerate(told) if each["what"] == "call")
    assert told[call]["operation"] == "Order_Toevoegen"
    assert told[call]["seconds"] >= 0
    assert (told[call + 1]["what"], told[call + 1]["event"]) == ("log", "order.rejected")
    everything = replay(run.pk, "--json") + replay(run.pk)
    assert king.access_code not in everything
    assert outsmart.token not in everything
    assert "Order_Toevoegen" in replay(run.pk)


def test_moments_are_in_order_and_a_second_run_is_not_told_with_the_first(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    first = scenario.export()
    scenario.work_order(outsmart)
    scenario.export()

    told = events(first)

    assert [each["at"] for each in told] == sorted(each["at"] for each in told)
    assert len([each for each in told if each["what"] == "journal" and "was created" in each["text"]]) == 1


def test_a_run_is_found_by_its_number_too_and_an_unknown_one_is_refused(tenant: Tenant) -> None:
    run = scenario.export()

    assert replay("--tenant", "jansen", "--number", run.number) == replay(run.pk)
    for words in ([0], [], ["--tenant", "jansen"], [run.pk, "--tenant", "jansen", "--number", 1]):
        with pytest.raises(CommandError) as refused:
            replay(*words)
        assert refused.value.returncode == 2


def test_an_import_and_a_run_that_is_not_over_are_told(tenant: Tenant) -> None:
    imported = scenario.load("customers")
    queued = factories.run(tenant, status=RunStatus.QUEUED)

    assert "import" in replay(imported.pk).splitlines()[0]
    assert events(queued)[-1]["text"] == "not over: queued."
