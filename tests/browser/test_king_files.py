"""Uploading King's files in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync import tasks
from kingsync.models.connections import System
from kingsync.models.tenants import Role
from tests import factories
from tests.browser import sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture
def files(page: Page, live_server: LiveServer, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """Open the page of King's files as an editor."""
    monkeypatch.setattr(tasks.run_sync, "apply_async", lambda **_message: None)
    settings.KING_XML_FOLDER = str(tmp_path)
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(tenant)
    factories.connection(tenant, System.KING)
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="eddy"), live_server.url)
    page.goto(f"{live_server.url}/t/jansen/king-files/")
    expect(page.get_by_role("heading", name="King files")).to_be_visible()
    return page


def test_files_are_chosen_and_uploaded_together(files: Page) -> None:
    chosen = [SAMPLES / "king-artikelen.xml", SAMPLES / "king-tarieven.xml"]

    files.get_by_label("King's export files").set_input_files(chosen)
    files.get_by_role("button", name="Upload and import").click()

    expect(files.get_by_text("The import of the files has been started.")).to_be_visible()
    expect(files.get_by_role("row").filter(has_text="king-artikelen.xml")).to_contain_text("waiting for an import")
    expect(files.get_by_role("row").filter(has_text="king-tarieven.xml")).to_contain_text("KING_TARIEVEN")


def test_what_is_too_large_is_said_before_anything_is_sent(files: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.xml"
    large.write_bytes(b"x" * 1_200_000)
    chosen = files.get_by_label("King's export files")
    chosen.evaluate("input => { input.dataset.mostBytesEach = String(1024 * 1024) }")
    sent: list[str] = []
    files.on("request", lambda request: sent.append(request.method))

    chosen.set_input_files(large)
    files.get_by_role("button", name="Upload and import").click()
    told = chosen.evaluate("input => input.validationMessage")
    chosen.set_input_files(SAMPLES / "king-artikelen.xml")

    assert "“large.xml” is larger than" in told
    assert "POST" not in sent
    assert chosen.evaluate("input => input.checkValidity()")
