"""The failing call is stored with the log entry it caused, for debugging, and without secrets."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from integrations.calls import Call
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import reason
from kingsync.runs import failed_calls
from kingsync.runs.run_log import RunLog
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

BEARER = "bear-55de-outsmart-9071"


@pytest.fixture
def stocked(tenant: Tenant, king: KingSandbox) -> Tenant:
    scenario.stock(king)
    factories.settings(tenant)
    return tenant


def call(**fields: Any) -> Call:
    defaults: dict[str, Any] = {
        "system": "king",
        "operation": "Order_Toevoegen",
        "method": "POST",
        "query": {},
        "body": "{}",
        "status": 200,
        "seconds": 0.25,
        "answer": "{}",
        "attempt": 1,
        "reason": "rejected",
    }
    return Call(**(defaults | fields))


def heard(*failed: Call) -> failed_calls.FailedCalls:
    memory = failed_calls.FailedCalls()
    for each in failed:
        memory.hear(each)
    return memory


def call_of(event: str) -> dict[str, Any]:
    """Return the call stored with the newest entry of this event."""
    entry = LogEntry.objects.filter(event=event).order_by("-pk").first()
    assert entry is not None
    return dict(entry.detail["call"])


def test_order_that_king_refuses_keeps_the_call_and_its_answer(
    stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="K7", message="Kredietlimiet"))
    number = scenario.work_order(outsmart)

    scenario.export()

    kept = call_of("order.rejected")
    assert (kept["system"], kept["operation"], kept["method"], kept["attempt"]) == (
        "king",
        "Order_Toevoegen",
        "POST",
        1,
    )
    assert f"OS-{number}" in kept["body"]
    assert "Kredietlimiet" in kept["answer"]


def test_run_that_a_system_stops_keeps_the_call(stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.faults.add(Fault(kind="unauthorized", times="forever"))
    scenario.work_order(outsmart)

    scenario.export()

    kept = call_of("run.failed")
    assert (kept["system"], kept["reason"]) == ("king", "authentication")


def test_row_that_outsmart_refuses_keeps_the_call_about_that_row(
    stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    for number in ("20", "21", "22"):
        king.store.put_record(
            "debtor", number, {"Naam1": f"Klant {number}", "Straat": "A", "PostCode": "1", "Woonplaats": "E"}
        )
    outsmart.faults.add(
        Fault(kind="refuse", operation="POST relations", times="forever", code="4001", message="Te lang")
    )

    scenario.load("customers")

    refused = LogEntry.objects.filter(code="refused_by_outsmart")
    assert refused.count() == 5
    assert all(entry.king_id in entry.detail["call"]["body"] for entry in refused)


def test_no_secret_is_kept(stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    connection = Connection.objects.get(system=System.OUTSMART)
    connection.credentials = {**connection.credentials, "bearer_token": BEARER}
    connection.save()
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="1", message=f"code {king.access_code}"))
    scenario.work_order(outsmart)

    scenario.export()
    outsmart.faults.add(Fault(kind="unauthorized", times="forever"))
    scenario.export()

    details = json.dumps(list(LogEntry.objects.exclude(detail={}).values_list("detail", flat=True)))
    assert '"outsmart"' in details
    assert '"king"' in details
    secrets = (outsmart.token, outsmart.software_token, king.access_code, BEARER)
    assert [secret for secret in secrets if secret in details] == []


NOTATIONS: tuple[Callable[[str], str], ...] = (
    lambda code: json.dumps(code).replace("/", "\\/"),
    lambda code: quote(code, safe="").replace("%2F", "%2f"),
    html.escape,
    lambda code: "".join(f"\\u{ord(sign):04x}" for sign in code),
    lambda code: "x" * 1_930 + code,  # at the cut
)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("code", ['K1ng/Acc3ss"&C0de', "K7/"])
def test_no_secret_is_kept_in_whatever_notation_a_system_sends_it_back(
    stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, notation: Callable[[str], str], code: str
) -> None:
    king.access_code = code
    connection = Connection.objects.get(system=System.KING)
    connection.credentials = {"access_code": code}
    connection.save()
    echo = notation(code)
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="K1", message=f"Onbekend: {echo}"))
    number = scenario.work_order(outsmart)

    scenario.export()

    assert LogEntry.objects.filter(code="order_refused").exists()
    kept = json.dumps([*LogEntry.objects.values("detail", "params"), scenario.ledger(number).reasons])
    assert "***" in kept
    assert [part for part in (code, json.dumps(code)[1:-1], echo, code[:8]) if part in kept] == []


def test_entries_that_no_call_caused_keep_none(stocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="K7", message="Kredietlimiet"))
    scenario.work_order(outsmart)
    scenario.work_order(outsmart, CustomerDebtorNr="99", CustomerDebtorNrInvoice="99")

    scenario.export()

    assert LogEntry.objects.get(code="unknown_debtor").detail == {}
    assert LogEntry.objects.get(code="order_refused").detail != {}
    assert [entry.code for entry in LogEntry.objects.filter(has_payload=True)] == ["order_refused"]


def test_an_error_finds_the_call_of_its_own_operation() -> None:
    memory = heard(call(operation="Order_Wijzigen", answer="mine"), call(answer="of another"))

    found = memory.behind(reason("system.busy", system="King", operation="Order_Wijzigen"))

    assert found is not None
    assert found["answer"] == "mine"


def test_the_call_that_names_the_record_goes_before_a_newer_one() -> None:
    memory = heard(call(body='{"ref": "OS-7001"}'), call(body='{"ref": "OS-7002"}'))

    found = memory.behind(reason("order_refused"), record_ids=("7001", ""))

    assert found is not None
    assert found["body"] == '{"ref": "OS-7001"}'


def test_refusal_of_other_rows_is_not_shown_with_this_one() -> None:
    memory = heard(call(system="outsmart", body='[{"code": "8"}]'))

    assert memory.behind(reason("refused_by_outsmart"), record_ids=("9",), must_name=True) is None


def test_bodies_are_cut_and_can_be_stored() -> None:
    kept = failed_calls.shown(call(body="x" * 5_000, answer="\0" * 5_000, query={"filter": "y" * 5_000}))

    assert [len(str(kept[name])) for name in ("body", "answer")] == [2_000, 2_000]
    assert len(kept["query"]["filter"]) == 2_000  # type: ignore[index]
    assert "\0" not in str(kept["answer"])


def test_calls_that_went_well_are_not_remembered() -> None:
    memory = heard(call(reason=""))

    assert memory.behind(reason("order_refused")) is None


def test_a_new_run_does_not_find_the_calls_of_the_last_one(tenant: Tenant) -> None:
    RunLog(factories.run(tenant))
    first = failed_calls.current()
    assert first is not None
    first.hear(call())

    log = RunLog(factories.run(tenant))
    log.add("order.rejected", reason("order_refused", detail="x"), level=LogEntry.Level.ERROR)
    log.write()

    assert LogEntry.objects.get().detail == {}
