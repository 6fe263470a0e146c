"""Lists of work orders as files: how a spreadsheet must and must not interpret them."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.web.shared import csv_files
from kingsync.web.work_orders import list_download
from tests import factories

FILE = "/t/jansen/work-orders/file/"
NO_DEBTOR = [{"code": "no_debtor", "params": {}}]


def rows_of(client: Client, **query: str) -> list[list[str]]:
    """Return the rows of the CSV file without its header."""
    answer = client.get(f"{FILE}csv/", query)
    return list(csv.reader(io.StringIO(_text(answer)), delimiter=";"))[1:]


def _text(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def sheet_of(client: Client, **query: str) -> str:
    """Return the XML of the Excel file's sheet."""
    answer: Any = client.get(f"{FILE}xlsx/", query)
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def test_csv_is_what_excel_in_dutch_opens_at_once(editor: Client, tenant: Tenant) -> None:
    moment = datetime.datetime(2025, 11, 12, 8, 30, tzinfo=datetime.UTC)
    factories.work_order(
        tenant,
        outsmart_id="4711",
        order_number="WB1",
        customer_name="Café “De Zon”; Ede",
        work_date=datetime.date(2025, 11, 10),
        king_order_number="26011",
        state=LedgerState.REJECTED,
        reasons=NO_DEBTOR,
        changed_at=moment,
        attempts=3,
    )
    editor.cookies["django_language"] = "nl"

    answer: Any = editor.get(f"{FILE}csv/")
    content = b"".join(answer.streaming_content)

    assert content.startswith(b"\xef\xbb\xbf")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="[a-z-]+-jansen-\d{4}-\d\d-\d\d\.csv"', answer["Content-Disposition"])
    head, row = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    assert (len(head), head[4], head[5]) == (14, "King-order", "Status")
    assert row[:5] == ["4711", "WB1", "Café “De Zon”; Ede", "2025-11-10", "26011"]
    assert row[5:7] == ["geweigerd", "2025-11-12 09:30"]
    assert "debiteurnummer" in row[7]
    assert row[8:] == ["", "", "3", "DEMO", "", ""]


@pytest.mark.parametrize(("language", "written"), [("nl", "-4120,50"), ("en", "-4120.50")])
def test_amounts_are_numbers_in_the_readers_notation(
    editor: Client, tenant: Tenant, language: str, written: str
) -> None:
    factories.work_order(tenant, amount=Decimal("-4120.50"), is_amount_least=True)
    editor.cookies["django_language"] = language

    assert rows_of(editor)[0][12] == written
    assert rows_of(editor)[0][13] != ""
    assert "<v>-4120.5</v>" in sheet_of(editor)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_names_that_are_formulas_to_a_spreadsheet_become_text(editor: Client, tenant: Tenant, sign: str) -> None:
    factories.work_order(tenant, customer_name=f"{sign}HYPERLINK(1)", order_number=f"{sign}1+1")

    (row,) = rows_of(editor)
    sheet = sheet_of(editor)

    assert (row[1], row[2]) == (f"'{sign}1+1", f"'{sign}HYPERLINK(1)")
    assert "<f>" not in sheet
    assert "HYPERLINK(1)" in sheet


def test_file_holds_what_the_list_shows_newest_first(viewer: Client, tenant: Tenant) -> None:
    for number, state in (("A", "done"), ("B", "held"), ("C", "held")):
        factories.work_order(tenant, order_number=number, state=state, customer_name=f"Smit {number}")
    factories.work_order(factories.tenant(), order_number="D", state="held")

    assert [row[1] for row in rows_of(viewer)] == ["C", "B", "A"]
    assert [row[1] for row in rows_of(viewer, state="held", q="smit b")] == ["B"]


def test_file_with_a_date_filter_is_in_the_order_of_the_list(viewer: Client, tenant: Tenant) -> None:
    for number, day in (("A", 3), ("B", 1), ("C", 2)):
        factories.work_order(tenant, order_number=number, work_date=datetime.date(2025, 1, day))

    assert [row[1] for row in rows_of(viewer, since="2025-01-01")] == ["A", "C", "B"]


def test_excel_holds_numbers_as_text_and_days_as_days(editor: Client, tenant: Tenant) -> None:
    factories.work_order(
        tenant, outsmart_id="00047", customer_name="Smit & Zn <BV>", work_date=datetime.date(2025, 11, 10), attempts=2
    )

    sheet = sheet_of(editor)

    assert "<t>00047</t>" in sheet
    assert "Smit &amp; Zn &lt;BV&gt;" in sheet
    assert "<v>45971</v>" in sheet  # 10 November 2025
    assert "<v>2</v>" in sheet


def test_file_that_does_not_hold_all_says_so_in_its_last_line(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_download, "ROWS_AT_MOST", 2)
    for number in ("A", "B", "C"):
        factories.work_order(tenant, order_number=number)

    rows = rows_of(editor)

    assert [row[1] for row in rows[:2]] == ["C", "B"]
    assert rows[2:] == [["There are more: this file contains the newest 2. Narrow the list with the filters."]]
    assert "this file contains the newest 2" in sheet_of(editor)


def test_file_that_just_holds_all_says_nothing(editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_download, "ROWS_AT_MOST", 2)
    for number in ("A", "B"):
        factories.work_order(tenant, order_number=number)

    assert [row[1] for row in rows_of(editor)] == ["B", "A"]


def test_rows_come_in_batches_and_by_one_query(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for module in (list_download, csv_files):
        monkeypatch.setattr(module, "BATCH", 3)
    for _ in range(10):
        factories.work_order(tenant)

    with django_assert_num_queries(
        5
    ):  # the session, the person, the tenant with the role, former administrations, rows
        answer: Any = editor.get(f"{FILE}csv/")
        parts = list(answer.streaming_content)

    assert (len(parts), len(b"".join(parts).splitlines())) == (5, 11)


def test_empty_list_is_a_file_with_a_head(editor: Client, tenant: Tenant) -> None:
    assert rows_of(editor) == []
    assert "OutSmart number" in sheet_of(editor)


def test_other_forms_are_not_found(editor: Client, tenant: Tenant) -> None:
    assert editor.get(f"{FILE}exe/").status_code == 404
