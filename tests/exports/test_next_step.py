"""Settings impact, dry run and export agree: the first two show what the third then does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from integrations.outsmart import payloads
from kingsync.exports import settings_impact
from kingsync.exports.settings_impact import End
from kingsync.models.links import ImportedLine
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import matching
from kingsync.runs.wanted import NotWantedError
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

FINAL = {"status": "Compleet", "WorkStatus": "1"}
INTERIM = {"status": "Opgehaald", "WorkStatus": "5"}


@dataclass
class Scene:
    """The state of one case: both systems and our database."""

    king: KingSandbox
    outsmart: OutSmartSandbox

    def choose(self, **columns: object) -> None:
        SyncSettings.objects.update(**columns)

    def new(self, **fields: Any) -> str:
        return scenario.work_order(self.outsmart, **fields)

    def seen(self, **fields: Any) -> str:
        """Create a work order that an export has read, as if the export had been killed right then."""
        number = self.new(**fields)
        self.choose(create_new_order=False)
        scenario.export(work_orders=[number])
        self.choose(create_new_order=True)
        return number

    def exported(self, **fields: Any) -> str:
        """Create a work order that King has completely; it returns to the trigger unchanged."""
        number = self.new(**fields)
        scenario.export()
        self.edit(number, **FINAL)
        return number

    def edit(self, number: str, **fields: Any) -> None:
        self.outsmart.store.edit_work_order(number, fields)

    def book(self, number: str, **columns: Any) -> None:
        WorkOrder.objects.filter(outsmart_id=number).update(**columns)

    def order_of(self, number: str) -> int:
        return int(scenario.ledger(number).king_order_number or 0)

    def forget_order(self, number: str, *, step: Step) -> None:
        """Put the ledger back to before King's answer was saved."""
        OrderLine.objects.filter(work_order__outsmart_id=number).delete()
        self.book(
            number,
            king_order_number=None,
            is_created_by_us=False,
            is_locked=False,
            plan_fingerprint="",
            seen_order="",
            step=step,
            state=LedgerState.SENDING,
        )


def new(scene: Scene) -> str:
    return scene.new()


def read_before(scene: Scene) -> str:
    return scene.seen()


def unknown_debtor(scene: Scene) -> str:
    return scene.seen(CustomerDebtorNrInvoice="404")


def incomplete(scene: Scene) -> str:
    return scene.seen(Materials=[scenario.material(), scenario.material("ONBEKEND")])


def nothing_to_invoice(scene: Scene) -> str:
    return scene.seen(Materials=[], Workperiods=[])


def released(scene: Scene) -> str:
    number = nothing_to_invoice(scene)
    scene.book(number, is_released=True)
    return number


def left_the_trigger(scene: Scene) -> str:
    number = scene.seen()
    scene.edit(number, WorkStatus="9")
    as_read = json.loads(scenario.ledger(number).source) | {"WorkStatus": "9"}
    scene.book(number, source=json.dumps(as_read))
    return number


def excluded(scene: Scene) -> str:
    number = scene.seen()
    scene.book(number, state=LedgerState.EXCLUDED)
    return number


def killed_before_creating(scene: Scene) -> str:
    number = scene.seen()
    scene.book(number, step=Step.PENDING, state=LedgerState.SENDING)
    return number


def killed_before_booking(scene: Scene) -> str:
    number = scene.exported()
    scene.forget_order(number, step=Step.PENDING)
    return number


def several_orders(scene: Scene) -> str:
    number = killed_before_creating(scene)
    for order in ("601", "602"):
        scene.king.store.put_record("order", order, {"DebiteurNummer": 11, "ExternOrderNummer": f"OS-{number}"})
    return number


def in_king_and_nothing_booked(scene: Scene) -> str:
    number = scene.exported()
    scene.forget_order(number, step=Step.NEW)
    return number


def killed_among_its_lines(scene: Scene) -> str:
    number = scene.exported()
    order = scene.king.store.order(scene.order_of(number))
    del order.lines[1:]
    OrderLine.objects.filter(work_order__outsmart_id=number).exclude(king_line_id=str(order.lines[0].line_id)).update(
        king_line_id="", sent={}, as_read={}, state=OrderLine.State.PLANNED
    )
    scene.book(number, plan_fingerprint="", step=Step.CREATED, state=LedgerState.SENDING, is_locked=True)
    return number


