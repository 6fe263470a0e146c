"""Every fault, at every call of an import: the run ends in a correct state, and the next one repairs everything."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from integrations import retry
from kingsync.messages.reason_texts import sentence
from kingsync.models.connections import Connection, System
from kingsync.models.links import RecordLink
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_imports import CUSTOMER
from tests.lost_answers import LostAnswers

ORDERS = ("500", "501")
PERSON: dict[str, object] = {"Nummer": 1, "Naam": "F. Wiersma"}
PLACE: dict[str, object] = {"Nummer": 2, "Straat": "Dam", "HuisNummer": "3", "PostCode": "1 A", "Woonplaats": "Ede"}

KING = ["Magazijnen_Opvragen", "Tarieven_Opvragen", "Debiteuren_Opvragen", "Artikelen_Opvragen", "Orders_Opvragen"]
OUTSMART = [
    "workstatusses",
    "POST warehouses",
    "POST hourtypes",
    "POST relations",
    "POST contactpersons",
    "POST addresses",
    "POST materials",
    "GetWorkorder",
    "PostWorkorders",
]
# Faults that a retry gets past.
PASSING: list[dict[str, Any]] = [
    {"kind": "timeout_before"},
    {"kind": "timeout_after"},
    {"kind": "late"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "http_429"},
    {"kind": "http_500"},
    {"kind": "http_500", "after": True},
    {"kind": "http_503"},
    {"kind": "http_503", "after": True},
    {"kind": "html"},
    {"kind": "broken_json"},
    {"kind": "empty"},
    {"kind": "half"},
]
# The call is carried out, but its answer is lost.
ANSWER_ONLY = ("timeout_after", "reset_after", "broken_json", "half")
LASTING: list[dict[str, Any]] = [*PASSING, {"kind": "unauthorized"}, {"kind": "refuse", "code": "1700"}]


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_wait", lambda *_: 0.0)
    factories.settings(tenant, orders_enabled=True)
    scenario.stock(king)
    king.store.put_record("debtor", "12", CUSTOMER | {"ContactPersonen": [PERSON], "VerzendAdressen": [PLACE]})
    for number in ORDERS:
        king.store.put_record("order", number, {"DebiteurNummer": 10})
        king.store.edit_order(
            int(number), Edit(add=[{"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 1}])
        )


def name_of(value: Any) -> str:
    return "-".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def is_right(outsmart: OutSmartSandbox) -> None:
    """Assert that everything of King's is in OutSmart, once."""
    store = outsmart.store
    assert [row["debtor_number"] for row in store.rows("relations")] == ["10", "11", "12"]
    assert [row["cpn_code"] for row in store.rows("contactpersons")] == ["12-1"]
    assert [row["adr_code"] for row in store.rows("addresses")] == ["12-2"]
    assert [row["code"] for row in store.rows("materials")] == ["BUIS", "KNIE"]
    assert [row["code"] for row in store.rows("hourtypes")] == ["MONT"]
    assert [row["wse_code"] for row in store.rows("warehouses")] == ["1", "2"]
    assert sorted(str(row["WorkorderNo"]) for row in store.all_work_orders()) == list(ORDERS)
    assert set(RecordLink.objects.values_list("state", flat=True)) == {"linked"}


def adds_up(run: SyncRun) -> None:
    counts = run.counts()
    assert counts.pop("read") == sum(counts.values()), run.counts()
    assert not [each for each in threading.enumerate() if each.name.startswith(("post", "fetch"))]


# All pairs would take minutes: each kind of fault hits some operations, and each operation gets some kinds. For that
# the step must have no factor in common with the number of kinds.
STEP = 9
PAIRS = list(itertools.product([*KING, *OUTSMART], PASSING))[::STEP]
LASTING_PAIRS = list(itertools.product([*KING, *OUTSMART], LASTING))[::STEP]


@pytest.mark.parametrize(("operation", "how"), PAIRS, ids=name_of)
def test_one_fault_is_overcome(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lost_answers_soon_settled: LostAnswers,
    operation: str,
    how: dict[str, Any],
) -> None:
    faults = king.faults if operation in KING else outsmart.faults
    faults.add(Fault(operation=operation, **how))

    run = scenario.load()
    lost_answers_soon_settled.wait_for_late_calls()

    assert not faults.rules(), "the import never came to the fault"
    assert run.status == "succeeded", run.error
    adds_up(run)
    is_right(outsmart)


@pytest.mark.parametrize(("operation", "how"), LASTING_PAIRS, ids=name_of)
def test_a_lasting_fault_is_told_in_one_sentence_and_repaired_by_the_next_run(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lost_answers_soon_settled: LostAnswers,
    operation: str,
    how: dict[str, Any],
) -> None:
    faults = king.faults if operation in KING else outsmart.faults
    faults.add(Fault(operation=operation, times="forever", **how))
    is_lost = operation == "PostWorkorders" and (how.get("after") or how["kind"] in ANSWER_ONLY)

    first = scenario.load()
    lost_answers_soon_settled.wait_for_late_calls()
    faults.clear()
    paused = set(Connection.objects.filter(state="paused").values_list("system", flat=True))
    second = scenario.load()

    # Work orders whose answer is lost are looked up, and found.
    assert first.status in (("succeeded",) if is_lost else ("failed", "partly"))
    assert bool(sentence(first.error)) == (first.status == "failed")
    assert "\n" not in sentence(first.error)
    adds_up(first)
    assert paused == (
        {System.KING if operation in KING else System.OUTSMART} if how["kind"] == "unauthorized" else set()
    )
    assert second.status == "succeeded", second.error
    adds_up(second)
    is_right(outsmart)


def test_wrong_credentials_pause_the_connection_wherever_they_are_met(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    for operation in [*KING, *OUTSMART]:
        faults = king.faults if operation in KING else outsmart.faults
        faults.add(Fault(operation=operation, kind="unauthorized", times="forever"))
        articles: dict[str, object] = {"OmschrijvingKort": operation, "AantalDecimalen": 2}
        king.store.put_record("article", "BUIS", articles)
        king.store.put_record("rate", "MONT", articles)
        king.store.put_record("warehouse", "1", {"Omschrijving": operation})
        king.store.put_record("order", str(600 + len(operation)), {"DebiteurNummer": 10})
        name: dict[str, object] = {"Naam1": operation, "ContactPersonen": [PERSON | {"Naam": operation}]}
        king.store.put_record("debtor", "12", name | {"VerzendAdressen": [PLACE | {"Straat": operation}]})

        run = scenario.load()

        assert (run.status, run.error["code"]) == ("failed", "system.authentication"), operation
        assert Connection.objects.get(system=System.KING if operation in KING else System.OUTSMART).state == "paused"
        faults.clear()
