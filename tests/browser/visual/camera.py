"""Takes a picture of every page; `make screenshots` runs this, the gate does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser.visual import tour
from tests.browser.visual.company import Company

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS: dict[str, dict[str, Any]] = {
    "nl-light": {"locale": "nl-NL", "viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "en-light": {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "nl-dark": {"locale": "nl-NL", "viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "nl-narrow": {"locale": "nl-NL", "viewport": {"width": 380, "height": 800}, "color_scheme": "light"},
}


def test_every_page_is_photographed(browser: Browser, company: Company, live_server: LiveServer) -> None:
    folder = Path(os.environ["SCREENSHOTS_FOLDER"])
    wanted = os.environ.get("SCREENSHOTS_ONLY", "").split()

    for look, options in LOOKS.items():
        place = folder / look
        place.mkdir(parents=True, exist_ok=True)
        for stop in [*tour.stops(company), *tour.admin_stops()]:
            if wanted and stop.name not in wanted:
                continue
            with tour.window(browser, company, live_server.url, stop.who, reduced_motion="reduce", **options) as page:
                tour.visit(page, live_server.url, stop)
                page.screenshot(path=place / f"{stop.name}.png", full_page=True)

    assert any(folder.rglob("*.png"))
