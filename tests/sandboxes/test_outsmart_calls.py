"""The OutSmart sandbox: transport, master data, deleting (outsmart.md, chapter 6: rules 1-6, 12, 14, 15, 17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests.sandboxes.callers import OutSmartCaller

PAIR = "token=sandbox-token&software_token=sandbox-software-token"
RELATION = {"name": "Bakkerij Jongsma", "debtor_number": "10311", "street": "A", "postal_code": "8701 AB", "city": "B"}
MATERIAL = {"code": "REL-1", "description": "Relais", "price": "46.20", "unit": "ST"}
HOUR_TYPE = {"code": "MONT", "name": "Monteur", "cost_booking": "0", "sale_booking": "1", "sale_price": "58.00"}
ADDRESS = {"adr_debtor_nr": "1", "adr_code": "1-1", "adr_line_1": "A 1", "adr_zip": "1", "adr_city": "Ede"}
PROJECT = {"code": "P1", "debtor_number": "1", "status": "Nieuw", "name": "Project", "date_start": "2025-11-01"}


@pytest.fixture
def outsmart() -> Iterator[OutSmartSandbox]:
    with OutSmartSandbox(work_orders=3) as sandbox:
        yield sandbox


@pytest.fixture
def caller(outsmart: OutSmartSandbox) -> Iterator[OutSmartCaller]:
    with OutSmartCaller(outsmart) as one:
        yield one


def error(code: int, *messages: str) -> dict[str, Any]:
    return {"code": code, "messages": list(messages), "response": None}


# --- transport --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/openapi/8", 1000),
        ("/openapi/8/?token=x", 1000),
        ("/openapi/8/Relations/", 1001),
        ("/openapi/8/nothing", 1001),
        ("/openapi/8/relations/", 1002),
        ("/openapi/8/relations/?software_token=x", 1002),
        ("/openapi/8/relations/?token=x", 1003),
        ("/openapi/8/relations/?token=x&software_token=x", 1004),
        ("/openapi/8/relations/?token=sandbox-token&software_token=x", 1005),
        (f"/openapi/8/relations/?{PAIR}", 200),
        (f"/openapi/8/relations?{PAIR}", 200),
    ],
)
def test_first_thing_that_is_wrong_decides_the_code_and_http_is_200(
    caller: OutSmartCaller, path: str, code: int
) -> None:
    reply = caller.send("GET", path)

    assert (reply.status, reply.json()["code"]) == (200, code)


@pytest.mark.parametrize(
    ("method", "endpoint"),
    [("POST", "GetWorkorders"), ("GET", "PostWorkorders"), ("POST", "warehouse-material"), ("POST", "address")],
)
def test_endpoint_by_the_wrong_method_is_unknown(caller: OutSmartCaller, method: str, endpoint: str) -> None:
    assert caller.send(method, f"/openapi/8/{endpoint}?{PAIR}", []).json()["code"] == 1001


def test_path_outside_the_api_is_a_web_page(caller: OutSmartCaller) -> None:
    reply = caller.send("GET", "/openapi/7/relations")

    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_https_is_demanded_when_switched_on(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    outsmart.behaviour.require_https = True

    assert caller.get("relations")["code"] == 1006
    assert caller.send("GET", "/openapi/8", None, {"X-Forwarded-Proto": "https"}).json()["code"] == 1000


def test_bearer_is_ignored_unless_demanded(caller: OutSmartCaller) -> None:
    path = f"/openapi/8/relations?{PAIR}"

    assert caller.send("GET", path, None, {"Authorization": "Bearer x"}).json()["code"] == 200
    told = caller.control("POST", "switches", {"bearer_token": "secret"})
    assert told["bearer_token"] == "***"
    assert caller.send("GET", path, None, {"Authorization": "Bearer x"}).json()["code"] == 1004
    assert caller.send("GET", path, None, {"Authorization": "Bearer secret"}).json()["code"] == 200


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"", error(1008, "Unable to fetch body")),
        (b"{", error(1009, "Unable to parse body")),
        (b'"text"', error(1009, "Unable to parse body")),
        (b"[1]", error(1009, "Unable to parse body")),
    ],
)
@pytest.mark.parametrize("endpoint", ["relations", "PostWorkorders"])
def test_body_that_cannot_be_read_is_refused(
    caller: OutSmartCaller, endpoint: str, body: bytes, answer: dict[str, Any]
) -> None:
    assert caller.post(endpoint, body) == answer


def test_answers_are_written_as_php_writes_them(caller: OutSmartCaller) -> None:
    caller.post("relations", [{**RELATION, "name": "Café 1/2"}])

    assert rb"Caf\u00e9 1\/2" in caller.send("GET", f"/openapi/8/relations?{PAIR}").body


# --- master data ------------------------------------------------------------------------------------------------------


def test_single_object_counts_as_a_list_of_one(caller: OutSmartCaller) -> None:
    assert caller.post("relations", RELATION) == {"code": 200, "messages": [], "response": 1}


def test_post_inserts_then_updates_by_key_and_answers_the_number_of_rows(caller: OutSmartCaller) -> None:
    first = caller.post("relations", [RELATION, {**RELATION, "debtor_number": "10312"}])
    before = caller.get("relations")["response"]
    second = caller.post("relations", [{**RELATION, "name": "Nieuw"}])

    after = caller.get("relations")["response"]
    assert (first["response"], second["response"]) == (2, 1)
    assert [row["name"] for row in after] == ["Nieuw", "Bakkerij Jongsma"]
    assert [row["id"] for row in after] == [row["id"] for row in before]


def test_everything_comes_out_as_text(caller: OutSmartCaller) -> None:
    caller.post("hourtypes", [{**HOUR_TYPE, "sale_price": 58.5, "active": 1, "cost_booking": False}])

    (row,) = caller.get("hourtypes")["response"]

    assert (row["sale_price"], row["active"], row["cost_booking"], row["cost_price"]) == ("58.5", "1", "0", "")


def test_optional_field_that_is_left_out_is_empty_after_an_update(caller: OutSmartCaller) -> None:
    caller.post("relations", [{**RELATION, "email": "a@b.example", "val_value_7": "x"}])
    caller.post("relations", [RELATION])

    (row,) = caller.get("relations")["response"]
    assert row["email"] == ""
    assert "val_value_7" not in row


@pytest.mark.parametrize(
    ("endpoint", "row", "code", "message"),
    [
        ("relations", {**RELATION, "street": ""}, 1301, "Required field missing: street"),
        ("relations", {}, 1301, "Required field missing: name"),
        ("relations", {**RELATION, "active": "yes"}, 1301, "Invalid value: active"),
        ("relations", {**RELATION, "name": "x" * 256}, 1300, "Value too long: name"),
        ("materials", {**MATERIAL, "unit": None}, 1201, "Required field missing: unit"),
        ("materials", {**MATERIAL, "price": "1.234,50"}, 1201, "Invalid value: price"),
        ("materials", {**MATERIAL, "eancode": "8" * 56}, 1200, "Value too long: eancode"),
        ("hourtypes", {**HOUR_TYPE, "code": ""}, 1801, "Required field missing: code"),
        ("hourtypes", {**HOUR_TYPE, "active": "2"}, 1801, "Invalid value: active"),
        ("hourtypes", {**HOUR_TYPE, "sale_price": "free"}, 1801, "Invalid value: sale_price"),
        ("projects", {**PROJECT, "status": ""}, 1701, "Required field missing: status"),
        ("projects", {**PROJECT, "date_start": "01-11-2025"}, 1701, "Invalid value: date_start"),
        ("workstatusses", {"sta_code": "7"}, 2801, "Required field missing: sta_name"),
        ("addresses", {**ADDRESS, "adr_zip": ""}, 1051, "Required field missing: adr_zip"),
        ("contactpersons", {"cpn_code": "1"}, 1051, "Required field missing: cpn_debtor_nr"),
        ("warehouses", {"wse_code": "1"}, 1051, "Required field missing: wse_description"),
        ("employees", {"lastname": "x"}, 1101, "Required field missing: firstname"),
        ("categories", {"cat_name": "x"}, 2401, "Required field missing: cat_code"),
        ("material_categories", {}, 2501, "Required field missing: mct_mat_code"),
        ("priorities", {"code": "1"}, 1051, "Required field missing: description"),
    ],
)
def test_bad_row_is_refused_with_the_first_fault_and_nothing_is_stored(
    outsmart: OutSmartSandbox, caller: OutSmartCaller, endpoint: str, row: object, code: int, message: str
) -> None:
    good = {"relations": RELATION, "materials": MATERIAL, "hourtypes": HOUR_TYPE}.get(endpoint)
    before = outsmart.store.rows(endpoint)

    answer = caller.post(endpoint, [good, row] if good else [row])

    assert answer == error(code, message)
    assert outsmart.store.rows(endpoint) == before


def test_codes_of_addresses_are_one_key_over_all_customers(caller: OutSmartCaller) -> None:
    caller.post("addresses", [ADDRESS])
    caller.post("addresses", [{**ADDRESS, "adr_debtor_nr": "2"}])

    assert [row["adr_debtor_nr"] for row in caller.get("addresses")["response"]] == ["2"]


def test_price_list_posted_twice_is_doubled(caller: OutSmartCaller) -> None:
    price = {"material": "A", "hourtype": "", "date_start": "2025-01-01", "date_end": None, "price": "75.00"}

    for _ in range(2):
        caller.post("prices", [price])

    assert len(caller.get("prices")["response"]) == 2


def test_materials_tell_four_fields_only(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    caller.post("materials", [{**MATERIAL, "eancode": "871"}])

    assert caller.get("materials")["response"][0].keys() == MATERIAL.keys()
    assert outsmart.store.rows("materials")[0]["eancode"] == "871"


@pytest.mark.parametrize(
    ("switch", "material", "hour_type"),
    [("mixed", "46,20", "58.00"), ("comma", "46,20", "58,00"), ("point", "46.20", "58.00")],
)
def test_decimals_are_written_as_switched(caller: OutSmartCaller, switch: str, material: str, hour_type: str) -> None:
    caller.control("POST", "switches", {"decimals": switch})
    caller.post("materials", [MATERIAL])
    caller.post("hourtypes", [HOUR_TYPE])

    assert caller.get("materials")["response"][0]["price"] == material
    assert caller.get("hourtypes")["response"][0]["sale_price"] == hour_type


def test_master_data_is_empty_at_first_but_for_employees_and_work_statuses(caller: OutSmartCaller) -> None:
    statuses = caller.get("workstatusses")["response"]

    assert [(row["sta_code"], row["sta_name"]) for row in statuses] == [
        ("1", "Naar King"),
        ("2", "Ingepland"),
        ("5", "Tussentijds"),
        ("10", "Geëxporteerd"),
        ("99", "Fout"),
    ]
    assert len(caller.get("employees")["response"]) == 5
    for endpoint in ("relations", "materials", "hourtypes", "warehouses", "addresses", "contactpersons", "projects"):
        assert caller.get(endpoint)["response"] == []


def test_empty_sandbox_has_nothing_but_work_statuses() -> None:
    with OutSmartSandbox(empty=True) as outsmart:
        assert outsmart.store.counts() == {"workstatusses": 5, "work_orders": 0}


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "operator", "value", "names"),
    [
        ("debtor_number", "eq", "2", ["B"]),
        ("debtor_number", "ne", "2", ["A", "C"]),
        ("debtor_number", "gt", "2", ["C"]),
        ("debtor_number", "ge", "2", ["B", "C"]),
        ("debtor_number", "lt", "10", ["A", "B"]),
        ("debtor_number", "le", "1", ["A"]),
        ("city", "li", "ede", ["A", "B"]),
        ("zip", "eq", "6712", ["C"]),
        ("name", "gt", "A", ["B", "C"]),
        ("unknown", "eq", "2", []),
        ("city", "between", "2", []),
    ],
)
def test_relations_can_be_filtered(
    caller: OutSmartCaller, key: str, operator: str, value: str, names: list[str]
) -> None:
    for name, number, city, code in (("A", "1", "Ede", "1"), ("B", "2", "Eden", "2"), ("C", "10", "X", "6712")):
        caller.post("relations", {**RELATION, "name": name, "debtor_number": number, "city": city, "postal_code": code})

    rows = caller.get("relations", key=key, operator=operator, value=value)["response"]

    assert [row["name"] for row in rows] == names


def test_filters_are_combined_with_and_in_both_spellings(caller: OutSmartCaller) -> None:
    for number in ("1", "2", "3"):
        caller.post("relations", {**RELATION, "debtor_number": number})

    for spelling in ("[]", "[{}]"):
        parts = []
        for position, (operator, value) in enumerate((("ge", "2"), ("lt", "3"))):
            end = spelling.format(position)
            parts += [(f"key{end}", "debtor_number"), (f"value{end}", value), (f"operator{end}", operator)]
        rows = caller.get("relations", *parts)["response"]
        assert [row["debtor_number"] for row in rows] == ["2"]


def test_singular_twin_filters_the_same_rows(caller: OutSmartCaller) -> None:
    caller.post("addresses", [ADDRESS, {**ADDRESS, "adr_code": "1-2"}])

    assert [row["adr_code"] for row in caller.get("address", key="adr_code", value="1-2")["response"]] == ["1-2"]
    assert len(caller.get("addresses", key="adr_code", value="1-2")["response"]) == 2


# --- DeleteEntity -----------------------------------------------------------------------------------------------------


def test_entity_is_deleted_by_its_keys(caller: OutSmartCaller) -> None:
    caller.post("materials", [MATERIAL, {**MATERIAL, "code": "REL-2"}])

    answer = caller.get("DeleteEntity", delete_all="false", entity="material", key="code", value="REL-1")

    assert answer == {"code": 200, "messages": [], "response": 1}
    assert [row["code"] for row in caller.get("materials")["response"]] == ["REL-2"]
    assert caller.get("DeleteEntity", entity="material", key="code", value="REL-1")["response"] == 0


def test_link_row_is_deleted_by_both_its_keys(caller: OutSmartCaller) -> None:
    links = [{"mct_mat_code": "A", "mct_cat_code": "1"}, {"mct_mat_code": "A", "mct_cat_code": "2"}]
    caller.post("material_categories", links)

    wanted = [("key[]", "mct_mat_code"), ("value[]", "A"), ("key[]", "mct_cat_code"), ("value[]", "2")]
    caller.get("DeleteEntity", *wanted, entity="material_category")

    assert [row["mct_cat_code"] for row in caller.get("material_categories")["response"]] == ["1"]


def test_work_order_is_deleted_by_its_row(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    assert caller.get("DeleteEntity", entity="workorder", key="db_row", value="2500001")["response"] == 1
    assert len(outsmart.store.all_work_orders()) == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"entity": "materials", "key": "code", "value": "A"}, "Entity: materials not found"),
        ({"entity": "material", "key": "codes", "value": "A"}, "Key: codes not allowed for entity: material"),
        ({"entity": "material", "key": "code", "value": ""}, "Key: code not allowed for entity: material"),
        ({"entity": "material"}, "Key:  not allowed for entity: material"),
        ({"entity": "workorder", "delete_all": "true"}, "Delete all not allowed on Workorder entity"),
        ({"entity": "material", "delete_all": "true"}, "Delete all not allowed on Material entity"),
    ],
)
def test_delete_that_is_not_allowed_is_1600(caller: OutSmartCaller, query: dict[str, str], message: str) -> None:
    assert caller.get("DeleteEntity", **query) == error(1600, message)


def test_delete_all_must_be_switched_on_and_never_takes_work_orders(
    outsmart: OutSmartSandbox, caller: OutSmartCaller
) -> None:
    outsmart.behaviour.allow_delete_all = True
    caller.post("materials", [MATERIAL])

    assert caller.get("DeleteEntity", entity="material", delete_all="true")["response"] == 1
    assert caller.get("DeleteEntity", entity="workorder", delete_all="true")["code"] == 1600


# --- free field values and notes --------------------------------------------------------------------------------------


def test_free_field_value_is_written_back_to_the_work_order(caller: OutSmartCaller) -> None:
    selector = {"val_entity": "WORKORDER", "val_column": "id", "val_primary": "2500001"}

    assert caller.post("values", None, **selector, val_value_3="26000001")["response"] == 1

    assert caller.work_order("2500001")["FreeFields"]["val_value_3"] == "26000001"
    assert caller.get("values", **selector)["response"] == [{**selector, "val_value_3": "26000001"}]


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        ({"val_entity": "WORKORDER", "val_column": "id", "val_primary": "1"}, 1500),
        ({"val_entity": "WORKORDER", "val_column": "id"}, 1051),
    ],
)
def test_value_of_nothing_is_refused(caller: OutSmartCaller, selector: dict[str, str], code: int) -> None:
    assert caller.post("values", None, **selector, val_value_1="x")["code"] == code


def test_values_of_other_records_are_kept(caller: OutSmartCaller) -> None:
    selector = {"val_entity": "CLIENT", "val_column": "debiteur_number", "val_primary": "24"}
    caller.post("values", None, **selector, val_value_1="a")
    caller.post("values", None, **selector, val_value_2="b")

    assert caller.get("values", **selector)["response"] == [{**selector, "val_value_1": "a", "val_value_2": "b"}]


def test_notes_are_kept_and_filtered(caller: OutSmartCaller) -> None:
    note = {"nte_entity": "worksheets", "nte_column": "OrderNr", "nte_primary": "1", "nte_content": "<b>x</b>"}
    caller.post("generic_notes", [note, {**note, "nte_primary": "2"}])

    assert len(caller.get("generic_notes", key="nte_primary", value="2", operator="eq")["response"]) == 1
