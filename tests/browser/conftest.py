"""A real Chromium, where one is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from tests import patience, programs

LOCALES = {"en": "en-GB", "nl": "nl-NL"}
# The one without windows takes half the time of the others.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# What is logged as an error and is none: a refused form has one of these statuses, and who leaves a page ends what it
# was still asking for (an answer that does not come is "htmx:sendError" too).
_USUAL = ("status of 409", "status of 422", "htmx:sendAbort", "htmx:afterRequest")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the first Chromium found on this machine; skip with a clear message if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:  # `make test` works without one; what is skipped is said
        pytest.skip(f"browser test: none of {', '.join(NAMES)} is installed")
    of_tests = connections["default"]
    with sync_playwright() as playwright:
        expect.set_options(timeout=patience.MILLISECONDS)
        # Playwright's own event loop runs in this thread; Django must not mistake that for asynchronous code.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        # Code that Django takes for asynchronous has connections of its own, and the tests would have two sessions: the
        # one of before would be left, for a test to end as another's, and be used again when the browser is closed.
        connections["default"] = of_tests
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def windows(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open isolated browser windows; a console error in one (a blocked script or style, for example) fails the test."""
    complaints: list[str] = []
    with ExitStack() as opened:

        def window(*, language: str = "en") -> Page:
            # A moving bar is painted sixty times a second, on the processor, and no test looks at how it moves.
            context = browser.new_context(
                locale=LOCALES[language], viewport={"width": 1200, "height": 900}, reduced_motion="reduce"
            )
            opened.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(patience.MILLISECONDS)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
            return page

        yield window
    assert complaints == []


@pytest.fixture
def page(windows: Callable[..., Page]) -> Page:
    """Return the English browser window of one person."""
    return windows()


@pytest.fixture(scope="module")
def lasting_worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Run one real worker for all tests of a file: starting one takes seconds. Each test waits for its runs to end."""
    with django_db_blocker.unblock(), programs.workers() as start:
        start()
        yield


def _is_complaint(line: ConsoleMessage) -> bool:
    return line.type == "error" and not any(each in line.text for each in _USUAL)
