"""Amounts on the pages, and all that OutSmart says of a work period."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone, translation

from kingsync.models.links import Employee
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.web.shared import money
from tests import factories
from tests.scenario import material, period
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"
SPACE = "\N{NO-BREAK SPACE}"


def page_of(client: Client, row: WorkOrder, language: str = "en") -> str:
    client.cookies["django_language"] = language
    return text(client.get(f"{LEDGER}{row.pk}/")).replace(SPACE, " ")


def list_of(client: Client, language: str = "en", **query: str) -> str:
    client.cookies["django_language"] = language
    return text(client.get(LEDGER, query)).replace(SPACE, " ")


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_amounts_and_their_sum(viewer: Client, tenant: Tenant) -> None:
    for amount in ("4000.00", "120.00"):
        factories.work_order(tenant, amount=Decimal(amount), state="done")

    page = list_of(viewer, "nl")

    assert "€ 4.000,00" in page
    assert "Som van deze 2 werkbonnen: € 4.120,00 excl. btw" in page
    assert "Sum of these 2 work orders: € 4,120.00 excl. VAT" in list_of(viewer)


def test_the_sum_is_that_of_the_filter_over_all_pages(viewer: Client, tenant: Tenant) -> None:
    for _ in range(60):
        factories.work_order(tenant, amount=Decimal("10.50"), state="held")
    factories.work_order(tenant, amount=Decimal(7), state="done")

    assert "Sum of these 60 work orders: € 630.00 excl. VAT" in list_of(viewer, state="held")
    assert "Amount of this 1 work order: € 7.00 excl. VAT" in list_of(viewer, state="done")


@pytest.mark.parametrize("fields", [{"amount": None}, {"amount": Decimal(5), "is_amount_least": True}])
def test_what_is_not_known_is_said_and_not_made_up(
    viewer: Client, tenant: Tenant, fields: dict[str, Decimal | bool | None]
) -> None:
    factories.work_order(tenant, amount=Decimal(10))
    factories.work_order(tenant, **fields)

    assert f"at least € {10 + (fields['amount'] or 0)}.00" in list_of(viewer)
    assert f"minstens € {10 + (fields['amount'] or 0)},00" in list_of(viewer, "nl")


def test_without_any_price_there_is_a_dash(viewer: Client, tenant: Tenant) -> None:
    factories.work_order(tenant)

    assert "Amount of this 1 work order: – excl. VAT" in list_of(viewer)


def test_others_do_not_count(viewer: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, amount=Decimal(1))
    factories.work_order(factories.tenant(), amount=Decimal(1000))

    assert "€ 1.00 excl. VAT" in list_of(viewer)


def test_ticks_can_be_added_up_by_the_page(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, amount=Decimal("-12.34"), is_amount_least=True)

    page = html(editor.get(LEDGER))

    assert 'data-cents="-1234" data-least' in page
    assert 'data-least-text="(at least {sum} excl. VAT)"' in page


# --- One work order ---------------------------------------------------------------------------------------------------


def work_order(tenant: Tenant, *, periods: list[dict[str, object]] | None = None, **fields: object) -> WorkOrder:
    source = {
        "id": "4711",
        "OrderNr": "WB1",
        "EmployeeNr": "105",
        "ProjectNr": "P-7",
        "ExternProjectNr": "LIN-3",
        "Materials": [material(quantity="2", MaterialWarrantyCode="GAR12")],
        "Workperiods": periods or [],
    }
    return factories.work_order(tenant, outsmart_id="4711", source=json.dumps(source), **fields)


def line(row: WorkOrder, **fields: object) -> OrderLine:
    known = {"key": "material|BUIS||#1", "quantity": Decimal(2), "price": Decimal("6.405"), "price_of": "king"}
    return factories.order_line(row, **(known | fields))


def test_each_line_says_what_it_comes_to_and_whose_price_that_is(viewer: Client, tenant: Tenant) -> None:
    row = work_order(tenant, amount=Decimal("12.81"), is_amount_least=True)
    line(row)

    page = page_of(viewer, row)
    dutch = page_of(viewer, row, "nl")

    assert "Amount excl. VAT at least € 12.81" in page
    assert "€ 12.81 price list King: € 6.405" in page
    assert "does not contain prices agreed with a customer" in page
    assert "minstens € 12,81" in dutch
    assert "€ 12,81 prijslijst King: € 6,405" in dutch


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"price": Decimal(5), "price_of": "sent"}, "€ 10.00 price as sent: € 5.00"),
        ({"price": Decimal(5), "price_of": "outsmart"}, "€ 10.00 price in OutSmart: € 5.00"),
        ({"price": None, "price_of": ""}, "–"),
    ],
)
def test_other_prices_are_named_and_unknown_ones_are_a_dash(
    viewer: Client, tenant: Tenant, fields: dict[str, object], expected: str
) -> None:
    row = work_order(tenant)
    line(row, **fields)

    page = page_of(viewer, row)

    assert expected in page
    assert "agreed with a customer" not in page


def test_a_refused_line_comes_to_nothing(viewer: Client, tenant: Tenant) -> None:
    row = work_order(tenant)
    line(row, state=OrderLine.State.REFUSED)

    assert "12.81" not in page_of(viewer, row)


def test_projects_warranty_and_the_names_of_employees_are_shown(viewer: Client, tenant: Tenant) -> None:
    Employee(tenant=tenant, number="105", name="Jan de Vries", read_at=timezone.now()).save()
    row = work_order(tenant)

    page = page_of(viewer, row)

    assert "Employee 105 - Jan de Vries Project P-7 External project number LIN-3" in page
    assert "warranty GAR12" in page


def test_all_of_a_period_is_shown(viewer: Client, tenant: Tenant) -> None:
    Employee(tenant=tenant, number="9", name="Bea Bos", read_at=timezone.now()).save()
    fields = {"BeginTime": "08:00", "EndTime": "09:30", "Break": "30", "Travel": "38", "ObjCode": "KETEL-1"}
    row = work_order(tenant, periods=[period(EmployeeNr="9", WorkRemark="Via de achterdeur", **fields)])

    page = page_of(viewer, row)

    for part in (
        "08:00–09:30", "break of 30 minutes", "travel distance 38", "object KETEL-1", "employee 9 - Bea Bos",
        "Via de achterdeur",
    ):  # fmt: skip
        assert part in page


def test_an_employee_without_a_known_name_is_a_number(viewer: Client, tenant: Tenant) -> None:
    assert "Employee 105 Project" in page_of(viewer, work_order(tenant))


# --- Notation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"), [("6.4", "€ 6.40"), ("6.405", "€ 6.405"), ("5", "€ 5.00"), ("1234.5", "€ 1,234.50")]
)
def test_a_price_has_at_least_its_cents(value: str, shown: str) -> None:
    with translation.override("en"):
        assert money.price(Decimal(value)).replace(SPACE, " ") == shown