def linked_and_changed(scene: Scene) -> str:
    number = scene.exported()
    scene.edit(number, Materials=[scenario.material(quantity="3")])
    return number


def nothing_changed(scene: Scene) -> str:
    return scene.exported()


def still_incomplete(scene: Scene) -> str:
    number = scene.new(Materials=[scenario.material(), scenario.material("ONBEKEND")])
    scenario.export()
    return number


def repaired(scene: Scene) -> str:
    number = still_incomplete(scene)
    scene.king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Bekend", "AantalDecimalen": 0})
    scenario.load("products")
    return number


def delivered(scene: Scene) -> str:
    number = linked_and_changed(scene)
    scene.king.store.edit_order(scene.order_of(number), Edit(close=True, invoice=True))
    return number


def open_at_somebody(scene: Scene) -> str:
    number = linked_and_changed(scene)
    scene.king.store.lock_order(scene.order_of(number), "ANNA")
    return number


def changed_on_both_sides(scene: Scene) -> str:
    number = linked_and_changed(scene)
    line = next(each for each in scenario.ledger_lines(scenario.ledger(number)) if each.kind == "material")
    edit = Edit(change=[{"RegelID": int(line.king_line_id), "AantalBesteld": 7}])
    scene.king.store.edit_order(scene.order_of(number), edit)
    return number


def approval_is_due(scene: Scene) -> str:
    """King has everything, and the work is finished now."""
    scene.choose(approve_order=True)
    return interim_and_then_final(scene)


def order_of_the_customer(scene: Scene) -> str:
    scene.king.store.put_record("order", "500", {"DebiteurNummer": 10})
    return scene.new(WorkorderNo="500")


def order_of_other_customer(scene: Scene) -> str:
    scene.king.store.put_record("debtor", "12", {"Naam1": "Bakker"})
    scene.king.store.put_record("order", "500", {"DebiteurNummer": 12})
    return scene.seen(WorkorderNo="500")


def order_of_another_work_order(scene: Scene) -> str:
    first = scene.exported()
    scene.edit(first, status="Afgehandeld")
    return scene.new(WorkorderNo=str(scene.order_of(first)))


def to_another_order(scene: Scene) -> str:
    """Its lines are in an order that we created, and OutSmart names one of King's."""
    number = scene.exported()
    scene.king.store.put_record("order", "500", {"DebiteurNummer": 10})
    scene.edit(number, WorkorderNo="500", **FINAL)
    return number


def to_another_order_from_changed_lines(scene: Scene) -> str:
    number = to_another_order(scene)
    line = scene.king.store.order(scene.order_of(number)).lines[0].line_id
    scene.king.store.edit_order(scene.order_of(number), Edit(change=[{"RegelID": line, "AantalBesteld": 7}]))
    return number


def unknown_order(scene: Scene) -> str:
    return scene.new(WorkorderNo="424242")


