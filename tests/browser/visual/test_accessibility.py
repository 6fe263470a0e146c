"""Every page in light and dark: axe finds nothing serious, and nothing overflows on a phone."""

from __future__ import annotations

import functools
import itertools
from typing import Literal

import pytest
from django.urls import URLPattern
from playwright.sync_api import Browser, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from kingsync.web.urls import urlpatterns
from tests.browser.visual import tour
from tests.browser.visual.axe import Axe
from tests.browser.visual.company import Company

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TELEPHONE: ViewportSize = {"width": 380, "height": 800}
DESKTOP: ViewportSize = {"width": 1280, "height": 720}

LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def sticking_out(page: Page, name: str) -> list[str]:
    """Return the elements that are too wide for a phone."""
    page.set_viewport_size(TELEPHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    return [f"{name}: {width} pixels wide"] if width > TELEPHONE["width"] else []


def wrong_on(page: Page, axe: Axe, address: str, stop: tour.Stop) -> list[str]:
    """Return what is wrong with a page in light, in dark and on a phone."""
    page.set_viewport_size(DESKTOP)
    tour.visit(page, address, stop)
    found: list[str] = []
    for look in LOOKS:
        page.emulate_media(color_scheme=look)
        found += axe.found(page, look, stop.name)
    return found + sticking_out(page, stop.name)


def check_addresses(stops: list[tour.Stop]) -> None:
    """Assert that every address is on the tour, or listed as no page."""
    named = {str(each.name) for each in urlpatterns if isinstance(each, URLPattern)}

    toured = {stop.url for stop in stops} - {""}

    assert toured | tour.NO_PAGES == named
    assert not toured & tour.NO_PAGES


@pytest.mark.long
def test_every_page_is_toured_and_none_has_a_serious_fault_or_sticks_out_on_a_telephone(
    request: pytest.FixtureRequest, company: Company, live_server: LiveServer
) -> None:
    stops = sorted(tour.stops(company), key=lambda stop: stop.who)
    check_addresses(stops)
    browser: Browser = request.getfixturevalue("browser")  # only now: the addresses are checked without one too
    axe, found = Axe(), list[str]()

    for who, theirs in itertools.groupby(stops, key=lambda stop: stop.who):
        see = functools.partial(tour.window, browser, company, live_server.url, who, reduced_motion="reduce")
        with see(locale="nl-NL") as dutch, see(locale="en-GB", viewport=TELEPHONE) as english:
            axe.comes_along(dutch)
            for stop in theirs:
                found += wrong_on(dutch, axe, live_server.url, stop)
                tour.visit(english, live_server.url, stop)
                found += sticking_out(english, f"{stop.name} in English")

    assert found == [], "\n".join(found)
