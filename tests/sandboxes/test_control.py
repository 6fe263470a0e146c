"""The control API, the call log, the pages and the state file."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sandboxes.king.sandbox import KingSandbox
from sandboxes.messages import Request
from sandboxes.outsmart.sandbox import OutSmartSandbox
from sandboxes.server import Connection
from tests import patience
from tests.sandboxes.callers import Caller, KingCaller, OutSmartCaller

ORDER = 20250102


@pytest.fixture
def king() -> Iterator[KingSandbox]:
    with KingSandbox(records=40) as sandbox:
        yield sandbox


@pytest.fixture
def caller(king: KingSandbox) -> Iterator[KingCaller]:
    with KingCaller(king) as one:
        yield one


# --- the truth --------------------------------------------------------------------------------------------------------


def test_state_tells_counts_and_every_order_with_lines_and_lock(caller: KingCaller) -> None:
    number = caller.new_order(ExternOrderNummer="OS-1")
    caller.new_line(number, RegelSoort="TEKST", TekstOpFactuur="x")

    state = caller.control("GET", "state")

    order = next(one for one in state["orders"] if one["OrderNummer"] == number)
    assert state["counts"] == {"debtors": 40, "articles": 40, "rates": 12, "warehouses": 4, "orders": 11}
    assert (order["LockEigenaar"], order["Bron"], order["Verzamellijst"]) == ("webservice", "webservice", "WEL")
    assert order["OrderRegels"][0]["Bron"] == "webservice"


def test_order_can_be_looked_at_alone(caller: KingCaller) -> None:
    assert caller.control("GET", f"orders/{ORDER}")["OrderNummer"] == ORDER
    assert caller.send("GET", "/_control/orders/1").status == 404
    assert caller.send("GET", "/_control/orders/x").status == 404


def test_duplicates_tell_what_came_twice_and_which_locks_are_left(caller: KingCaller) -> None:
    number = caller.new_order(ExternOrderNummer="OS-1")
    caller.new_order(ExternOrderNummer="OS-1")
    for _ in range(3):
        caller.new_line(number, RegelSoort="TEKST", TekstOpFactuur="x", ExternOrderRegelNummer="T1")
    caller.call("Order_LockVrijgeven", OrderNummer=number)

    duplicates = caller.control("GET", "duplicates")

    assert duplicates["orders"] == {"OS-1": 2}
    assert duplicates["lines"] == {f"{number}/T1": 3}
    assert [lock["LockEigenaar"] for lock in duplicates["locks"]] == ["webservice"]


# --- the call log -----------------------------------------------------------------------------------------------------


def test_log_holds_body_answer_and_time_of_each_call(caller: KingCaller) -> None:
    caller.call("Webservice_Test", GeefFoutTerug=0)
    caller.call("Magazijnen_Opvragen", MaxAantal=1)

    log = caller.control("GET", "calls?operation=Webservice_Test")

    (call,) = log["calls"]
    assert (call["operation"], call["method"], call["status"]) == ("Webservice_Test", "POST", 200)
    assert (call["body"], call["answer"]) == ({"GeefFoutTerug": 0}, [{"Status": 0}])
    assert call["time"].endswith("+00:00")
    assert caller.control("GET", "calls")["count"] == 2
    caller.control("DELETE", "calls")
    assert caller.control("GET", "calls")["count"] == 0


def test_log_never_holds_a_token() -> None:
    with OutSmartSandbox() as outsmart, OutSmartCaller(outsmart) as caller:
        caller.get("GetWorkorders", status="Compleet", update_status="false")

        log = caller.send("GET", "/_control/calls").body.decode()

    assert "token=***&software_token=***&status=Compleet&update_status=false" in log
    assert outsmart.token not in log
    assert outsmart.software_token not in log


def test_log_holds_what_was_no_json_as_text(king: KingSandbox, caller: KingCaller) -> None:
    caller.post("Webservice_Test", b"{no json")

    assert king.calls.all()[0].json() == "{no json"


# --- King's staff -----------------------------------------------------------------------------------------------------


def test_record_is_put_changed_and_removed(caller: KingCaller) -> None:
    caller.control("PUT", "records/article/NIEUW-1", {"OmschrijvingKort": "Nieuw", "VerkoopPrijsExclBtw": 12.345})
    caller.control("PUT", "records/article/NIEUW-1", {"GeblokkeerdVoorVerkoop": 1})

    (article,) = caller.call("Artikelen_Opvragen", VanafNummer="NIEUW-0", MaxAantal=1)["Artikelen"]
    assert (article["ArtikelNummer"], article["OmschrijvingKort"]) == ("NIEUW-1", "Nieuw")
    assert (article["VerkoopPrijsExclBtw"], article["GeblokkeerdVoorVerkoop"]) == (12.345, 1)
    caller.control("DELETE", "records/article/NIEUW-1")
    assert caller.send("DELETE", "/_control/records/article/NIEUW-1").status == 404


def test_changed_record_is_read_as_changed_now(caller: KingCaller) -> None:
    before = caller.call("Debiteuren_Opvragen", GewijzigdVanaf="2026-01-15T00:00:00")["Debiteuren"]

    caller.control("PUT", "records/debtor/11005", {"Naam1": "Nieuwe naam"})

    after = caller.call("Debiteuren_Opvragen", GewijzigdVanaf="2026-01-15T00:00:00")["Debiteuren"]
    assert (before, [one["Naam1"] for one in after]) == ([], ["Nieuwe naam"])


@pytest.mark.parametrize(
    ("path", "fields", "read"),
    [
        ("debtor/12000", {"Naam1": "Nieuw"}, "Debiteuren"),
        ("rate/NACHT", {"PrijsExclBtw": 99}, "Tarieven"),
        ("warehouse/9", {"Omschrijving": "Bus 109"}, "Magazijnen"),
        ("order/20259999", {"DebiteurNummer": 11001}, "Orders"),
    ],
)
def test_every_kind_of_record_can_be_put_and_removed(
    caller: KingCaller, path: str, fields: dict[str, object], read: str
) -> None:
    before = caller.call(f"{read}_Opvragen")[read]

    caller.control("PUT", f"records/{path}", fields)
    added = [str(next(iter(one.values()))) for one in caller.call(f"{read}_Opvragen")[read] if one not in before]
    caller.control("DELETE", f"records/{path}")

    assert added == [path.partition("/")[2]]
    assert caller.call(f"{read}_Opvragen")[read] == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("records/article/X", {"Prijs": 5}),
        ("records/debtor/abc", {}),
        ("records/order/1", {}),
        ("records/debtor/1", []),
    ],
)
def test_record_that_king_cannot_have_is_refused(caller: KingCaller, path: str, body: object) -> None:
    assert caller.send("PUT", f"/_control/{path}", body).status == 400


def test_staff_add_change_and_remove_lines_and_close(caller: KingCaller) -> None:
    (line,) = caller.read_order(20250104)["OrderRegels"]
    edit = {
        "header": {"Referentie": "Door kantoor"},
        "add": [{"RegelSoort": "TAR", "ArtikelNummer": "MONT", "AantalBesteld": 1}],
        "remove": [line["RegelID"]],
    }

    caller.control("POST", "orders/20250104", edit)
    (added,) = caller.read_order(20250104)["OrderRegels"]
    caller.control("POST", "orders/20250104", {"change": [{"RegelID": added["RegelID"], "AantalBesteld": 3}]})
    order = caller.control("POST", "orders/20250104", {"invoice": True})

    assert (order["Referentie"], order["Gesloten"]) == ("Door kantoor", 1)
    assert [(one["ArtikelNummer"], one["AantalGeleverd"], one["Bron"]) for one in order["OrderRegels"]] == [
        ("MONT", 3, "staff")
    ]


def test_staff_open_a_closed_order_again(caller: KingCaller) -> None:
    for word in (True, False):
        caller.control("POST", f"orders/{ORDER}", {"close": word})

    assert caller.read_order(ORDER)["OrderNummer"] == ORDER


def test_staff_are_refused_what_king_refuses(caller: KingCaller) -> None:
    line = {"RegelSoort": "ART", "ArtikelNummer": "NIETS", "AantalBesteld": 1}

    reply = caller.send("POST", f"/_control/orders/{ORDER}", {"add": [line]})

    assert reply.status == 400
    assert "ONBEKEND_ARTIKEL" in reply.json()["error"]


def test_staff_cannot_edit_an_order_that_a_webservice_holds_unless_forced(caller: KingCaller) -> None:
    number = caller.new_order()

    assert caller.send("POST", f"/_control/orders/{number}", {"header": {"Referentie": "x"}}).status == 409
    caller.control("POST", f"orders/{number}", {"header": {"Referentie": "x"}, "force": True})
    assert caller.read_order(number)["Referentie"] == "x"


def test_example_brings_the_records_that_the_example_answer_needs(caller: KingCaller) -> None:
    caller.control("POST", "example")

    order = caller.read_order(20251184)
    assert order["DebiteurNummer"] == 10020
    assert [line["RegelSoort"] for line in order["OrderRegels"]] == ["ART", "TEKST"]
    assert caller.new_line(20251184, RegelSoort="ART", ArtikelNummer="BUIS-22", AantalBesteld=2.5)


def test_records_of_a_kind_can_be_listed(caller: KingCaller) -> None:
    assert len(caller.control("GET", "records/rate")["records"]) == 12


def test_order_numbers_go_on_after_a_restart_and_after_the_highest(caller: KingCaller) -> None:
    caller.control("PUT", "records/order/30000000", {"DebiteurNummer": 11001})

    assert caller.new_order() == 30000001


# --- switches and reset -----------------------------------------------------------------------------------------------


def test_access_codes_are_switched_and_told_masked(king: KingSandbox, caller: KingCaller) -> None:
    told = caller.control("POST", "switches", {"access_codes": {"Webservice_Test": "new-code"}})

    assert caller.post("Webservice_Test", {}).status == 401
    assert told["access_codes"] == {"Webservice_Test": "***"}
    assert "new-code" not in caller.send("GET", "/_control/switches").body.decode()


@pytest.mark.parametrize("switches", [{"acces_code": "x"}, {"access_codes": {"Order_Bestaat_Niet": "x"}}])
def test_unknown_switch_is_refused(caller: KingCaller, switches: object) -> None:
    assert caller.send("POST", "/_control/switches", switches).status == 400


def test_reset_goes_back_to_the_seed(king: KingSandbox, caller: KingCaller) -> None:
    caller.new_order()
    caller.control("POST", "faults", {"kind": "http_500", "operation": "Webservice_Test"})

    caller.control("POST", "reset")
    king_again = caller.control("GET", "state")["counts"]
    caller.control("POST", "reset", {"records": 50, "seed": 2})

    assert king_again["orders"] == 10
    assert caller.control("GET", "state")["counts"]["articles"] == 50
    assert caller.control("GET", "faults")["faults"] == []
    assert king.calls.count() == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("PATCH", "state", 405), ("POST", "reset", 400), ("PUT", "records/thing/1", 404)],
)
def test_wrong_control_call_says_what_there_is(caller: KingCaller, method: str, path: str, status: int) -> None:
    reply = caller.send(method, f"/_control/{path}", {"what": "?"})

    assert reply.status == status
    assert reply.json()["error"]


@pytest.mark.parametrize("path", ["/", "/_control/state"])
def test_control_api_and_page_answer_this_machine_only(king: KingSandbox, path: str) -> None:
    # Tests can only rely on loopback, so the request is built by hand instead of sent over a network.
    near, far = socket.socketpair()
    with near, far:
        answer = king.respond(Request(method="GET", path=path, is_local=False), Connection(near, far))

    assert answer
    assert answer.status == 403


# --- pages ------------------------------------------------------------------------------------------------------------


def test_page_of_king_shows_orders_and_escapes_what_was_sent(caller: KingCaller) -> None:
    caller.new_order(ExternOrderNummer="<b>OS-1</b>")

    page = caller.send("GET", "/")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "&lt;b&gt;OS-1&lt;/b&gt;" in page.body.decode()
    assert "/_control/duplicates" in page.body.decode()


def test_page_of_outsmart_shows_work_orders_and_relations() -> None:
    with OutSmartSandbox() as outsmart, OutSmartCaller(outsmart) as caller:
        relation = {"name": "Café X", "debtor_number": "5", "street": "A", "postal_code": "1", "city": "Ede"}
        caller.post("relations", [relation])

        page = caller.send("GET", "/").body.decode()

    assert "Café X" in page
    assert "1 - Naar King" in page


# --- the state file ---------------------------------------------------------------------------------------------------


def test_king_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "made" / "king.json"
    with KingSandbox(records=40, seed=3, state=state) as king, KingCaller(king) as caller:
        number = caller.new_order(ExternOrderNummer="OS-1")
        caller.new_line(number, RegelSoort="ART", ArtikelNummer="BUIS-CU15", AantalBesteld=2.55)
        caller.control("PUT", "records/article/NIEUW", {"OmschrijvingKort": "Nieuw"})
        caller.control("DELETE", "records/debtor/11002")
        before = caller.control("GET", "state")

    with KingSandbox(state=state) as again, KingCaller(again) as caller:
        after = caller.control("GET", "state")
        article = caller.call("Artikelen_Opvragen", VanafNummer="NIEUV")["Artikelen"][0]
        next_number = caller.new_order()

    assert after == before
    assert article["OmschrijvingKort"] == "Nieuw"
    assert next_number == number + 1


def test_outsmart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "outsmart.json"
    with OutSmartSandbox(state=state) as outsmart, OutSmartCaller(outsmart) as caller:
        caller.post("workstatusses", [{"sta_code": "7", "sta_name": "Nieuw"}])
        caller.get("UpdateWorkorder", row_id="2500001", workstatus="7")
        before = caller.control("GET", "state")

    with OutSmartSandbox(empty=True, state=state) as again, OutSmartCaller(again) as caller:
        after = caller.control("GET", "state")

    assert after == before


def test_state_is_written_while_running(tmp_path: Path) -> None:
    state = tmp_path / "king.json"
    with KingSandbox(records=0, state=state) as king, KingCaller(king) as caller:
        caller.control("PUT", "records/debtor/5", {"Naam1": "Bewaard"})

        until = time.monotonic() + patience.SECONDS
        while not state.exists() and time.monotonic() < until:
            time.sleep(0.02)

        assert json.loads(state.read_bytes())["debtors"]["put"]["5"]["Naam1"] == "Bewaard"
        assert [one.name for one in tmp_path.iterdir()] == ["king.json"]


def test_file_that_is_no_state_stops_the_start(tmp_path: Path) -> None:
    state = tmp_path / "king.json"
    state.write_text('{"size": 5}')

    with pytest.raises(msgspec.MsgspecError):
        KingSandbox(state=state).start()


def test_caller_before_start_gets_a_clear_error() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        Caller(KingSandbox(records=0))
