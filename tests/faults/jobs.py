"""The smallest jobs that make each call happen, each through the product's own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kingsync.exports.verification import runs as verification_run
from kingsync.king_mirror import connection_check, pick_list_refresh
from kingsync.manual_actions import fetching, page_calls
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.outcomes import Reason
from sandboxes.faults import Fault as SandboxFault
from sandboxes.king.store import Edit
from tests import scenario
from tests.faults.world import World

NUMBER, SECOND = "7000001", "7000002"
HOUR = {"Id": "1", "TotalTime": "01:00", "HourType": "MONT", "WorkDate": "10-11-2025"}
INTERIM = {"status": "Opgehaald", "WorkStatus": "5"}
FINAL = {"status": "Compleet", "WorkStatus": "1"}
PERSON: dict[str, object] = {"Nummer": 1, "Naam": "F. Wiersma"}
PLACE: dict[str, object] = {"Nummer": 2, "Straat": "Dam", "HuisNummer": "3", "PostCode": "1 A", "Woonplaats": "Ede"}
CUSTOMER: dict[str, object] = {"Naam1": "Wiersma", "Straat": "Kade", "PostCode": "1000 AA", "Woonplaats": "Ede"}


@dataclass(frozen=True)
class Done:
    """How a job ended: whether well, and the sentence that it shows itself; what work orders show is in the ledger."""

    is_well: bool
    sentence: str = ""


@dataclass(frozen=True, eq=False)
class Job:
    """`prepare` sets the scene, without a fault; `run` is what is done again until all is well."""

    name: str
    prepare: Callable[[World], None]
    run: Callable[[World], Done]
    settings: dict[str, Any] = field(default_factory=dict)
    # Without a fault too: King refuses what it brings.
    is_refused: bool = False


def _exported(_world: World, **options: Any) -> Done:
    return _ended(scenario.export(**options))


def _ended(run: SyncRun) -> Done:
    counts = run.counts()
    assert counts["read"] == sum(number for name, number in counts.items() if name != "read"), counts
    return Done(run.status == "succeeded", sentence(run.error))


def _of(why: Reason | None) -> Done:
    return Done(why is None, sentence(stored(why)) if why else "")


def _work_order(world: World, **fields: Any) -> None:
    usual = {"id": NUMBER, "OrderNr": "2025.1", "Workperiods": [HOUR]}
    scenario.work_order(world.outsmart, **(usual | fields))


def _nothing(_world: World) -> None:
    pass


# --- Exports ----------------------------------------------------------------------------------------------------------


def _filled(world: World) -> None:
    """Fill the mirror, so that what follows are the calls of the work order."""
    scenario.export()


def _new(world: World) -> None:
    _filled(world)
    _work_order(world)


def _first(world: World) -> None:
    _work_order(world)


def _unknown_article(world: World) -> None:
    _filled(world)
    world.king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "AantalDecimalen": 0})
    _work_order(world, Materials=[scenario.material("BOCHT")])


def _update(world: World) -> None:
    """Make a work order whose export changes, removes and inserts lines below one of King's staff."""
    store = world.king.store
    store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "AantalDecimalen": 0})
    _order_of_staff(world, "KNIE")
    rows = [scenario.material("BUIS"), scenario.material("KNIE", "2")]
    _work_order(world, Materials=rows, WorkorderNo="500", **INTERIM)
    scenario.export()
    rows = [scenario.material("BUIS", "3"), scenario.material("BOCHT")]
    world.outsmart.store.edit_work_order(NUMBER, {"Materials": rows, "Workperiods": [HOUR], **FINAL})


def _order_of_staff(world: World, article: str) -> None:
    world.king.store.put_record("order", "500", {"DebiteurNummer": 10})
    line = {"RegelSoort": "ART", "ArtikelNummer": article, "AantalBesteld": 1}
    world.king.store.edit_order(500, Edit(add=[line]))


