"""An export that is killed before any of its steps: statements, commits and calls, one after the other.

Whatever the killed process was doing, one normal run ends with one whole order. The loops are inside the tests
because a scenario has some thirty steps, and a case costs two fifths of a second. What a run does before its first
work order and after its last one is the same in each scenario, so one of them is killed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kingsync.manual_actions import actions
from kingsync.models.order_links import OrderLink
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, OrderLine, WorkOrder
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.e2e import forks
from tests.e2e.forks import ForkServer

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
STAFF = {"RegelSoort": "ART", "ArtikelNummer": "BOCHT", "AantalBesteld": 4}
INTERIM = {"status": "Opgehaald", "WorkStatus": "5"}
FINAL = {"status": "Compleet", "WorkStatus": "1"}
# Steps that start a run, before it comes to its first work order.
STARTING = 3
# Steps that end a run: what it counted, which work orders it did not see any more, its own end, the connection's.
ENDING = [
    "UPDATE kingsync_syncrun SET",
    "UPDATE kingsync_workorder SET",
    "COMMIT",
    "UPDATE kingsync_syncrun SET",
    "COMMIT",
    "UPDATE kingsync_connection SET",
]
LOT = 10
Fields = dict[str, Any]


@pytest.fixture(scope="module")
def fork_server(django_db_setup: None) -> Iterator[ForkServer]:
    with forks.fork_server() as started:
        yield started


class World:
    """Both sandboxes and what a scenario does with them."""

    def __init__(self, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, fork_server: ForkServer) -> None:
        self.tenant, self.king, self.outsmart, self.fork_server = tenant, king, outsmart, fork_server

    def order_of(self, number: str) -> Fields:
        row = scenario.ledger(number)
        found = [
            each for each in scenario.orders(self.king, ours=False) if str(each["OrderNummer"]) == row.king_order_number
        ]
        (order,) = found
        return order

    def edit(self, number: str, **fields: Any) -> None:
        self.outsmart.store.edit_work_order(number, fields)

    def check(self, number: str, *, contents: list[tuple[str, str, str]], is_approved: bool, state: str) -> None:
        """Assert one order, no duplicate, no lock, the right lines in sequence, and a ledger that says the same."""
        order, row = self.order_of(number), scenario.ledger(number)
        assert scenario.lines(order) == [
            *contents,
            ("TEKST", "Ketel nagekeken", ""),
            ("TEKST", f"Werkbon 2025.{number}", ""),
        ]
        assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (int(is_approved), int(is_approved))
        assert (row.state, row.is_locked, row.is_approved) == (state, False, is_approved)
        assert scenario.is_clean(self.king)
        kept = OrderLine.objects.filter(work_order=row).exclude(state=OrderLine.State.REMOVED)
        assert {line.state for line in kept} == {OrderLine.State.SENT}
        in_king = {str(line["RegelID"]): line["ExternOrderRegelNummer"] for line in order["OrderRegels"]}
        assert all(in_king[line.king_line_id] == line.reference for line in kept)
        told = scenario.work_order_in_outsmart(self.outsmart, number)
        expected = ("Afgehandeld", "10") if state == LedgerState.DONE else ("Opgehaald", "5")
        assert (told["status"], told["WorkStatus"]) == expected


@pytest.fixture
def world(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, fork_server: ForkServer) -> World:
    scenario.stock(king)
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "AantalDecimalen": 0})
    factories.settings(
        tenant,
        approve_order=True,
        success_status="10",
        interim_updates=True,
        create_interim_order=True,
        order_update_status="5",
    )
    scenario.export()  # fills the mirror, so that the steps below are those of the work order
    return World(tenant, king, outsmart, fork_server)


def always(make: Callable[[], str]) -> Iterator[str]:
    while True:
        yield make()


def in_lots(world: World, make: Callable[[], str], bring: Callable[[str], None]) -> Iterator[str]:
    """Return work orders that were exported before, many at once since a run takes long, and come back one by one."""
    while True:
        for number in exported(world, [make() for _ in range(LOT)]):
            bring(number)
            yield number


def exported(world: World, numbers: list[str]) -> list[str]:
    """Export work orders, and take them away from the triggers."""
    scenario.export()
    for number in numbers:
        world.edit(number, WorkStatus="9")
    return numbers


def try_every_step(
    world: World, scenes: Iterator[str], check: Callable[[str], None], *, are_all_killed: bool = False
) -> None:
    """Let an export live, kill one before its first step, one before the next and so on; a normal run must repair each.

    The one that lives must be right by itself. Unless `are_all_killed`, none is killed while its run starts, and but
    one while it ends: there the work order is done, and the run has not counted it.
    """
    number = next(scenes)
    steps = world.fork_server.export(world.tenant.pk).steps
    check(number)
    assert 20 < len(steps) < 100, "so few or so many steps prove nothing"
    assert next(index for index, step in enumerate(steps) if "kingsync_workorder" in step) == STARTING
    is_usual = steps[-len(ENDING) :] == ENDING
    last = len(steps) - (len(ENDING) - 1 if is_usual and not are_all_killed else 0)
    for before in range(1 if are_all_killed else STARTING + 1, last + 1):
        number = next(scenes)
        ended = world.fork_server.export(world.tenant.pk, before)
        at = f"killed before step {before}: {ended.steps[-1]}"
        _recover(world, number, check, is_resumed=bool(before % 2), at=at)


def _recover(world: World, number: str, check: Callable[[str], None], *, is_resumed: bool, at: str) -> None:
    """Run once more: as the clock does, which resumes the killed run, or as the command, which starts another."""
    WorkOrder.objects.update(outcome_unknown_until=None)  # the killed call's time-out has passed
    if not is_resumed:
        lifecycle.interrupt_dead(RunKind.EXPORT)
    run = scenario.export()
    try:
        check(number)
        assert run.status == "succeeded", run.error
        counts = scenario.counts(run)
        assert counts.get("read", 0) == sum(counts.values()) - counts.get("read", 0), counts
        assert not SyncRun.objects.filter(status__in=SyncRun.OPEN).exists()
    except AssertionError as error:
        raise AssertionError(f"{at}\n{error}") from error


def materials(*rows: tuple[str, str]) -> list[Fields]:
    return [scenario.material(code, quantity) for code, quantity in rows]


def test_creating_and_approving(world: World) -> None:
    def check(number: str) -> None:
        contents = [("ART", "BUIS", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=True, state=LedgerState.DONE)
        assert [each["ExternOrderNummer"] for each in scenario.orders(world.king)].count(f"OS-{number}") == 1

    try_every_step(world, always(lambda: scenario.work_order(world.outsmart)), check, are_all_killed=True)


def test_adding_to_an_order_of_kings_staff(world: World) -> None:
    linked = iter(range(500, 1000))

    def start() -> str:
        order = next(linked)
        world.king.store.put_record("order", str(order), {"DebiteurNummer": 10})
        world.king.store.edit_order(order, Edit(add=[STAFF]))
        return scenario.work_order(world.outsmart, WorkorderNo=str(order))

    def check(number: str) -> None:
        contents = [("ART", "BOCHT", "4"), ("ART", "BUIS", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=False, state=LedgerState.DONE)

    try_every_step(world, always(start), check)
    assert scenario.orders(world.king) == []


def test_changing_removing_and_adding_in_the_middle(world: World) -> None:
    hour = scenario.period()

    def make() -> str:
        rows = materials(("BUIS", "1"), ("KNIE", "2"))
        return scenario.work_order(world.outsmart, Materials=rows, Workperiods=[hour])

    def bring(number: str) -> None:
        order = world.order_of(number)["OrderNummer"]
        world.king.store.edit_order(order, Edit(add=[STAFF]))
        world.king.store.order(order).lines[-1].position = 0  # on top: below it nothing would be made again
        world.edit(number, Materials=materials(("BUIS", "3"), ("BOCHT", "1")), Workperiods=[hour], **FINAL)

    def check(number: str) -> None:
        order = world.order_of(number)
        staff = [line for line in order["OrderRegels"] if not line["ExternOrderRegelNummer"]]
        assert [(line["ArtikelNummer"], float(line["AantalBesteld"])) for line in staff] == [("BOCHT", 4.0)]
        contents = [("ART", "BOCHT", "4"), ("ART", "BUIS", "3"), ("ART", "BOCHT", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=True, state=LedgerState.DONE)

    try_every_step(world, in_lots(world, make, bring), check)


def test_creating_at_the_interim_status(world: World) -> None:
    def check(number: str) -> None:
        contents = [("ART", "BUIS", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=False, state=LedgerState.INTERIM)
        world.edit(number, WorkStatus="9")  # not in the way of the next

    try_every_step(world, always(lambda: scenario.work_order(world.outsmart, **INTERIM)), check)


def test_updating_at_the_interim_status(world: World) -> None:
    hour = scenario.period("01:00")

    def make() -> str:
        return scenario.work_order(world.outsmart, Workperiods=[hour], **INTERIM)

    def bring(number: str) -> None:
        hours = [hour | {"TotalTime": "03:00"}, scenario.period("02:00")]
        rows = materials(("BUIS", "2"), ("KNIE", "1"))
        world.edit(number, Materials=rows, Workperiods=hours, **INTERIM)

    def check(number: str) -> None:
        contents = [("ART", "BUIS", "2"), ("ART", "KNIE", "1"), ("TAR", "MONT", "3"), ("TAR", "MONT", "2")]
        world.check(number, contents=contents, is_approved=False, state=LedgerState.INTERIM)
        world.edit(number, WorkStatus="9")

    try_every_step(world, in_lots(world, make, bring), check)


def test_approving_an_interim_order_in_the_end(world: World) -> None:
    def make() -> str:
        return scenario.work_order(world.outsmart, **INTERIM)

    def check(number: str) -> None:
        contents = [("ART", "BUIS", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=True, state=LedgerState.DONE)

    try_every_step(world, in_lots(world, make, lambda number: world.edit(number, **FINAL)), check)


# --- Several work orders on one order ---------------------------------------------------------------------------------


def test_the_second_work_order_on_an_order(world: World) -> None:
    """The first one is complete and waits for it: the second adds its lines and approves."""
    firsts: dict[str, str] = {}

    def second(first: str) -> str:
        number = scenario.work_order(world.outsmart, WorkorderNo=str(world.order_of(first)["OrderNummer"]), **INTERIM)
        firsts[number] = first
        return number

    def scenes() -> Iterator[str]:
        while True:
            interim = [scenario.work_order(world.outsmart, Workperiods=[], **INTERIM) for _ in range(LOT)]
            numbers = exported(world, [second(first) for first in exported(world, interim)])
            for first in interim:
                world.edit(first, **FINAL)
            scenario.export()
            for number in numbers:
                world.edit(number, Materials=materials(("BUIS", "2")), **FINAL)
                yield number

    def check(number: str) -> None:
        order, row, first = world.order_of(number), scenario.ledger(number), scenario.ledger(firsts[number])
        quantities = {
            line["ExternOrderRegelNummer"].partition("-")[0]: float(line["AantalBesteld"])
            for line in order["OrderRegels"]
            if line["RegelSoort"] == "ART"
        }
        assert quantities == {first.outsmart_id: 1, number: 2}
        assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)
        assert [(each.state, each.is_approved, each.is_locked) for each in (first, row)] == [("done", True, False)] * 2
        assert first.approval_waits_for == ""
        assert scenario.is_clean(world.king)

    try_every_step(world, scenes(), check)


def test_going_to_another_order(world: World) -> None:
    linked = iter(range(500, 1000))

    def order_of_staff() -> str:
        order = next(linked)
        world.king.store.put_record("order", str(order), {"DebiteurNummer": 10})
        world.king.store.edit_order(order, Edit(add=[STAFF]))
        return str(order)

    def make() -> str:
        return scenario.work_order(world.outsmart, WorkorderNo=order_of_staff())

    def bring(number: str) -> None:
        world.edit(number, WorkorderNo=order_of_staff(), **FINAL)

    def check(number: str) -> None:
        contents = [("ART", "BOCHT", "4"), ("ART", "BUIS", "1"), ("TAR", "MONT", "1")]
        world.check(number, contents=contents, is_approved=False, state=LedgerState.DONE)
        links = OrderLink.objects.filter(work_order=scenario.ledger(number)).order_by("pk")
        assert [link.left_at is None for link in links] == [False, True]
        left = scenario.orders(world.king, ours=False)
        (before,) = [each for each in left if str(each["OrderNummer"]) == links[0].king_order_number]
        assert scenario.lines(before) == [("ART", "BOCHT", "4")]

    try_every_step(world, in_lots(world, make, bring), check)


def test_a_supplementary_order(world: World) -> None:
    def make() -> str:
        return scenario.work_order(world.outsmart, Materials=materials(("BUIS", "3")))

    def bring(number: str) -> None:
        world.king.store.edit_order(int(scenario.ledger(number).king_order_number or 0), Edit(close=True))
        world.edit(number, Materials=materials(("BUIS", "1"), ("BOCHT", "2")), **FINAL)
        scenario.export()
        assert not actions.supplement(work_orders=[scenario.ledger(number)], by="Els").refused

    def check(number: str) -> None:
        row = scenario.ledger(number)
        ours = [each for each in scenario.orders(world.king) if each["ExternOrderNummer"].startswith(f"OS-{number}")]
        assert [each["ExternOrderNummer"] for each in ours] == [f"OS-{number}", f"OS-{number}-2"]
        assert scenario.lines(ours[1]) == [("ART", "BUIS", "-2"), ("ART", "BOCHT", "2")]
        assert (ours[1]["Goedgekeurd"], row.state, row.part, row.is_locked) == (0, LedgerState.DONE, 2, False)
        assert scenario.is_clean(world.king)

    try_every_step(world, in_lots(world, make, bring), check)
