"""The OutSmart sandbox: work orders (outsmart.md, chapter 6: rules 7-13 and 16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandboxes.outsmart.fields import ALL_FIELDS, REQUIRED
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests.sandboxes.callers import OutSmartCaller

READ = {"update_status": "false"}
FIRST = "2500001"
PLANNED = "2500014"
NEW = {**dict.fromkeys(REQUIRED, "x"), "WorkorderNo": "20251201", "CustomerDebtorNr": "10488"}
MATERIAL = {"MaterialCode": "A", "MaterialNr": "2,5", "MaterialPrice": "10,10", "MaterialName": "Artikel"}
PERIOD = {"WorkDate": "17-11-2025", "BeginTime": "08:00", "EndTime": "09:00", "TotalTime": "01:00"}


@pytest.fixture
def outsmart() -> Iterator[OutSmartSandbox]:
    with OutSmartSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def caller(outsmart: OutSmartSandbox) -> Iterator[OutSmartCaller]:
    with OutSmartCaller(outsmart) as one:
        yield one


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["id"] for row in answer["response"]]


def statuses(outsmart: OutSmartSandbox) -> list[object]:
    return [one["status"] for one in outsmart.store.all_work_orders()]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_work_orders_are_chosen_by_both_statuses(caller: OutSmartCaller) -> None:
    everything = caller.get("GetWorkorders", status="Alle", **READ)["response"]
    for_king = caller.get("GetWorkorders", status="Compleet", workstatus="1", **READ)["response"]
    interim = caller.get("GetWorkorders", status="Alle", workstatus="5", **READ)["response"]

    assert len(everything) == 25
    assert {(one["status"], one["WorkStatus"]) for one in for_king} == {("Compleet", "1")}
    assert {one["status"] for one in interim} == {"Compleet", "Opgehaald"}


@pytest.mark.parametrize("query", [{"status": "Onzin"}, {"status": "Compleet", "workstatus": "01"}])
def test_nothing_found_is_an_empty_list(caller: OutSmartCaller, query: dict[str, str]) -> None:
    assert caller.get("GetWorkorders", **query) == {"code": 200, "messages": [], "response": []}


def test_missing_status_is_1500_or_an_empty_list(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    assert caller.get("GetWorkorders")["code"] == 1500
    outsmart.behaviour.missing_status = "empty"
    assert caller.get("GetWorkorders")["response"] == []


@pytest.mark.parametrize(
    ("query", "is_processed"),
    [
        ({}, True),
        ({"update_status": "true"}, True),
        ({"update_status": "False"}, True),
        ({"update_status": "0"}, True),
        ({"update_status": ""}, True),
        ({"update_status": "false"}, False),
    ],
)
@pytest.mark.parametrize(
    "call", [("GetWorkorders", {"status": "Compleet", "workstatus": "1"}), ("GetWorkorder", {"row_id": FIRST})]
)
def test_reading_processes_unless_told_exactly_false(
    outsmart: OutSmartSandbox,
    caller: OutSmartCaller,
    call: tuple[str, dict[str, str]],
    query: dict[str, str],
    is_processed: bool,
) -> None:
    endpoint, selection = call

    response = caller.get(endpoint, **selection, **query)["response"]

    read = response[0] if isinstance(response, list) else response
    assert read["status"] == "Compleet"  # the body is built before the status changes
    assert outsmart.store.work_order(FIRST)["status"] == ("Afgehandeld" if is_processed else "Compleet")
    assert outsmart.store.work_order(PLANNED)["status"] == "Klaargezet"


def test_zero_can_be_switched_to_mean_false(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    outsmart.behaviour.zero_is_false = True

    caller.get("GetWorkorder", row_id=FIRST, update_status="0")

    assert outsmart.store.work_order(FIRST)["status"] == "Compleet"


def test_reading_everything_without_false_processes_everything(
    outsmart: OutSmartSandbox, caller: OutSmartCaller
) -> None:
    caller.get("GetWorkorders", status="Alle")

    assert set(statuses(outsmart)) == {"Afgehandeld"}


def test_work_order_is_found_by_row_or_by_number_the_newest_first(caller: OutSmartCaller) -> None:
    caller.post("PostWorkorders", [NEW, NEW])

    assert caller.get("GetWorkorder", workorder_no="20251201", **READ)["response"]["id"] == "2500027"
    assert caller.get("GetWorkorder", row_id=FIRST, **READ)["response"]["id"] == FIRST


@pytest.mark.parametrize("query", [{}, {"row_id": "1"}, {"workorder_no": "1"}, {"workorder_no": ""}])
def test_work_order_that_is_not_there_is_1500(caller: OutSmartCaller, query: dict[str, str]) -> None:
    for endpoint in ("GetWorkorder", "UpdateWorkorder"):
        assert caller.get(endpoint, **query, workstatus="1") == {"code": 1500, "messages": [], "response": None}


def test_work_orders_can_be_filtered(caller: OutSmartCaller) -> None:
    by_id = caller.get("GetWorkorders", status="Alle", key="Id", value=FIRST, operator="eq", **READ)
    unknown = caller.get("GetWorkorders", status="Alle", key="nothing", value="1", operator="eq", **READ)

    assert (ids(by_id), unknown["response"]) == ([FIRST], [])


def test_work_order_has_every_key_and_only_text_lists_and_free_fields(caller: OutSmartCaller) -> None:
    work_order = caller.work_order(FIRST)

    assert work_order.keys() == ALL_FIELDS
    assert {type(value) for value in work_order.values()} == {str, type(None), list, dict}


@pytest.mark.parametrize(
    ("switch", "comma", "point"), [("mixed", "2,5", "7.5"), ("comma", "2,5", "7,5"), ("point", "2.5", "7.5")]
)
def test_decimals_of_work_orders_are_written_as_switched(
    outsmart: OutSmartSandbox, caller: OutSmartCaller, switch: str, comma: str, point: str
) -> None:
    caller.control("POST", "switches", {"decimals": switch})

    assert caller.work_order(FIRST)["Materials"][1]["MaterialNr"] == comma
    assert caller.work_order("2500005")["Materials"][0]["MaterialNr"] == point
    assert outsmart.store.work_order("2500005")["MinimumHours"] == "0.00"


def test_optional_keys_can_be_absent(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    outsmart.behaviour.absent_keys = 0.5

    work_orders = caller.get("GetWorkorders", status="Alle", **READ)["response"]

    assert all("id" in one for one in work_orders)
    assert len({len(one) for one in work_orders}) > 1
    assert max(len(one) for one in work_orders) < len(ALL_FIELDS)


# --- UpdateWorkorder --------------------------------------------------------------------------------------------------


def test_work_status_is_changed_and_remembered(caller: OutSmartCaller) -> None:
    answer = caller.get("UpdateWorkorder", row_id=FIRST, workstatus="99")

    work_order = caller.work_order(FIRST)
    assert answer == {"code": 200, "messages": [], "response": None}
    assert work_order["WorkStatus"] == "99"
    assert work_order["StatusChanges"][-1]["status"] == "99"
    assert work_order["StatusChanges"][-1]["user"] == "OpenAPI"
    assert work_order["MutationDate"] > "2026"
    assert work_order["status"] == "Compleet"


def test_date_time_and_employee_are_changed_without_a_status_change(caller: OutSmartCaller) -> None:
    query = {"workdate": "26-11-2025", "worktime": "07:08", "employee_nr": "102"}

    assert caller.get("UpdateWorkorder", row_id=FIRST, **query)["code"] == 200

    work_order = caller.work_order(FIRST)
    assert (work_order["WorkDate"], work_order["WorkTime"], work_order["EmployeeNr"]) == ("26-11-2025", "07:08", "102")
    assert work_order["StatusChanges"] == []


@pytest.mark.parametrize(
    ("query", "code", "messages"),
    [
        ({}, 1502, []),
        ({"WorkStatus": "99"}, 1502, []),
        ({"workstatus": ""}, 1502, []),
        ({"workstatus": "1"}, 1503, []),
        (
            {"workdate": "2025-11-26", "worktime": "25:00", "employee_nr": "999"},
            1504,
            ["Date invalid. Format: 20-02-2016", "Time invalid. Format: 07:08", "Employee not updated"],
        ),
        ({"workdate": "31-02-2025", "workstatus": "99"}, 1504, ["Date invalid. Format: 20-02-2016"]),
    ],
)
def test_update_that_cannot_be_done_changes_nothing(
    caller: OutSmartCaller, query: dict[str, str], code: int, messages: list[str]
) -> None:
    before = caller.work_order(FIRST)

    answer = caller.get("UpdateWorkorder", row_id=FIRST, **query)

    assert answer == {"code": code, "messages": messages, "response": None}
    assert caller.work_order(FIRST) == before


def test_camel_case_fields_are_taken_only_when_switched_on(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    outsmart.behaviour.extended_update = True

    assert caller.get("UpdateWorkorder", row_id=FIRST, WorkorderNo="26000001", id="5")["code"] == 200

    assert caller.work_order(FIRST)["WorkorderNo"] == "26000001"


def test_materials_are_added_or_replaced_with_their_totals(caller: OutSmartCaller) -> None:
    caller.post("UpdateWorkorder", [MATERIAL], row_id=FIRST)
    added = caller.work_order(FIRST)["Materials"]
    caller.post("UpdateWorkorder", [MATERIAL], row_id=FIRST, ClearMaterials="true", ProcessMaterials="true")
    replaced = caller.work_order(FIRST)["Materials"]

    assert (len(added), len(replaced)) == (3, 1)
    assert replaced[0]["MaterialTotalPrice"] == "25,25"
    assert replaced[0]["MaterialWarehouseCode"] == ""


def test_material_row_without_its_fields_is_1501(caller: OutSmartCaller) -> None:
    answer = caller.post("UpdateWorkorder", [{"MaterialCode": "A"}], row_id=FIRST)

    assert answer["code"] == 1501
    assert len(answer["messages"]) == 3
    assert caller.post("UpdateWorkorder", [MATERIAL], row_id="1")["code"] == 1500


# --- PostWorkorders ---------------------------------------------------------------------------------------------------


def test_posted_work_order_gets_what_outsmart_gives(caller: OutSmartCaller) -> None:
    row = {**NEW, "Materials": [MATERIAL], "Workperiods": [PERIOD], "Onbekend": "x", "status": "Compleet", "id": "5"}

    answer = caller.post("PostWorkorders", [row])

    assert answer["response"] == [{"workorder_no": "20251201", "row_id": 2500026}]
    work_order = caller.work_order("2500026")
    assert work_order.keys() == ALL_FIELDS
    assert (work_order["status"], work_order["Archived"]) == ("Klaargezet", "0")
    assert work_order["OrderNr"].endswith(".00026")
    assert len(work_order["WorksheetCode"]) == 32
    assert work_order["Materials"][0]["MaterialTotalPrice"] == "25,25"
    assert work_order["Workperiods"][0]["Id"]


def test_given_order_number_is_kept_and_the_end_is_filled_from_the_duration(caller: OutSmartCaller) -> None:
    planned = {"WorkDate": "17-11-2025", "WorkTime": "23:30", "WorkDuration": 45, "OrderNr": "X-1"}
    caller.post("PostWorkorders", [{**NEW, **planned}])

    work_order = caller.work_order("2500026")

    assert (work_order["OrderNr"], work_order["WorkDuration"]) == ("X-1", "45")
    assert (work_order["WorkEndDate"], work_order["WorkEndTime"]) == ("18-11-2025", "00:15")


def test_every_missing_field_has_a_message_and_nothing_is_stored(
    outsmart: OutSmartSandbox, caller: OutSmartCaller
) -> None:
    bad: dict[str, object] = {
        **NEW,
        "WorkorderNo": "",
        "PaymentMethod": None,
        "Materials": [{}],
        "Workperiods": [{**PERIOD, "TotalTime": ""}],
    }

    answer = caller.post("PostWorkorders", [NEW, bad])

    missing = [
        "WorkorderNo",
        "PaymentMethod",
        "MaterialCode",
        "MaterialNr",
        "MaterialPrice",
        "MaterialName",
        "TotalTime",
    ]
    assert answer == {"code": 1501, "messages": [f"Required field missing: {one}" for one in missing], "response": None}
    assert len(outsmart.store.all_work_orders()) == 25


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"WorkDate": "2025-11-17"}, 1504, "Date invalid. Format: 20-02-2016"),
        ({"WorkEndTime": "9u30"}, 1504, "Time invalid. Format: 07:08"),
        ({"CustomerName": "x" * 256}, 1007, "Value too long: CustomerName"),
    ],
)
def test_posted_value_that_cannot_be_read_is_refused(
    caller: OutSmartCaller, fields: dict[str, str], code: int, message: str
) -> None:
    assert caller.post("PostWorkorders", [{**NEW, **fields}])["messages"] == [message]
    assert caller.post("PostWorkorders", [{**NEW, **fields}])["code"] == code


def test_repeated_post_makes_a_duplicate(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    for _ in range(2):
        caller.post("PostWorkorders", [NEW])

    assert outsmart.store.duplicates() == {"work_orders": {"20251201": 2}}


@pytest.mark.parametrize(("is_reported", "answered"), [(True, [2500026]), (False, [])])
def test_duplicate_is_skipped_when_asked(
    outsmart: OutSmartSandbox, caller: OutSmartCaller, is_reported: bool, answered: list[int]
) -> None:
    outsmart.behaviour.duplicates_return_row_id = is_reported
    caller.post("PostWorkorders", [NEW])

    answer = caller.post("PostWorkorders", [NEW], skip_duplicate_workorder_no="true")

    assert [row["row_id"] for row in answer["response"]] == answered
    assert len(outsmart.store.all_work_orders()) == 26


# --- the back office --------------------------------------------------------------------------------------------------


def test_back_office_completes_edits_and_archives(outsmart: OutSmartSandbox, caller: OutSmartCaller) -> None:
    outsmart.store.complete(PLANNED)
    caller.control("POST", f"work-orders/{PLANNED}", {"Materials": [MATERIAL], "Comment": "Nagekeken"})
    outsmart.store.archive(PLANNED)

    work_order = caller.work_order(PLANNED)
    assert (work_order["status"], work_order["WorkStatus"], work_order["Archived"]) == ("Compleet", "1", "1")
    assert (work_order["Comment"], work_order["Materials"]) == ("Nagekeken", [MATERIAL])
    assert [one["user"] for one in work_order["StatusChanges"]] == ["backoffice"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("work-orders/1", {"Comment": "x"}, 404),
        (f"work-orders/{FIRST}", {"Commment": "x"}, 400),
        (f"work-orders/{FIRST}", {"id": "5"}, 400),
        ("work-orders", "text", 400),
        ("work-orders", [{"id": "abc"}], 400),
    ],
)
def test_edit_that_makes_no_sense_is_refused(caller: OutSmartCaller, path: str, body: object, status: int) -> None:
    assert caller.send("POST", f"/_control/{path}", body).status == status


@pytest.mark.parametrize("shape", ["answer", "list", "object"])
def test_work_orders_are_loaded_as_they_are(caller: OutSmartCaller, shape: str) -> None:
    raw = {
        "id": "77",
        "status": "Compleet",
        "WorkStatus": "1",
        "WorkorderNo": "",
        "Vreemd": 5,
        "Materials": [{"MaterialNr": 1.5}],
    }
    body: dict[str, object] = {
        "answer": {"code": 200, "messages": [], "response": [raw]},
        "list": [raw],
        "object": raw,
    }

    assert caller.control("POST", "work-orders", body[shape]) == {"ids": ["77"]}

    assert caller.work_order("77") == raw
    assert caller.control("GET", "work-orders/77") == raw


def test_loading_again_replaces_and_deleting_removes(caller: OutSmartCaller) -> None:
    for name in ("a", "b"):
        caller.control("POST", "work-orders", [{"id": "77", "Comment": name}])

    assert caller.work_order("77")["Comment"] == "b"
    caller.control("DELETE", "work-orders/77")
    assert caller.get("GetWorkorder", row_id="77", **READ)["code"] == 1500
