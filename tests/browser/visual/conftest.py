"""The company whose pages the visual tests show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.visual import company as companies
from tests.browser.visual.company import Company


@pytest.fixture
def company(
    transactional_db: None, live_server: LiveServer, settings: Settings, tmp_path: Path, mailoutbox: list[EmailMessage]
) -> Iterator[Company]:
    """Provide a busy installation company."""
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")
    with companies.in_full_swing(lambda: str(mailoutbox[-1].body)) as made:
        yield made