def _lost_create(world: World) -> None:
    """Let the first attempt create the order and never hear of it."""
    _new(world)
    world.king.faults.add(SandboxFault(kind="reset_after", operation="Order_Toevoegen"))


def _refused_debtor(world: World) -> None:
    _filled(world)
    _work_order(world, CustomerDebtorNr="404", CustomerDebtorNrInvoice="404")


def _export_one(world: World) -> Done:
    return _exported(world, work_orders=[NUMBER])


_APPROVING = {"approve_order": True, "success_status": "10"}
_UPDATING = {"interim_updates": True, "order_update_status": "5"}

NEW = Job("export of a new order", _new, _exported, _APPROVING)
FIRST = Job("first export", _first, _exported)
ONE = Job("export of one work order", _new, _export_one)
LOOK_UP = Job("export with an article of today", _unknown_article, _exported)
UPDATE = Job("export of a changed order", _update, _exported, _UPDATING)
LOST = Job("export after a lost answer", _lost_create, _exported)
REFUSED = Job("export of a rejected work order", _refused_debtor, _exported, {"failure_status": "12"}, is_refused=True)


# --- Verification -----------------------------------------------------------------------------------------------------


def _to_verify(world: World) -> None:
    _work_order(world)
    scenario.export()
    (order,) = scenario.orders(world.king)
    line = int(order["OrderRegels"][0]["RegelID"])
    world.king.store.edit_order(order["OrderNummer"], Edit(change=[{"RegelID": line, "AantalBesteld": 5}]))
    WorkOrder.objects.update(verified_at=None, king_checked_at=None)


def _verified(_world: World) -> Done:
    return _of(verification_run.by_command().error)


VERIFY = Job("verification", _to_verify, _verified)


# --- Imports ----------------------------------------------------------------------------------------------------------


def _to_import(world: World) -> None:
    store = world.king.store
    store.put_record("debtor", "12", CUSTOMER | {"ContactPersonen": [PERSON], "VerzendAdressen": [PLACE]})
    _order_of_staff(world, "BUIS")


def _imported(_world: World) -> Done:
    return _ended(scenario.load())


IMPORT = Job("import", _to_import, _imported, {"orders_enabled": True})


# --- Pages ------------------------------------------------------------------------------------------------------------


def _tested(system: System) -> Callable[[World], Done]:
    return lambda _world: _of(connection_check.check_stored(Connection.objects.get(system=system)))


def _of_call(call: BackgroundCall) -> Done:
    call.refresh_from_db()
    assert call.state == BackgroundCall.State.ENDED
    return Done(not call.result["problem"], sentence(call.result["problem"] or {}))


def _found(world: World) -> Done:
    return _of_call(page_calls.find_order(scenario.ledger(NUMBER), "500", by=world.user))


def _fetched(world: World) -> Done:
    call = fetching.fetch(SECOND, by=world.user)
    done = _of_call(call)
    unreadable = [match.objections for match in fetching.matches_of(call) if not match.outsmart_id]
    return Done(False, sentence(unreadable[0][0])) if unreadable else done


def _to_find(world: World) -> None:
    _work_order(world, Materials=[], Workperiods=[])
    scenario.export()
    world.king.store.put_record("order", "500", {"DebiteurNummer": 10})


def _to_fetch(world: World) -> None:
    _work_order(world, id=SECOND, WorkStatus="7")


def _choices(_world: World) -> Done:
    problems = [each.problem for each in pick_list_refresh.refresh_choices() if each.problem]
    return _of(problems[0] if problems else None)


TEST_KING = Job("connection test", _nothing, _tested(System.KING))
TEST_OUTSMART = Job("connection test", _nothing, _tested(System.OUTSMART))
FIND = Job("a page looks up an order", _to_find, _found)
FETCH = Job("a page fetches a work order", _to_fetch, _fetched)
CHOICES = Job("refreshing the pick lists", _nothing, _choices)
