"""OutSmart's records: everything that its answers are known to contain, and some things that they are not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from integrations import errors
from integrations.outsmart import payloads, records

SAMPLES = Path(__file__).parent / "samples"
REAL_ANSWER = Path(__file__).parent.parent / "samples" / "outsmart-getworkorders.json"


def real_work_orders() -> list[records.WorkOrder]:
    rows = msgspec.json.decode(REAL_ANSWER.read_bytes(), type=dict[str, msgspec.Raw])["response"]
    return [payloads.work_order(bytes(row)) for row in msgspec.json.decode(rows, type=list[msgspec.Raw])]


def test_real_work_order_is_read_field_by_field() -> None:
    order = real_work_orders()[0]

    expected = records.WorkOrder(
        outsmart_id="2417731",
        king_order_number="20251184",
        order_number="2025.00412",
        status="Compleet",
        work_status="1",
        is_archived=False,
        reference="Onderhoud ketelhuis",
        external_reference="PO-7741-GB",
        work_date="10-11-2025",
        work_end_date="11-11-2025",
        customer_name="Zorgcentrum De Linde",
        customer_debtor_number="10023",
        customer_street="Lindelaan",
        customer_house_number="14-16",
        customer_postal_code="6712 KL",
        customer_city="Ede",
        contact_person="Mw. F. Wiersma",
        invoice_customer_name="Stichting Zorggroep Veluwezoom",
        invoice_debtor_number="10020",
        project_number="P25-018",
        external_project_number="20251184",
        type_of_work="Onderhoud",
        short_work_description="Onderhoud cv-ketels",
        work_description="Jaarlijks onderhoud twee cv-ketels.\nExpansievat vervangen en installatie ontlucht.",
        comment="Volgend jaar ook de rookgasafvoer nakijken.",
        payment_method="op rekening",
        employee_number="107",
        signed_by="F. Wiersma",
        minimum_hours="0.00",
        rounding_amount="0.00",
    )
    assert msgspec.structs.replace(order, free_fields={}, materials=(), periods=()) == expected


def test_real_rows_keep_their_order_and_their_own_notation() -> None:
    first, second, third = real_work_orders()

    assert first.materials[0] == records.Material(
        position=1,
        code="EXP-035",
        name="Expansievat 35 liter",
        quantity="1",
        unit="ST",
        price="84,60",
        warehouse="MAG01",
    )
    assert first.periods[1] == records.WorkPeriod(
        position=2,
        period_id="880102",
        work_date="10-11-2025",
        begin_time="12:30",
        end_time="16:40",
        break_minutes="0",
        total_time="04:10",
        hour_type="MONT",
        employee_number="112",
        remark="Onderhoud ketel 2",
        travel="0",
        object_code="OBJ-DL-02",
    )
    assert [material.position for material in first.materials] == list(range(1, len(first.materials) + 1))
    assert first.free_fields[1] == "Ketelhuis kelder"
    assert second.king_order_number == ""
    assert third.work_status == "99"


def test_odd_notation_is_read_all_the_same() -> None:
    order = payloads.work_order((SAMPLES / "outsmart_work_order_odd.json").read_bytes())

    assert order.outsmart_id == "2417731"
    assert order.king_order_number == ""
    assert order.work_status == "001"
    assert order.is_archived is True
    assert order.customer_debtor_number == "10023"
    assert order.work_description == "Eerste regel\nTweede regel\nDerde"
    assert order.minimum_hours == "1.50"
    assert order.free_fields == {}
    assert order.periods == ()
    assert order.materials[0] == records.Material(position=1, name="Bocht 22 mm", quantity="2.50", price="84.60")
    assert order.materials[1] == records.Material(position=2)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"{}", "$.id"),
        (b'{"id": ""}', "$.id"),
        (b'{"id": null}', "$.id"),
        (b'{"id": "1", "CustomerName": ["geheim"]}', "$.CustomerName"),
        (b'{"id": "1", "Archived": "geheim"}', "$.Archived"),
        (b'{"id": "1", "Materials": [{}, {"MaterialNr": {"geheim": 1}}]}', "$.Materials[1].MaterialNr"),
        (b'{"id": "1", "Materials": {"MaterialCode": "A"}}', "$.Materials[...]"),
        (b'{"id": "1", "Materials": {"first": {}}}', "$.Materials"),
        (b'{"id": "1", "Materials": [null]}', "$.Materials[0]"),
        (b'{"id": "1", "Materials": "geen"}', "$.Materials"),
        (b'{"id": "1", "Workperiods": [3]}', "$.Workperiods[0]"),
        (b'{"id": "1", "FreeFields": "geheim"}', "$.FreeFields"),
        (b'{"id": "1", "CustomerName": "\xff"}', "$.CustomerName"),
        (b'{"id": "1", "Other": "\\ud800"}', "$.Other"),
        (b'{"id": "1", "Materials": [{}, {"MaterialName": "Bocht \\udc00"}]}', "$.Materials[1].MaterialName"),
        (b'{"id": true}', "$.id"),
        (b'{"id": "1"', "$"),
        (b"[]", "$"),
        (b"", "$"),
        (b'{"id": ' + b"[" * 100_000, "$"),
    ],
)
def test_bad_record_costs_itself_and_says_where(raw: bytes, path: str) -> None:
    with pytest.raises(errors.PayloadError) as caught:
        payloads.work_order(raw)

    assert caught.value.path == path
    assert "geheim" not in str(caught.value)


def test_a_list_that_php_wrote_as_an_object_is_a_list() -> None:
    order = payloads.work_order(b'{"id": "1", "Materials": {"2": {"MaterialCode": "B"}, "0": {"MaterialCode": "A"}}}')

    assert [(row.position, row.code) for row in order.materials] == [(1, "A"), (2, "B")]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": "77", "status": "Compleet", "WorkStatus": 1, "Reference": "\\ud83d"}',
        b'{"id": 77, "status": "Compleet", "WorkStatus": "1", "Reference": "\xff\xfe", "Archived": [1]}',
        b'{"id": "77", "status": "Compleet", "WorkStatus": "1", "Materials": [{"MaterialNr": [1]}], "OrderNr": NaN}',
    ],
)
def test_marks_are_found_in_a_record_that_cannot_be_read(raw: bytes) -> None:
    found = payloads.marks(raw)

    assert (found.outsmart_id, found.status, found.work_status) == ("77", "Compleet", "1")
    assert not found.is_archived


@pytest.mark.parametrize("raw", [b"", b"null", b'"tekst"', b"[]", b"7", b"{", b'{"id": [1]}', b'{"id": "\\ud800"}'])
def test_a_record_without_an_id_that_can_be_read_has_none(raw: bytes) -> None:
    assert payloads.marks(raw).outsmart_id == ""


def test_id_is_found_in_a_record_that_cannot_be_read() -> None:
    assert payloads.outsmart_id(b'{"CustomerName": ["x"], "id": "77"}') == "77"
