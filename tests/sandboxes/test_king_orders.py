"""The King sandbox: sales orders (king.md, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandboxes.king.sandbox import KingSandbox
from tests.sandboxes.callers import KingCaller

CLOSED_ORDER = 20250101
FREE_ORDER = 20250102
ARTICLE = {"RegelSoort": "ART", "ArtikelNummer": "BUIS-CU15", "AantalBesteld": 2.5}
RATE = {"RegelSoort": "TAR", "ArtikelNummer": "MONT", "AantalBesteld": 1.75}
TEXT = {"RegelSoort": "TEKST", "TekstOpFactuur": "Onderhoud uitgevoerd.\nAlles in orde."}


@pytest.fixture
def king() -> Iterator[KingSandbox]:
    with KingSandbox(records=60) as sandbox:
        yield sandbox


@pytest.fixture
def caller(king: KingSandbox) -> Iterator[KingCaller]:
    with KingCaller(king) as one:
        yield one


@pytest.fixture
def other(king: KingSandbox) -> Iterator[KingCaller]:
    king.other_callers["second-code"] = "webshop"
    with KingCaller(king, code="second-code") as one:
        yield one


# --- the header -------------------------------------------------------------------------------------------------------


def test_new_order_is_read_back_as_it_was_sent(caller: KingCaller) -> None:
    header = {
        "DebiteurNummer": 11003,
        "ExternOrderNummer": "OS-2417731",
        "Referentie": "Werkbon 2025.00412",
        "OrderDatum": "2025-11-10",
        "LeverDatum": "2025-11-11",
        "Magazijn": 2,
        "ContactPersoonNummer": 2,
        "VerzendAdresNummer": 1,
        "DebiteurNummerFactuur": 11001,
        "Opmerking": "Bellen voor vertrek",
    }

    order = caller.read_order(caller.new_order(**header, Verzamellijst="NIET"))

    assert {name: order[name] for name in header} == header
    assert (order["Goedgekeurd"], order["VrijVoorLevering"], order["OrderRegels"]) == (0, 0, [])
    assert "Verzamellijst" not in order


def test_header_fields_that_are_not_sent_get_kings_defaults(caller: KingCaller, king: KingSandbox) -> None:
    king.store.put_record("debtor", "11001", {"DebiteurNummerFactuur": 11002})

    order = caller.read_order(caller.new_order())

    assert order["Magazijn"] == 1
    assert order["DebiteurNummerFactuur"] == 11002
    assert order["OrderDatum"] == order["LeverDatum"] == order["MutatieDatum"][:10]


def test_debtor_number_may_come_as_text(caller: KingCaller) -> None:
    assert caller.read_order(caller.new_order(DebiteurNummer="11001"))["DebiteurNummer"] == 11001


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"DebiteurNummer": None}, "VERPLICHT_VELD"),
        ({"DebiteurNummer": ""}, "VERPLICHT_VELD"),
        ({"DebiteurNummer": 99999}, "ONBEKEND_DEBITEUR"),
        ({"DebiteurNummer": 11013}, "GEBLOKKEERD_DEBITEUR"),
        ({"DebiteurNummer": "11001x"}, "ONGELDIGE_WAARDE"),
        ({"DebiteurNummer": True}, "ONGELDIGE_WAARDE"),
        ({"DebiteurNummer": [11001]}, "ONGELDIGE_WAARDE"),
        ({"DebiteurNummerFactuur": 99999}, "ONBEKEND_DEBITEUR"),
        ({"ContactPersoonNummer": 9}, "ONBEKEND_CONTACTPERSOON"),
        ({"VerzendAdresNummer": 9}, "ONBEKEND_VERZENDADRES"),
        ({"Magazijn": 77}, "ONBEKEND_MAGAZIJN"),
        ({"Magazijn": 1000}, "ONGELDIGE_WAARDE"),
        ({"ExternOrderNummer": "x" * 21}, "TE_LANG"),
        ({"ExternOrderNummer": 5}, "ONGELDIGE_WAARDE"),
        ({"Referentie": "x" * 41}, "TE_LANG"),
        ({"OrderDatum": "2025-11-10T00:00:00"}, "ONGELDIGE_WAARDE"),
        ({"OrderDatum": "10-11-2025"}, "ONGELDIGE_WAARDE"),
        ({"LeverDatum": "2025-02-30"}, "ONGELDIGE_WAARDE"),
        ({"Verzamellijst": "wel"}, "ONGELDIGE_WAARDE"),
        ({"Goedgekeurd": 1}, "ONBEKEND_VELD"),
        ({"OrderRegels": []}, "ONBEKEND_VELD"),
    ],
)
def test_wrong_header_is_refused_and_nothing_is_stored(
    king: KingSandbox, caller: KingCaller, fields: dict[str, object], code: str
) -> None:
    before = len(king.store.all_orders())

    refused = caller.refusal("Order_Toevoegen", **{"DebiteurNummer": 11001, **fields})

    assert refused == code
    assert len(king.store.all_orders()) == before


def test_king_stores_the_same_external_number_twice(king: KingSandbox, caller: KingCaller) -> None:
    first, second = caller.new_order(ExternOrderNummer="OS-1"), caller.new_order(ExternOrderNummer="OS-1")

    assert first != second
    assert king.store.duplicates()["orders"] == {"OS-1": 2}


def test_header_can_be_changed(caller: KingCaller) -> None:
    number = caller.new_order(Referentie="oud")

    caller.call("Order_Wijzigen", OrderNummer=number, Referentie="nieuw", DebiteurNummer=11002)

    assert caller.read_order(number)["Referentie"] == "nieuw"
    assert caller.read_order(number)["DebiteurNummer"] == 11002


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("Order_Wijzigen", {}),
        ("Order_OrderRegel_Toevoegen", TEXT),
        ("Order_OrderRegel_Wijzigen", {"RegelID": 1}),
        ("Order_OrderRegel_Verwijderen", {"RegelID": 1}),
        ("Order_LockVrijgeven", {}),
    ],
)
def test_unknown_order_is_refused(caller: KingCaller, operation: str, fields: dict[str, object]) -> None:
    assert caller.refusal(operation, OrderNummer=99, **fields) == "ONBEKEND_ORDER"
    assert caller.refusal(operation, **fields) == "VERPLICHT_VELD"


def test_closed_order_is_refused_and_no_longer_read(king: KingSandbox, caller: KingCaller) -> None:
    caller.control("POST", f"orders/{CLOSED_ORDER}", {"invoice": True})

    assert caller.refusal("Order_Wijzigen", OrderNummer=CLOSED_ORDER, Referentie="x") == "ORDER_GESLOTEN"
    assert caller.refusal("Order_OrderRegel_Toevoegen", OrderNummer=CLOSED_ORDER, **TEXT) == "ORDER_GESLOTEN"
    assert caller.call("Orders_Opvragen", OrderNummer=CLOSED_ORDER)["Orders"] == []
    assert king.store.locks() == []


def test_order_of_a_debtor_blocked_since_takes_no_more_lines(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order()
    king.store.put_record("debtor", "11001", {"BlokkeerOrderInvoer": 1})

    assert caller.refusal("Order_OrderRegel_Toevoegen", OrderNummer=number, **TEXT) == "GEBLOKKEERD_DEBITEUR"
    assert caller.call("Order_LockVrijgeven", OrderNummer=number)["Status"] == 0


# --- lines ------------------------------------------------------------------------------------------------------------


def test_lines_keep_the_order_in_which_they_were_added(caller: KingCaller) -> None:
    number = caller.new_order()

    ids = [caller.new_line(number, **line) for line in (TEXT, RATE, ARTICLE)]

    lines = caller.read_order(number)["OrderRegels"]
    assert [line["RegelID"] for line in lines] == ids
    assert [line["RegelNummer"] for line in lines] == [1, 2, 3]
    assert [line["RegelSoort"] for line in lines] == ["TEKST", "TAR", "ART"]


def test_article_line_takes_price_text_and_warehouse_from_king(caller: KingCaller) -> None:
    number = caller.new_order(Magazijn=2)
    caller.new_line(number, **ARTICLE, ExternOrderRegelNummer="M1")

    (line,) = caller.read_order(number)["OrderRegels"]

    assert (line["Prijs"], line["OmschrijvingKort"], line["Magazijn"]) == (6.45, "Koperen buis 15 mm", 2)
    assert (line["AantalBesteld"], line["AantalGeleverd"], line["ExternOrderRegelNummer"]) == (2.5, 0, "M1")


def test_text_line_has_neither_quantity_nor_price(caller: KingCaller) -> None:
    number = caller.new_order()
    caller.new_line(number, **TEXT)

    (line,) = caller.read_order(number)["OrderRegels"]

    assert line["TekstOpFactuur"] == TEXT["TekstOpFactuur"]
    assert line.keys().isdisjoint({"AantalBesteld", "Prijs", "Magazijn"})


def test_text_a_price_and_a_warehouse_may_be_sent_on_an_article_line(caller: KingCaller) -> None:
    number = caller.new_order()
    caller.new_line(number, **ARTICLE, TekstOpFactuur="Op maat", Prijs=5.125, Magazijn=3)

    (line,) = caller.read_order(number)["OrderRegels"]

    assert (line["TekstOpFactuur"], line["Prijs"], line["Magazijn"]) == ("Op maat", 5.125, 3)


def test_credit_is_a_negative_quantity(caller: KingCaller) -> None:
    number = caller.new_order()
    caller.new_line(number, **{**ARTICLE, "AantalBesteld": -2})

    assert caller.read_order(number)["OrderRegels"][0]["AantalBesteld"] == -2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({}, "VERPLICHT_VELD"),
        ({"RegelSoort": "art"}, "ONGELDIGE_WAARDE"),
        ({**ARTICLE, "ArtikelNummer": ""}, "VERPLICHT_VELD"),
        ({"RegelSoort": "TAR", "AantalBesteld": 1}, "VERPLICHT_VELD"),
        ({"RegelSoort": "TEKST"}, "VERPLICHT_VELD"),
        ({"RegelSoort": "TEKST", "TekstOpFactuur": ""}, "VERPLICHT_VELD"),
        ({**ARTICLE, "ArtikelNummer": "NIETS"}, "ONBEKEND_ARTIKEL"),
        ({**ARTICLE, "ArtikelNummer": "buis-cu15"}, "ONBEKEND_ARTIKEL"),
        ({**RATE, "ArtikelNummer": "NIETS"}, "ONBEKEND_TARIEF"),
        ({**ARTICLE, "ArtikelNummer": "MONT"}, "ONBEKEND_ARTIKEL"),
        ({**ARTICLE, "ArtikelNummer": "CV-OUD24", "AantalBesteld": 1}, "GEBLOKKEERD_ARTIKEL"),
        ({**RATE, "ArtikelNummer": "OUD-MONT"}, "GEBLOKKEERD_TARIEF"),
        ({**TEXT, "ArtikelNummer": "BLOK1"}, "ONBEKEND_TEKSTBLOK"),
        ({**ARTICLE, "Magazijn": 77}, "ONBEKEND_MAGAZIJN"),
        ({**RATE, "Magazijn": 1}, "VELD_NIET_TOEGESTAAN"),
        ({**TEXT, "Magazijn": 1}, "VELD_NIET_TOEGESTAAN"),
        ({**TEXT, "AantalBesteld": 1}, "VELD_NIET_TOEGESTAAN"),
        ({**TEXT, "Prijs": 1}, "VELD_NIET_TOEGESTAAN"),
        ({**ARTICLE, "AantalBesteld": 2.125}, "DECIMALEN"),
        ({**ARTICLE, "AantalDezeLevering": 2.125}, "DECIMALEN"),
        ({**ARTICLE, "AantalBesteld": 2.1251}, "DECIMALEN"),
        ({**RATE, "ArtikelNummer": "HOOGW", "AantalBesteld": 0.5}, "DECIMALEN"),
        ({**ARTICLE, "AantalBesteld": "2.5"}, "ONGELDIGE_WAARDE"),
        ({**ARTICLE, "AantalBesteld": 10**10}, "ONGELDIGE_WAARDE"),
        ({**ARTICLE, "Prijs": -1}, "NEGATIEVE_PRIJS"),
        ({**ARTICLE, "Prijs": 1.2345}, "DECIMALEN"),
        ({**ARTICLE, "ExternOrderRegelNummer": "x" * 21}, "TE_LANG"),
        ({**ARTICLE, "Korting": 5}, "ONBEKEND_VELD"),
    ],
)
def test_wrong_line_is_refused_and_the_lines_before_stay(
    caller: KingCaller, line: dict[str, object], code: str
) -> None:
    number = caller.new_order()
    caller.new_line(number, **TEXT)

    refused = caller.refusal("Order_OrderRegel_Toevoegen", OrderNummer=number, **line)

    assert refused == code
    assert len(caller.read_order(number)["OrderRegels"]) == 1


def test_decimals_that_are_zero_do_not_count(caller: KingCaller) -> None:
    number = caller.new_order()

    reply = caller.post(
        "Order_OrderRegel_Toevoegen",
        b'{"OrderNummer":%d,"RegelSoort":"TAR","ArtikelNummer":"HOOGW","AantalBesteld":2.000}' % number,
    )

    assert reply.json()[0]["Status"] == 0


def test_same_external_line_number_is_stored_twice(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order()

    for _ in range(2):
        caller.new_line(number, **TEXT, ExternOrderRegelNummer="T1")

    assert king.store.duplicates()["lines"] == {f"{number}/T1": 2}


def test_line_can_be_changed_in_its_place(caller: KingCaller) -> None:
    number = caller.new_order()
    first, _ = caller.new_line(number, **ARTICLE), caller.new_line(number, **TEXT)

    caller.call("Order_OrderRegel_Wijzigen", OrderNummer=number, RegelID=first, AantalBesteld=7, Prijs=5)

    line = caller.read_order(number)["OrderRegels"][0]
    assert (line["RegelID"], line["AantalBesteld"], line["Prijs"]) == (first, 7, 5)
    assert line["ArtikelNummer"] == "BUIS-CU15"


def test_line_takes_the_price_of_its_new_article(caller: KingCaller) -> None:
    number = caller.new_order()
    line_id = caller.new_line(number, **ARTICLE)

    caller.call("Order_OrderRegel_Wijzigen", OrderNummer=number, RegelID=line_id, ArtikelNummer="BUIS-CU22")

    line = caller.read_order(number)["OrderRegels"][0]
    assert (line["Prijs"], line["OmschrijvingKort"]) == (9.85, "Koperen buis 22 mm")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"RegelID": 1}, "ONBEKEND_REGEL"),
        ({"RegelID": None}, "VERPLICHT_VELD"),
        ({"RegelSoort": "ART"}, "ONBEKEND_VELD"),
        ({"AantalBesteld": 1.125}, "DECIMALEN"),
        ({"ArtikelNummer": "CV-OUD24"}, "GEBLOKKEERD_ARTIKEL"),
        ({"Prijs": -1}, "NEGATIEVE_PRIJS"),
    ],
)
def test_wrong_change_leaves_the_line_as_it_was(caller: KingCaller, fields: dict[str, object], code: str) -> None:
    number = caller.new_order()
    line_id = caller.new_line(number, **ARTICLE)
    before = caller.read_order(number)["OrderRegels"]

    refused = caller.refusal("Order_OrderRegel_Wijzigen", **{"OrderNummer": number, "RegelID": line_id, **fields})

    assert refused == code
    assert caller.read_order(number)["OrderRegels"] == before


def test_removed_line_is_gone_and_the_others_keep_their_numbers(caller: KingCaller) -> None:
    number = caller.new_order()
    first, second = caller.new_line(number, **ARTICLE), caller.new_line(number, **TEXT)

    caller.call("Order_OrderRegel_Verwijderen", OrderNummer=number, RegelID=first)
    third = caller.new_line(number, **RATE)

    lines = caller.read_order(number)["OrderRegels"]
    assert [(line["RegelID"], line["RegelNummer"]) for line in lines] == [(second, 2), (third, 3)]
    assert caller.refusal("Order_OrderRegel_Verwijderen", OrderNummer=number, RegelID=first) == "ONBEKEND_REGEL"


# --- locks ------------------------------------------------------------------------------------------------------------


def test_new_order_is_locked_for_its_caller_until_released(
    king: KingSandbox, caller: KingCaller, other: KingCaller
) -> None:
    number = caller.new_order()

    assert other.refusal("Order_OrderRegel_Toevoegen", OrderNummer=number, **TEXT) == "LOCK"
    assert other.refusal("Order_LockVrijgeven", OrderNummer=number) == "LOCK"
    caller.call("Order_LockVrijgeven", OrderNummer=number)

    assert other.new_line(number, **TEXT)
    assert caller.refusal("Order_Wijzigen", OrderNummer=number, Referentie="x") == "LOCK"
    assert [lock["LockEigenaar"] for lock in king.store.locks()] == ["webshop"]


@pytest.mark.parametrize("fields", [TEXT, {**ARTICLE, "ArtikelNummer": "NIETS"}])
def test_first_write_locks_an_order_even_when_it_is_refused(
    king: KingSandbox, caller: KingCaller, fields: dict[str, object]
) -> None:
    caller.call("Order_OrderRegel_Toevoegen", OrderNummer=FREE_ORDER, **fields)

    assert [lock["OrderNummer"] for lock in king.store.locks()] == [FREE_ORDER]


def test_order_opened_by_a_king_user_is_refused_but_can_be_read(caller: KingCaller) -> None:
    caller.control("POST", "lock", {"OrderNummer": FREE_ORDER, "user": "JANNIE"})

    assert caller.refusal("Order_Wijzigen", OrderNummer=FREE_ORDER, Referentie="x") == "LOCK"
    assert caller.read_order(FREE_ORDER)["OrderNummer"] == FREE_ORDER
    caller.control("POST", "unlock", {"OrderNummer": FREE_ORDER})
    assert caller.call("Order_Wijzigen", OrderNummer=FREE_ORDER, Referentie="x")["Status"] == 0


def test_king_user_cannot_open_an_order_that_a_webservice_left_locked(caller: KingCaller) -> None:
    number = caller.new_order()

    reply = caller.send("POST", "/_control/lock", {"OrderNummer": number})

    assert reply.status == 409


def test_access_codes_of_one_software_are_one_caller(king: KingSandbox, caller: KingCaller) -> None:
    king.access_codes = {"Order_OrderRegel_Toevoegen": "lines-only"}
    number = caller.new_order()

    with KingCaller(king, code="lines-only") as lines:
        assert lines.new_line(number, **TEXT)


def test_releasing_twice_does_no_harm(caller: KingCaller) -> None:
    number = caller.new_order()

    for _ in range(2):
        assert caller.call("Order_LockVrijgeven", OrderNummer=number)["Status"] == 0


# --- approve and release ----------------------------------------------------------------------------------------------


def test_order_without_pick_list_is_approved_and_released(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order(Verzamellijst="NIET")
    caller.new_line(number, **ARTICLE)

    caller.call("Order_Wijzigen", OrderNummer=number, Goedgekeurd=1, VrijVoorLevering=1)

    order = caller.read_order(number)
    assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)
    assert king.store.orders.notices == []


@pytest.mark.parametrize("header", [{}, {"Verzamellijst": "WEL"}])
def test_order_with_pick_list_refuses_release_but_not_approval(caller: KingCaller, header: dict[str, str]) -> None:
    number = caller.new_order(**header)

    assert caller.refusal("Order_Wijzigen", OrderNummer=number, Goedgekeurd=1, VrijVoorLevering=1) == "VERZAMELLIJST"
    assert caller.read_order(number)["Goedgekeurd"] == 0
    assert caller.call("Order_Wijzigen", OrderNummer=number, Goedgekeurd=1)["Status"] == 0


def test_release_needs_approval(caller: KingCaller) -> None:
    number = caller.new_order(Verzamellijst="NIET")

    assert caller.refusal("Order_Wijzigen", OrderNummer=number, VrijVoorLevering=1) == "NIET_GOEDGEKEURD"


@pytest.mark.parametrize("value", [True, "1", 2])
def test_flag_that_is_not_0_or_1_is_refused(caller: KingCaller, value: object) -> None:
    number = caller.new_order()

    assert caller.refusal("Order_Wijzigen", OrderNummer=number, Goedgekeurd=value) == "ONGELDIGE_WAARDE"


def test_approval_before_the_lines_is_allowed_but_noticed(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order()

    caller.call("Order_Wijzigen", OrderNummer=number, Goedgekeurd=1)
    caller.new_line(number, **TEXT)

    assert [notice.order for notice in king.store.orders.notices] == [number, number]
