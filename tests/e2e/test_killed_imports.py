"""An import that is killed before any of its steps: statements, commits and calls, one after the other.

Whatever the killed process was doing, one normal run makes OutSmart right, with every work order once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import models

from kingsync.models.change_limit_trips import StagedRecord
from kingsync.models.links import ImportedLine, KingRecord, ReadState, RecordLink
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.e2e import forks
from tests.e2e.fork_server import Case
from tests.e2e.forks import ForkServer

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
PAGE = 3
ARTICLES = 5  # the first of three pages, one in the middle and the last
ORDERS = ("500", "501")


@pytest.fixture(scope="module")
def fork_server(django_db_setup: None) -> Iterator[ForkServer]:
    with forks.fork_server() as started:
        yield started


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    factories.settings(tenant, orders_enabled=True, missing="deactivate")
    scenario.stock(king)
    price(king, 1)
    for number in ORDERS:
        king.store.put_record("order", number, {"DebiteurNummer": 10})
        king.store.edit_order(
            int(number), Edit(add=[{"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 1}])
        )


def price(king: KingSandbox, amount: int) -> None:
    for number in range(ARTICLES):
        king.store.put_record(
            "article", f"A{number}", {"OmschrijvingKort": f"Artikel {number}", "VerkoopPrijsExclBtw": amount}
        )


def prices(outsmart: OutSmartSandbox) -> set[str]:
    ours = [row for row in outsmart.store.rows("materials") if str(row["code"])[0] == "A"]
    return {str(row["price"]).replace(",", ".") for row in ours}


def try_every_step(
    tenant: Tenant, fork_server: ForkServer, start: Callable[[int], None], check: Callable[[int], None], **options: Any
) -> None:
    """Kill an import before its first step, one before its second, and so on; a normal run must repair each."""
    for before in range(1, 200):
        start(before)
        ended = fork_server.run(Case(tenant.pk, before, "import", options, PAGE))
        if not ended.signal:
            break
        _recover(before, check, at=f"killed before step {before}: {ended.steps[-1]}", options=options)
    check(before)
    assert 15 < before < 150, "so few or so many steps prove nothing"


def _recover(before: int, check: Callable[[int], None], *, at: str, options: dict[str, Any]) -> None:
    """Run once more: as the clock does, which resumes the killed run, or as the command, which starts another."""
    if before % 2:
        lifecycle.interrupt_dead(RunKind.IMPORT)
    run = scenario.run(RunKind.IMPORT, **options)
    try:
        assert run.status == "succeeded", run.error
        counts = scenario.counts(run)
        assert counts.pop("read", 0) <= sum(counts.values()), counts
        assert not SyncRun.objects.filter(status__in=SyncRun.OPEN).exists()
        assert dict(run.kept_counts) == {name: number for name, number in counts.items() if name != "unchanged"}
        check(before)
    except AssertionError as error:
        raise AssertionError(f"{at}\n{error}") from error


def test_a_first_import(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, fork_server: ForkServer) -> None:
    def start(before: int) -> None:
        models_of_imports: tuple[type[models.Model], ...] = (RecordLink, KingRecord, ReadState, ImportedLine)
        for model in models_of_imports:
            model._default_manager.all().delete()
        outsmart.reset({"empty": True})

    def check(before: int) -> None:
        assert len(outsmart.store.rows("relations")) == 2
        assert len(outsmart.store.rows("materials")) == ARTICLES + 2
        assert [row["code"] for row in outsmart.store.rows("hourtypes")] == ["MONT"]
        assert sorted(str(row["WorkorderNo"]) for row in outsmart.store.all_work_orders()) == list(ORDERS)
        assert RecordLink.objects.filter(state="linked").count() == 2 + ARTICLES + 2 + 1 + 2 + len(ORDERS)
        assert ImportedLine.objects.count() == len(ORDERS)
        ours = RecordLink.objects.filter(kind="order").values_list("outsmart_id", flat=True)
        assert set(ours) == {str(row["id"]) for row in outsmart.store.all_work_orders()}

    try_every_step(tenant, fork_server, start, check)


def test_changes_that_are_held_until_all_is_read(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, fork_server: ForkServer
) -> None:
    scenario.load()

    def start(before: int) -> None:
        price(king, 1 + before)

    def check(before: int) -> None:
        assert prices(outsmart) == {f"{1 + before}.00"}
        assert not StagedRecord.objects.exists()

    try_every_step(tenant, fork_server, start, check, kinds=["products"], full=True)


def test_records_that_are_gone(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, fork_server: ForkServer
) -> None:
    scenario.load()
    fields: dict[str, object] = {"Naam1": "Weg", "Straat": "Kade", "PostCode": "1000 AA", "Woonplaats": "Ede"}

    def start(before: int) -> None:
        king.store.put_record("debtor", "12", fields)
        scenario.load("customers")
        king.store.remove_record("debtor", "12")

    def check(before: int) -> None:
        # A killed scan no longer proves anything; then it takes the next one.
        scenario.load("customers", full=True)
        active = {str(row["debtor_number"]): str(row["active"]) for row in outsmart.store.rows("relations")}
        assert active == {"10": "1", "11": "1", "12": "0"}

    try_every_step(tenant, fork_server, start, check, kinds=["customers"], full=True)
