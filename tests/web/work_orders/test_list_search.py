"""The search in the list of work orders, and its order."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.test import Client

from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.web.shared import paging
from tests import factories
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"


def numbers(client: Client, **query: str) -> list[str]:
    return [row.order_number for row in client.get(LEDGER, query).context["page"].rows]


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Café Zoë", "cafe zoe"),
        ("Cafe Zoe", "CAFÉ ZOË"),
        ("Zoe\u0308 (as two signs)", "zoë (AS"),
        ("Bjørn & Łukasz", "bjorn & lukasz"),
        ("Müller Özgür", "özgur"),
        ("’t Hoefijzer", "'t hoef"),
    ],
)
def test_search_knows_no_accents_and_no_case(editor: Client, tenant: Tenant, name: str, search: str) -> None:
    factories.work_order(tenant, order_number="HIT", customer_name=name)
    factories.work_order(tenant, order_number="MISS", customer_name="Caf Zo Bjrn ukasz Mller")

    assert numbers(editor, q=search) == ["HIT"]


@pytest.mark.parametrize("search", ["D-10023", "EXT/44", "os-4711", "OS-4711-2", "PRJ9"])
def test_search_finds_debtors_external_numbers_and_our_reference_in_king(
    editor: Client, tenant: Tenant, search: str
) -> None:
    factories.work_order(
        tenant, order_number="HIT", outsmart_id="4711", debtor_number="D-10023", further_numbers="EXT/44 PRJ9"
    )
    factories.work_order(tenant, order_number="MISS", outsmart_id="5000", debtor_number="D-10024")

    assert numbers(editor, q=search) == ["HIT"]


def test_numbers_of_a_work_order_that_was_read_are_found(editor: Client, tenant: Tenant) -> None:
    source = Source(outsmart_id="4711", invoice_debtor_number="D77", external_reference="EXT/44", reference="EXT/44")
    run = factories.run(tenant)
    with tenants.scope(tenant):
        row = ledger.seen(source, b"{}", is_interim=False, run=run)

    assert row.further_numbers == "D77 EXT/44"
    assert [len(numbers(editor, q=search)) for search in ("d77", "ext/44", "EXT/45")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("number", ["A", "B", "C"]),
        ("-number", ["C", "B", "A"]),
        ("customer", ["C", "A", "B"]),
        ("date", ["B", "A", "C"]),
        ("-date", ["A", "B", "C"]),
        ("king", ["A", "C", "B"]),
        ("amount", ["C", "B", "A"]),
        ("-amount", ["B", "C", "A"]),
        ("nonsense", ["C", "B", "A"]),
    ],
)
def test_list_is_sorted_by_a_column_with_empty_ones_last(
    editor: Client, tenant: Tenant, sort: str, expected: list[str]
) -> None:
    first, second = datetime.date(2025, 1, 1), datetime.date(2025, 2, 1)
    for number, customer, day, king, amount in (
        ("A", "Mulder", first, "300", None),
        ("B", "Visser", second, None, Decimal("1.00")),
        ("C", "Boer", None, "200", Decimal("20.00")),
    ):
        factories.work_order(
            tenant, order_number=number, customer_name=customer, work_date=day, king_order_number=king, amount=amount
        )

    assert numbers(editor, sort=sort) == expected
    downloaded = b"".join(editor.get(f"{LEDGER}file/csv/", {"sort": sort})).decode()
    assert [line.split(";")[1] for line in downloaded.splitlines()[1:]] == expected


@pytest.mark.parametrize("sort", ["number", "-customer", "date", "-date", "king", "-amount"])
def test_sorted_pages_follow_each_other_without_a_gap(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(paging.in_order, "__kwdefaults__", {"before": "", "size": 3, "order": paging.NEWEST})
    day = datetime.date(2025, 1, 1)
    made = [
        factories.work_order(
            tenant,
            customer_name=("", "Boer~1", "Smit")[n % 3],
            work_date=None if n % 2 else day + datetime.timedelta(days=n % 3),
            king_order_number=None if n % 3 else "7",
            amount=None if n % 4 == 0 else Decimal(n % 3),
        ).order_number
        for n in range(10)
    ]

    found, before = [], ""
    for _ in range(4):
        page = editor.get(LEDGER, {"sort": sort, "before": before}).context["page"]
        found.append([row.order_number for row in page.rows])
        before = page.older or ""

    assert [len(each) for each in found] == [3, 3, 3, 1]
    assert sorted(number for each in found for number in each) == sorted(made)
    assert before == ""


@pytest.mark.parametrize("before", ["x", "5", "~x", "x~9", "NaN~4", "1e999~4", "~~"])
@pytest.mark.parametrize("sort", ["amount", "date"])
def test_key_of_another_order_shows_the_first_page(editor: Client, tenant: Tenant, sort: str, before: str) -> None:
    factories.work_order(tenant, order_number="A", amount=Decimal(1), work_date=datetime.date(2025, 1, 1))

    assert numbers(editor, sort=sort, before=before) == ["A"]


def test_headings_keep_the_filters_and_say_how_the_list_is_sorted(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant)

    page = html(editor.get(LEDGER, {"q": "boer", "sort": "customer"}))

    assert '<th scope="col" aria-sort="ascending"><a class="sort" href="?q=boer&amp;sort=-customer">' in page
    assert 'href="?q=boer&amp;sort=number"' in page
    assert '<option value="customer" selected>' in page
    assert 'href="?q=boer"' in html(editor.get(LEDGER, {"q": "boer", "sort": "-customer"}))


def test_order_that_cannot_be_read_is_told_at_its_field(editor: Client, tenant: Tenant) -> None:
    assert "nonsense is not one of the available choices." in text(editor.get(LEDGER, {"sort": "nonsense"}))