def imported_order(scene: Scene) -> str:
    """Create a work order imported from an order of King's: its line is known and stays as it is."""
    scene.king.store.put_record("order", "500", {"DebiteurNummer": 10})
    line = {"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 1}
    scene.king.store.edit_order(500, Edit(add=[line]))
    number = scene.new(WorkorderNo="500")
    source = payloads.work_order(json.dumps(scenario.work_order_in_outsmart(scene.outsmart, number)).encode())
    ImportedLine(
        king_order_number="500",
        king_line_id=str(scene.king.store.order(500).lines[0].line_id),
        key=matching.Keys.of(source, ()).material(source.materials[0]),
        label="BUIS",
        content={"kind": "ART", "article": "BUIS", "quantity": "1"},
    ).save()
    return number


def interim(scene: Scene) -> str:
    scene.choose(interim_updates=True, create_interim_order=True, order_update_status="5")
    return scene.new(**INTERIM)


def interim_and_then_final(scene: Scene) -> str:
    number = interim(scene)
    scenario.export()
    scene.edit(number, **FINAL)
    return number


def interim_unchanged(scene: Scene) -> str:
    number = interim(scene)
    scenario.export()
    return number


# The expected result of the dry run, and of the settings impact (None: not waiting, or never read).
CASES: list[tuple[Callable[[Scene], str], str, End | None]] = [
    (new, "created", None),
    (read_before, "created", End.CREATED),
    (unknown_debtor, "rejected", End.REFUSED),
    (incomplete, "created", End.CREATED),
    (nothing_to_invoice, "skipped", End.HELD),
    (released, "created", End.CREATED),
    (left_the_trigger, "skipped", End.HELD),
    (excluded, "skipped", None),
    (killed_before_creating, "created", End.UNKNOWN),
    (killed_before_booking, "adopted", End.UNKNOWN),
    (several_orders, "uncertain", End.UNKNOWN),
    # Only King's list of orders shows it, which settings impact does not request.
    (in_king_and_nothing_booked, "adopted", End.CREATED),
    (killed_among_its_lines, "updated", End.UPDATED),
    (linked_and_changed, "updated", None),
    (nothing_changed, "unchanged", None),
    (still_incomplete, "unchanged", End.UNCHANGED),  # which counts as rejected
    (repaired, "updated", End.UPDATED),
    (delivered, "skipped", None),
    (changed_on_both_sides, "skipped", None),
    (approval_is_due, "updated", End.UNCHANGED),  # as last read, the work was not finished
    (order_of_the_customer, "updated", None),
    (order_of_other_customer, "skipped", End.HELD),
    (order_of_another_work_order, "updated", None),
    (to_another_order, "updated", None),
    (to_another_order_from_changed_lines, "skipped", None),
    (unknown_order, "rejected", None),
    (imported_order, "updated", None),
    (interim, "created", None),
    (interim_and_then_final, "unchanged", End.UNCHANGED),
    (interim_unchanged, "unchanged", End.UNCHANGED),
]


@pytest.fixture
def scene(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> Scene:
    scenario.stock(king)
    factories.settings(tenant)
    return Scene(king, outsmart)


def impact_of(number: str) -> End | None:
    """Return the settings impact of the stored settings, for this work order alone."""
    choices = SyncSettings.objects.get().as_mapping().exports
    WorkOrder.objects.exclude(outsmart_id=number).update(state=LedgerState.DONE)
    found = settings_impact.settings_impact(choices, choices)
    if not found.waiting:
        return None
    (end,) = found.now
    return end


def dry_run(number: str) -> tuple[dict[str, Any], dict[str, int]]:
    run = scenario.export(work_orders=[number], dry_run=True)
    (entry,) = run.dry_run_examples["work_orders"]
    return dict(entry), scenario.counts(run)


def codes(reasons: list[dict[str, Any]]) -> list[str]:
    return [why["code"] for why in reasons]


def everything(scene: Scene) -> list[Any]:
    return [
        scenario.orders(scene.king, ours=False),
        scene.outsmart.store.all_work_orders(),
        list(WorkOrder.objects.values()),
    ]


@pytest.mark.parametrize(("build", "action", "end"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_all_three_say_what_the_export_does(
    scene: Scene, build: Callable[[Scene], str], action: str, end: End | None
) -> None:
    number = build(scene)
    impact = impact_of(number)
    before = everything(scene)

    entry, foreseen = dry_run(number)

    assert everything(scene) == before
    assert (entry["action"], impact) == (action, end)
    orders = len(scenario.orders(scene.king, ours=False))
    run = scenario.export(work_orders=[number])
    row = scenario.ledger(number)
    assert counts_of(foreseen) == counts_of(scenario.counts(run))
    assert len(scenario.orders(scene.king, ours=False)) - orders == (action == "created")
    if row.reasons and row.state != LedgerState.EXCLUDED:
        assert codes(entry["reasons"]) == codes(row.reasons)
    if action == "adopted":
        assert entry["king_order_number"] == row.king_order_number
    assert scenario.is_clean(scene.king) or action == "uncertain"  # a person must remove the second order


def counts_of(counts: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if name not in ("attention", "new_problems")}


def test_an_order_that_somebody_has_open_is_met_by_the_write_alone(scene: Scene) -> None:
    number = open_at_somebody(scene)

    entry, _ = dry_run(number)
    run = scenario.export(work_orders=[number])

    assert entry["action"] == "updated"
    assert (run.skipped_count, codes(scenario.ledger(number).reasons)) == (1, ["order_busy"])


def test_exports_that_are_off_stop_all_but_the_dry_run(scene: Scene) -> None:
    number = scene.seen()
    scene.choose(export_orders=False)

    impact, (entry, _) = impact_of(number), dry_run(number)

    assert (impact, entry["action"]) == (End.HELD, "created")
    with pytest.raises(NotWantedError):
        scenario.export(work_orders=[number])
