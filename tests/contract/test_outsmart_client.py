"""OutSmart's calls: what is sent, and what becomes of each answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
import responses
from responses import matchers

from integrations import errors
from integrations.outsmart import records
from integrations.outsmart.client import Client
from tests.contract.conftest import BEARER_TOKEN, OUTSMART_URL, SOFTWARE_TOKEN, TOKEN

Action = Callable[[Client], object]

MATERIAL = records.NewMaterial(code="EXP-035", name="Expansievat", quantity="1.5", price="84.60", warehouse="MAG01")
WORK_ORDER = records.NewWorkOrder(
    king_order_number="20251201",
    customer_name="Van der Meulen",
    customer_debtor_number="10488",
    customer_street="Havenkade",
    customer_postal_code="3011AB",
    customer_city="Rotterdam",
    contact_person="Huismeester",
    invoice_customer_name="Van der Meulen",
    invoice_debtor_number="10488",
    invoice_street="Postbus 2210",
    invoice_postal_code="3000 CE",
    invoice_city="Rotterdam",
    invoice_contact_person="Administratie",
    type_of_work="Levering",
    payment_method="conform offerte",
    work_deadline="17-11-2025",
    materials=(MATERIAL,),
)
WORK_ORDER_ON_THE_WIRE = {
    "WorkorderNo": "20251201",
    "CustomerName": "Van der Meulen",
    "CustomerDebtorNr": "10488",
    "CustomerStreet": "Havenkade",
    "CustomerZIP": "3011AB",
    "CustomerCity": "Rotterdam",
    "CustomerContactPerson": "Huismeester",
    "CustomerNameInvoice": "Van der Meulen",
    "CustomerDebtorNrInvoice": "10488",
    "CustomerStreetInvoice": "Postbus 2210",
    "CustomerZIPInvoice": "3000 CE",
    "CustomerCityInvoice": "Rotterdam",
    "CustomerContactPersonInvoice": "Administratie",
    "TypeOfWork": "Levering",
    "PaymentMethod": "conform offerte",
    "WorkDeadline": "17-11-2025",
    "Materials": [
        {
            "MaterialCode": "EXP-035",
            "MaterialName": "Expansievat",
            "MaterialNr": "1.5",
            "MaterialPrice": "84.60",
            "MaterialWarehouseCode": "MAG01",
        }
    ],
}
RELATION = records.Relation(
    name="Jongsma", debtor_number="10311", street="Markt", postal_code="8701 AB", city="Bolsward"
)
PRODUCT = records.Product(code="REL", description="Relais", price="46.20", unit="ST")


def envelope(response: object = None, *, code: int = 200, messages: tuple[str, ...] = ()) -> dict[str, object]:
    return {"code": code, "messages": list(messages), "response": response}


def prepare(
    web: responses.RequestsMock,
    method: str,
    endpoint: str,
    answer: object,
    *,
    query: dict[str, str] | None = None,
    body: object = None,
) -> None:
    """Expect exactly this call, with both tokens and the bearer, and answer it."""
    matching: list[Callable[..., tuple[bool, str]]] = [
        matchers.query_param_matcher({"token": TOKEN, "software_token": SOFTWARE_TOKEN, **(query or {})}),
        matchers.header_matcher({"Authorization": f"Bearer {BEARER_TOKEN}", "Accept": "application/json"}),
    ]
    if body is not None:
        matching += [
            matchers.json_params_matcher(body),  # type: ignore[arg-type]
            matchers.header_matcher({"Content-Type": "application/json"}),
        ]
    web.add(method, f"{OUTSMART_URL}/{endpoint}/", json=answer, match=matching)


def test_connection_is_tested_without_side_effects(outsmart_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "GET", "hourtypes", envelope([]))

    outsmart_client.test_connection()

    assert len(web.calls) == 1


def test_list_of_work_orders_leaves_them_as_they_are(outsmart_client: Client, web: responses.RequestsMock) -> None:
    query = {"status": "Compleet", "workstatus": "1", "update_status": "false"}
    prepare(web, "GET", "GetWorkorders", envelope([{"id": "1"}, {"id": "2"}]), query=query)

    found = list(outsmart_client.iter_work_orders(status="Compleet", work_status="1"))

    assert found == [b'{"id": "1"}', b'{"id": "2"}']


def test_list_without_a_work_status_does_not_name_one(outsmart_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "GET", "GetWorkorders", envelope([]), query={"status": "Alle", "update_status": "false"})

    assert list(outsmart_client.iter_work_orders(status="Alle")) == []


@pytest.mark.parametrize("answer", [envelope([]), envelope(None), envelope("", code=1500), {"code": "200"}])
def test_none_found_is_an_empty_list(outsmart_client: Client, web: responses.RequestsMock, answer: object) -> None:
    query = {"status": "Compleet", "workstatus": "1", "update_status": "false"}
    prepare(web, "GET", "GetWorkorders", answer, query=query)

    assert list(outsmart_client.iter_work_orders(status="Compleet", work_status="1")) == []


def test_one_work_order_is_read_and_left_as_it_is(outsmart_client: Client, web: responses.RequestsMock) -> None:
    query = {"row_id": "2417731", "update_status": "false"}
    prepare(web, "GET", "GetWorkorder", envelope({"id": "2417731"}), query=query)

    assert outsmart_client.get_work_order(outsmart_id="2417731") == b'{"id": "2417731"}'


@pytest.mark.parametrize("answer", [envelope(code=1500), envelope(None), envelope([])])
def test_unknown_work_order_is_not_found(outsmart_client: Client, web: responses.RequestsMock, answer: object) -> None:
    prepare(web, "GET", "GetWorkorder", answer, query={"row_id": "7", "update_status": "false"})

    with pytest.raises(errors.NotFoundError):
        outsmart_client.get_work_order(outsmart_id="7")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (envelope({"id": "7"}), b'{"id": "7"}'),
        (envelope(code=1500), None),
        (envelope(None), None),
        (envelope([]), None),
    ],
)
def test_a_work_order_is_found_by_its_king_number_without_being_moved(
    outsmart_client: Client, web: responses.RequestsMock, answer: object, found: bytes | None
) -> None:
    prepare(web, "GET", "GetWorkorder", answer, query={"workorder_no": "500", "update_status": "false"})

    assert outsmart_client.find_work_order(king_order_number="500") == found


def test_acknowledging_is_the_one_call_that_moves_a_work_order(
    outsmart_client: Client, web: responses.RequestsMock
) -> None:
    prepare(web, "GET", "GetWorkorder", envelope({"id": "7"}), query={"row_id": "7", "update_status": "true"})

    assert outsmart_client.acknowledge_work_order(outsmart_id="7") == b'{"id": "7"}'


@pytest.mark.parametrize("answer", [envelope(None), envelope(None, code=1503)])
def test_work_status_is_set_also_when_it_was_so_already(
    outsmart_client: Client, web: responses.RequestsMock, answer: object
) -> None:
    prepare(web, "GET", "UpdateWorkorder", answer, query={"row_id": "7", "workstatus": "99"})

    outsmart_client.set_work_status(outsmart_id="7", work_status="99")

    assert len(web.calls) == 1


def test_work_orders_are_posted_without_duplicates(outsmart_client: Client, web: responses.RequestsMock) -> None:
    answer = envelope([{"workorder_no": "20251201", "row_id": 169824}])
    query = {"skip_duplicate_workorder_no": "true"}
    prepare(web, "POST", "PostWorkorders", answer, query=query, body=[WORK_ORDER_ON_THE_WIRE])

    assert outsmart_client.post_work_orders([WORK_ORDER]) == {"20251201": "169824"}


@pytest.mark.parametrize("answer", [[{"workorder_no": "1"}], 3, ["x"], {"row_id": 1}])
def test_posted_work_orders_without_row_ids_have_an_unknown_outcome(
    outsmart_client: Client, web: responses.RequestsMock, answer: object
) -> None:
    web.add("POST", f"{OUTSMART_URL}/PostWorkorders/", json=envelope(answer))

    with pytest.raises(errors.OutcomeUnknownError):
        outsmart_client.post_work_orders([WORK_ORDER])


POSTS = [
    ("relations", RELATION, lambda client, rows: client.post_relations(rows)),
    (
        "contactpersons",
        records.ContactPerson(cpn_debtor_nr="1", cpn_code="1-1", cpn_name="F. Wiersma"),
        lambda client, rows: client.post_contact_persons(rows),
    ),
    (
        "addresses",
        records.Address(adr_debtor_nr="1", adr_code="1-2", adr_line_1="Laan 1", adr_zip="6712 KL", adr_city="Ede"),
        lambda client, rows: client.post_addresses(rows),
    ),
    ("materials", PRODUCT, lambda client, rows: client.post_products(rows)),
    (
        "hourtypes",
        records.HourType(code="MONT", name="Monteur", sale_price="58.00"),
        lambda client, rows: client.post_hour_types(rows),
    ),
    (
        "warehouses",
        records.Warehouse(wse_code="1", wse_description="Ede"),
        lambda client, rows: client.post_warehouses(rows),
    ),
]


@pytest.mark.parametrize(("endpoint", "row", "post"), POSTS)
def test_master_data_is_posted_as_a_list_of_whole_rows(
    outsmart_client: Client,
    web: responses.RequestsMock,
    endpoint: str,
    row: msgspec.Struct,
    post: Callable[[Client, list[msgspec.Struct]], int],
) -> None:
    prepare(web, "POST", endpoint, envelope(1), body=[msgspec.to_builtins(row)])

    assert post(outsmart_client, [row]) == 1
    assert post(outsmart_client, []) == 0  # without a call


def test_work_statuses_are_read(outsmart_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "GET", "workstatusses", envelope([{"sta_code": "1", "sta_name": "Naar King"}]))

    assert outsmart_client.list_work_statuses() == (records.WorkStatus(code="1", name="Naar King"),)


def test_relations_are_read_as_raw_records(outsmart_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "GET", "relations", envelope([{"code": "A"}, 3]))

    assert tuple(outsmart_client.iter_relations()) == (b'{"code": "A"}', b"3")
