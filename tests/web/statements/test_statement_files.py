"""Statements as files: they open, they hold the evidence, and what was signed gives the same bytes each time."""

from __future__ import annotations

import base64
import datetime
import io
import re
import zipfile
import zlib
from typing import Any

import pytest
from django.test import Client

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.statements import statement_download
from tests.statements import months
from tests.statements.months import signed, worked
from tests.web.conftest import People

NOW = "/t/jansen/statements/2025-10/"


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def content(browser: Client, address: str) -> bytes:
    answer: Any = browser.get(address)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def sheets(data: bytes) -> tuple[str, str]:
    """Return the texts and numbers of both sheets."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        first, second = (zipped.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2))
    return first, second


def pdf_text(data: bytes) -> str:
    """Return what a PDF draws, page by page."""
    assert data.startswith(b"%PDF-")
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
    return "\n".join(drawn(stream) for stream in streams)


def drawn(stream: bytes) -> str:
    raw = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>")))
    found = re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", raw)
    return "\n".join(unescaped(each) for each in found)


def unescaped(raw: bytes) -> str:
    return re.sub(
        rb"\\(\d{3}|.)", lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else found[1], raw
    ).decode("cp1252")


def test_excel_has_the_sums_and_every_work_order(owner: Client, tenant: Tenant) -> None:
    months.every_state(tenant)
    worked(tenant, customer_name="=1+1", settings_version=3, source_fingerprint="f00d")

    summary, rows = sheets(content(owner, f"{NOW}xlsx/"))

    assert "Statement of October 2025" in summary
    assert "Jansen Installatie B.V." in summary
    assert "Not signed" in summary
    assert rows.count("<row ") == 13
    assert "f00d" in rows
    assert "<f>" not in rows


def test_pdf_has_the_sums_and_every_work_order(owner: Client, tenant: Tenant) -> None:
    months.every_state(tenant)
    worked(tenant, order_number="WB-PDF", customer_name="Yıldız (Łódź) & Žižka €", settings_version=3)

    text = pdf_text(content(owner, f"{NOW}pdf/"))

    assert "Statement of October 2025" in text
    assert "WB-PDF" in text
    assert "Yildiz (Lód" in text
    for state in LedgerState:
        assert str(state.label) in text


@pytest.mark.parametrize(("form", "language"), [("xlsx", "en"), ("pdf", "en"), ("pdf", "nl")])
def test_what_was_signed_gives_the_same_bytes(
    owner: Client, tenant: Tenant, people: People, form: str, language: str
) -> None:
    row = worked(tenant, order_number="WB-THEN")
    statement = signed(tenant, people.owner, remark="Checked")
    owner.cookies["django_language"] = language
    address = f"/t/jansen/signed-statements/{statement.pk}/{form}/"
    first = content(owner, address)
    WorkOrder.across_tenants.filter(pk=row.pk).update(order_number="WB-NOW", state=LedgerState.CHANGED)

    again = content(owner, address)

    assert again == first
    text = pdf_text(first) if form == "pdf" else "".join(sheets(first))
    assert "WB-THEN" in text
    assert statement.digest in text
    assert "Checked" in text
    assert ("Verantwoording van oktober 2025" in text) == (language == "nl")


def test_a_month_too_large_for_a_pdf_names_what_is_open(
    owner: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_download, "PDF_ROWS", 2)
    for _ in range(3):
        worked(tenant, order_number="WB-DONE")
    worked(tenant, state=LedgerState.HELD, order_number="WB-HELD")

    text = pdf_text(content(owner, f"{NOW}pdf/"))

    assert "There are more than 2 work orders: this file names only those that are open." in text
    assert "WB-HELD" in text
    assert "WB-DONE" not in text


def test_a_long_pdf_has_the_heading_on_every_page(owner: Client, tenant: Tenant) -> None:
    for number in range(120):
        worked(tenant, f"2025-10-{number % 30 + 1:02}", exported_at=datetime.datetime(2025, 10, 9, tzinfo=datetime.UTC))

    text = pdf_text(content(owner, f"{NOW}pdf/"))

    assert "page 4" in text
    assert text.count("Decided by") >= 3


@pytest.mark.parametrize("form", ["csv", "docx"])
def test_other_forms_do_not_exist(owner: Client, form: str) -> None:
    assert owner.get(f"{NOW}{form}/").status_code == 404
