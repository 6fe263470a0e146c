"""What King's staff set on an order stays, whatever the office changes afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kingsync.messages.reason_texts import sentences
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, OrderLine
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.messages import Answer, Request
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.scenario import choose

CHANGE, REMOVE, ADD = "Order_OrderRegel_Wijzigen", "Order_OrderRegel_Verwijderen", "Order_OrderRegel_Toevoegen"


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "VerkoopPrijsExclBtw": 3})
    king.store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": 58})
    king.store.put_record("rate", "LEER", {"OmschrijvingKort": "Leerling", "AantalDecimalen": 2, "PrijsExclBtw": 31})
    factories.settings(tenant)


class Order:
    """An exported work order, its King order, and the edits of both sides."""

    def __init__(self, king: KingSandbox, outsmart: OutSmartSandbox, **fields: Any) -> None:
        self.king, self.outsmart = king, outsmart
        self.hour = scenario.period()
        self.id = scenario.work_order(outsmart, **({"Workperiods": [self.hour]} | fields))
        scenario.export()
        self.number = int(scenario.ledger(self.id).king_order_number or 0)
        self.king.calls.clear()

    @property
    def lines(self) -> list[dict[str, Any]]:
        found = next(each for each in scenario.orders(self.king, ours=False) if each["OrderNummer"] == self.number)
        rows: list[dict[str, Any]] = sorted(found["OrderRegels"], key=lambda row: row["RegelNummer"])
        return rows

    @property
    def names(self) -> list[str]:
        """Return article or text of each line, in King's sequence."""
        return [line["ArtikelNummer"] or line["TekstOpFactuur"] for line in self.lines]

    def line(self, name: str) -> dict[str, Any]:
        (found,) = [row for row in self.lines if name in (row["ArtikelNummer"], row["TekstOpFactuur"])]
        return found

    def staff_set(self, name: str, **fields: object) -> None:
        self.staff(change=[{"RegelID": self.line(name)["RegelID"], **fields}])

    def staff_add(self, **fields: object) -> None:
        self.staff(add=[{"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 4, **fields}])

    def staff_remove(self, name: str) -> None:
        self.staff(remove=[self.line(name)["RegelID"]])

    def staff(self, **edit: Any) -> None:
        self.king.store.edit_order(self.number, Edit(**edit))

    def office(self, **fields: Any) -> None:
        """Let the office edit the work order and put it back at the trigger, then export it."""
        self.outsmart.store.edit_work_order(self.id, {"status": "Compleet", "WorkStatus": "1", **fields})
        self.king.calls.clear()
        scenario.export()

    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the line writes of the last export, each with its body."""
        calls = [call for call in self.king.calls.all() if call.operation in (CHANGE, REMOVE, ADD)]
        return [(call.operation, json.loads(call.body)) for call in calls]

    def row(self) -> Any:
        return scenario.ledger(self.id)

    def notice(self) -> str:
        return sentences(self.row().notices)


@pytest.fixture
def exported(king: KingSandbox, outsmart: OutSmartSandbox) -> Callable[..., Order]:
    def make(**fields: Any) -> Order:
        return Order(king, outsmart, **fields)

    return make


MORE = [scenario.material("BUIS"), scenario.material("BOCHT")]


@pytest.mark.parametrize(
    "fields",
    [
        {"Prijs": 40},
        {"TekstOpFactuur": "Korting afgesproken"},
        {"AantalBesteld": 3},
        {"AantalDezeLevering": 1},
        {"ArtikelNummer": "LEER"},
        {"ExternOrderRegelNummer": "BON-7"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_staff_set_on_a_line_below_an_added_one_stays(
    exported: Callable[..., Order], fields: dict[str, object]
) -> None:
    order = exported()
    order.staff_set("MONT", **fields)
    before = order.lines

    order.office(Materials=MORE)

    assert [line for line in order.lines if line in before] == before
    assert order.names[-1] == "BOCHT"
    assert order.row().state == LedgerState.DONE
    assert "BOCHT" in order.notice()
    assert scenario.is_clean(order.king)


def test_an_added_line_stands_in_its_place_where_nobody_touched_the_lines_below(
    exported: Callable[..., Order],
) -> None:
    order = exported()

    order.office(Materials=MORE)

    assert order.names[:3] == ["BUIS", "BOCHT", "MONT"]
    assert order.notice() == ""
    assert scenario.is_clean(order.king)


def test_a_line_made_anew_keeps_the_price_that_king_told(exported: Callable[..., Order]) -> None:
    order = exported()
    order.king.store.put_record(
        "rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": 99}
    )

    order.office(Materials=MORE)

    assert order.names[:3] == ["BUIS", "BOCHT", "MONT"]
    assert float(order.line("MONT")["Prijs"]) == 58


def test_a_price_that_the_office_empties_becomes_kings_own_again(exported: Callable[..., Order]) -> None:
    choose(send_prices=True)
    order = exported(
        Materials=[scenario.material("BUIS", MaterialPrice="7"), scenario.material("KNIE", MaterialPrice="9")]
    )

    order.office(Materials=[scenario.material("BUIS", MaterialPrice=""), scenario.material("KNIE", MaterialPrice="9")])

    assert float(order.line("BUIS")["Prijs"]) == 6.4
    assert float(order.line("KNIE")["Prijs"]) == 9
    assert order.names[:2] == ["BUIS", "KNIE"]


def test_an_emptied_price_leaves_a_line_of_staff_alone(exported: Callable[..., Order]) -> None:
    choose(send_prices=True)
    order = exported(Materials=[scenario.material("BUIS", MaterialPrice="7")])
    order.staff_set("BUIS", Prijs=6)

    order.office(Materials=[scenario.material("BUIS", MaterialPrice="")])

    assert float(order.line("BUIS")["Prijs"]) == 6


def test_a_line_whose_row_is_refused_now_stays_as_it_was(exported: Callable[..., Order]) -> None:
    order = exported(Materials=[scenario.material("BUIS", "2"), scenario.material("KNIE")])
    before = order.line("BUIS")

    order.office(Materials=[scenario.material("BUIS", "twee"), scenario.material("KNIE")])

    assert order.line("BUIS") == before
    assert scenario.ledger(order.id).state == LedgerState.INCOMPLETE


def test_a_line_of_staff_below_keeps_its_place_among_ours(exported: Callable[..., Order]) -> None:
    order = exported()
    order.staff_add()
    before = order.names

    order.office(Materials=MORE)

    assert order.names == [*before, "BOCHT"]
    assert "BOCHT" in order.notice()


def test_a_changed_warehouse_is_one_write_of_the_warehouse(exported: Callable[..., Order]) -> None:
    materials = [scenario.material("BUIS", MaterialWarehouseCode="1"), *(scenario.material("KNIE") for _ in range(8))]
    order = exported(Materials=materials)
    line = order.line("BUIS")["RegelID"]

    order.office(Materials=[scenario.material("BUIS", MaterialWarehouseCode="2"), *materials[1:]])

    ((operation, body),) = order.writes()
    assert operation == CHANGE
    assert {name: value for name, value in body.items() if name != "OrderNummer"} == {"RegelID": line, "Magazijn": 2}
    assert order.row().state == LedgerState.DONE


def test_a_row_that_the_office_drops_from_among_like_rows_is_the_one_that_goes(exported: Callable[..., Order]) -> None:
    rows = [scenario.material("BUIS", quantity) for quantity in ("1", "2", "3")]
    order = exported(Materials=rows)
    ids = [line["RegelID"] for line in order.lines if line["ArtikelNummer"] == "BUIS"]
    order.king.store.edit_order(order.number, Edit(change=[{"RegelID": ids[1], "Prijs": 5}]))

    order.office(Materials=rows[1:])

    assert [line["RegelID"] for line in order.lines if line["ArtikelNummer"] == "BUIS"] == ids[1:]
    assert [body["RegelID"] for operation, body in order.writes() if operation == REMOVE] == ids[:1]


@pytest.mark.parametrize("field", ["Prijs", "TekstOpFactuur"])
def test_staff_and_office_may_change_different_fields_of_one_line(exported: Callable[..., Order], field: str) -> None:
    order = exported()
    value: object = {"Prijs": 40, "TekstOpFactuur": "Korting"}[field]
    order.staff_set("MONT", **{field: value})

    order.office(Workperiods=[order.hour | {"TotalTime": "02:00"}])
    order.office(Workperiods=[order.hour | {"TotalTime": "03:00"}])

    line = order.line("MONT")
    assert (str(line[field]), float(line["AantalBesteld"])) == (str(value), 3.0)
    assert order.row().state == LedgerState.DONE
    assert str(value) in order.notice()


def test_a_price_of_staff_survives_another_hour_type(exported: Callable[..., Order]) -> None:
    order = exported()
    order.staff_set("MONT", Prijs=40)

    order.office(Workperiods=[order.hour | {"HourType": "LEER"}])

    assert float(order.line("LEER")["Prijs"]) == 40
    assert order.row().state == LedgerState.DONE


def test_one_field_changed_on_both_sides_is_held_with_both_values_and_nothing_is_written(
    exported: Callable[..., Order],
) -> None:
    choose(send_prices=True)
    order = exported(Materials=[scenario.material("BUIS", MaterialPrice="58,00")])
    order.staff_set("BUIS", Prijs=40)

    order.office(Materials=[scenario.material("BUIS", MaterialPrice="60,00"), scenario.material("BOCHT")])

    row = order.row()
    assert row.state == LedgerState.HELD
    (why,) = row.reasons
    assert why["code"] == "line_conflict"
    assert [why["params"][name] for name in ("field", "before", "ours", "theirs")] == ["price", "58", "60", "40"]
    assert order.writes() == []
    assert scenario.is_clean(order.king)


def test_a_price_of_staff_stays_where_the_office_left_the_price_alone(exported: Callable[..., Order]) -> None:
    choose(send_prices=True)
    order = exported(Materials=[scenario.material("BUIS", MaterialPrice="58,00")])
    order.staff_set("BUIS", Prijs=40)

    order.office(Materials=[scenario.material("BUIS", "2", MaterialPrice="58,00")])

    assert (float(order.line("BUIS")["Prijs"]), float(order.line("BUIS")["AantalBesteld"])) == (40.0, 2.0)


@pytest.mark.parametrize("fields", [{"Prijs": 40}, {"TekstOpFactuur": "Korting"}, {"AantalBesteld": 3}])
def test_a_row_that_the_office_removes_while_staff_changed_its_line_is_held(
    exported: Callable[..., Order], fields: dict[str, object]
) -> None:
    order = exported(Materials=MORE)
    order.staff_set("BOCHT", **fields)

    order.office(Materials=MORE[:1])

    assert (order.row().state, order.row().reasons[0]["code"]) == (LedgerState.HELD, "line_dropped")
    assert "BOCHT" in order.names


def test_a_line_that_staff_removed_stays_away_and_the_page_says_so(exported: Callable[..., Order]) -> None:
    order = exported(Materials=MORE)
    order.staff_remove("BOCHT")

    order.office(Materials=[scenario.material("BUIS", "2"), MORE[1]])

    assert "BOCHT" not in order.names
    assert order.row().state == LedgerState.DONE
    assert "BOCHT" in order.notice()


def test_a_line_that_staff_removed_and_the_office_changed_is_held(exported: Callable[..., Order]) -> None:
    order = exported(Materials=MORE)
    order.staff_remove("BOCHT")

    order.office(Materials=[MORE[0], scenario.material("BOCHT", "5")])

    assert (order.row().state, order.row().reasons[0]["code"]) == (LedgerState.HELD, "line_removed")


def test_another_sequence_in_the_settings_writes_no_line_again(exported: Callable[..., Order]) -> None:
    order = exported()
    ids = [line["RegelID"] for line in order.lines]
    choose(order_line_sequence="text_hours_materials")

    order.office(Materials=[scenario.material("BUIS", "2")])
    order.office(Materials=MORE)

    assert [line["RegelID"] for line in order.lines][: len(ids)] == ids


def test_the_header_that_staff_set_stays(exported: Callable[..., Order]) -> None:
    order = exported()
    order.staff(header={"Referentie": "Bel eerst", "LeverDatum": "2026-01-05", "DebiteurNummer": 10})

    order.office(Materials=MORE, Reference="Van kantoor", WorkEndDate="12-11-2025")

    found = next(each for each in scenario.orders(order.king) if each["OrderNummer"] == order.number)
    assert (found["Referentie"], found["LeverDatum"], found["DebiteurNummer"]) == ("Bel eerst", "2026-01-05", 10)


# --- Edits by both sides ----------------------------------------------------------------------------------------------

SET_BY_STAFF: dict[str, list[object]] = {
    "AantalBesteld": [2, 7],
    "Prijs": [0, 40, Decimal("12.5")],
    "TekstOpFactuur": ["Korting afgesproken"],
    "AantalDezeLevering": [1],
    "AantalDezeFacturering": [1],
    "ExternOrderRegelNummer": [""],  # one for each line
}
STAFF = st.dictionaries(
    st.sampled_from(["BUIS", "BOCHT", "MONT"]),
    st.sampled_from(list(SET_BY_STAFF)).flatmap(
        lambda field: st.tuples(st.just(field), st.sampled_from(SET_BY_STAFF[field]))
    ),
    max_size=2,
)
QUANTITY = st.sampled_from(["1", "2", "7"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(staff=STAFF, adds_line=st.booleans(), quantities=st.tuples(QUANTITY, QUANTITY), inserts=st.booleans())
def test_whatever_both_sides_do_nothing_of_staff_is_lost(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    staff: dict[str, tuple[str, object]],
    adds_line: bool,
    quantities: tuple[str, str],
    inserts: bool,
) -> None:
    order = Order(king, outsmart, Materials=MORE)
    for name, (field, value) in staff.items():
        # Two lines with one reference would be a duplicate, which staff made here.
        order.staff_set(name, **{field: f"BON-{name}" if field == "ExternOrderRegelNummer" else value})
    if adds_line:
        order.staff_add(AantalBesteld=3)
    before = {line["RegelID"]: line for line in order.lines}
    rows = [scenario.material(code, quantity) for code, quantity in zip(("BUIS", "BOCHT"), quantities, strict=True)]
    middle = [scenario.material("KNIE", "9")] if inserts else []

    order.office(Materials=[rows[0], *middle, rows[1]])

    edits = {code: quantity for code, quantity in zip(("BUIS", "BOCHT"), quantities, strict=True) if quantity != "1"}
    clashes = [
        name
        for name, (field, value) in staff.items()
        if name in edits and field == "AantalBesteld" and str(value) != edits[name]
    ]
    assert (order.row().state == LedgerState.HELD) == bool(clashes)
    now = {line["RegelID"]: line for line in order.lines}
    written = {body.get("RegelID") for _, body in order.writes()}
    if clashes:
        assert (now, written) == (before, set())
        return
    for line_id, line in before.items():
        name = line["ArtikelNummer"]
        changes = {"AantalBesteld": float(edits[name])} if name in edits and line["ExternOrderRegelNummer"] else {}
        if line_id in now:
            assert values_of(now[line_id]) == values_of(line | changes)
            assert changes or line_id not in written
        else:
            assert name not in staff
            assert inserts
    assert scenario.is_clean(king)


def values_of(line: dict[str, Any]) -> dict[str, object]:
    """Return a line's fields, numbers parsed."""
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in line.items()}


# --- Between our reading and our writing ------------------------------------------------------------------------------


def after_reading(order: Order, monkeypatch: pytest.MonkeyPatch, edit: Callable[[], None]) -> None:
    """Let staff edit the order right after our first read of it."""
    answer_of = order.king.handle
    done: list[bool] = []

    def handle(request: Request) -> Answer:
        answer = answer_of(request)
        if request.path.endswith("Orders_Opvragen") and not done:
            done.append(True)
            edit()
        return answer

    monkeypatch.setattr(order.king, "handle", handle)


def test_an_edit_between_our_reading_and_our_removal_is_seen_before_the_line_is_made_anew(
    exported: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = exported()
    after_reading(order, monkeypatch, lambda: order.staff_set("MONT", Prijs=40))

    order.office(Materials=MORE)

    assert float(order.line("MONT")["Prijs"]) == 40
    assert order.names[-1] == "BOCHT"
    assert scenario.is_clean(order.king)


def test_an_edit_between_our_reading_and_the_removal_of_a_dropped_row_holds_the_work_order(
    exported: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = exported(Materials=MORE)
    after_reading(order, monkeypatch, lambda: order.staff_set("BOCHT", Prijs=2))

    order.office(Materials=[scenario.material("BUIS", "2")])

    assert order.row().state == LedgerState.HELD
    assert float(order.line("BOCHT")["Prijs"]) == 2
    assert float(order.line("BUIS")["AantalBesteld"]) == 1
    assert scenario.is_clean(order.king)


def test_no_line_is_taken_out_of_an_order_that_takes_no_new_ones(exported: Callable[..., Order]) -> None:
    order = exported()
    before = order.names
    order.king.store.put_record("debtor", "11", {"Naam1": "Klant 11", "BlokkeerOrderInvoer": 1})

    order.office(Materials=MORE)

    assert order.names == before
    assert order.row().state == LedgerState.INCOMPLETE


@pytest.mark.usefixtures("lost_answers_soon_settled")
def test_an_edit_by_staff_after_a_cut_off_update_is_no_change_of_ours(exported: Callable[..., Order]) -> None:
    order = exported()
    order.king.faults.add(Fault(kind="reset_after", operation=CHANGE))
    order.king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", skip=1, code="K9", message="Nu niet"))
    order.office(Materials=[scenario.material("BUIS", "2")])
    order.staff_set("BUIS", Prijs=4)

    order.office(Materials=[scenario.material("BUIS", "3")])

    line = order.line("BUIS")
    assert (order.row().state, float(line["AantalBesteld"]), float(line["Prijs"])) == (LedgerState.DONE, 3.0, 4.0)


def test_lines_of_before_the_baseline_was_kept_are_not_made_anew(exported: Callable[..., Order]) -> None:
    order = exported()
    before = [line["RegelID"] for line in order.lines]
    OrderLine.objects.update(as_read={})

    order.office(Materials=MORE)

    assert [line["RegelID"] for line in order.lines][:-1] == before
    assert "BOCHT" in order.notice()


# --- What the page and the command show -------------------------------------------------------------------------------


def test_the_ledger_command_gives_the_notice(
    exported: Callable[..., Order], capsys: pytest.CaptureFixture[str]
) -> None:
    order = exported()
    order.staff_set("MONT", Prijs=40)
    order.office(Materials=MORE)

    call_command("ledger", "jansen", "--json")

    (entry,) = json.loads(capsys.readouterr().out)
    with translation.override("nl"):  # the tenant's language
        assert entry["notice"] == order.notice() != ""


def test_the_notice_of_a_line_at_the_end_stays_as_long_as_the_line_does(exported: Callable[..., Order]) -> None:
    order = exported()
    order.staff_add()
    order.office(Materials=MORE)

    order.office(Materials=[scenario.material("BUIS", "2"), MORE[1]])
    then = order.notice()
    order.office(Materials=[scenario.material("BUIS", "2")])

    assert ("BOCHT" in then, "BOCHT" in order.notice()) == (True, False)


def test_a_dry_run_says_what_the_export_will_say(exported: Callable[..., Order]) -> None:
    order = exported()
    order.staff_set("MONT", Prijs=40)
    order.outsmart.store.edit_work_order(order.id, {"status": "Compleet", "WorkStatus": "1", "Materials": MORE})

    run = scenario.export(dry_run=True)
    (entry,) = run.dry_run_examples["work_orders"]
    scenario.export()

    assert entry["notices"] == order.row().notices != []
