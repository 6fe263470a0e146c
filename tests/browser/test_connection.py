"""A browser changes nothing for the tests that use none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from playwright.sync_api import Browser


@contextmanager
def without_loop() -> Iterator[None]:
    """Be what the code of before the browser was: without an event loop in its thread."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # what playwright itself calls between its calls
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


def test_tests_have_one_connection_before_beside_and_after_the_browser(browser: Browser) -> None:
    beside = connections["default"]

    with without_loop():
        assert connections["default"] is beside
