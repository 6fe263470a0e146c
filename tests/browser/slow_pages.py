"""A slow line between a browser and the pages that a part of a page leads to."""

from __future__ import annotations

import time

from playwright.sync_api import Page, Response, Route

# Longer than a part of a page waits before it asks again.
SECONDS = 3.0


class SlowPages:
    """Delays whole pages whose address has this pattern; counts how often an answer to a part led to another page."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.led_there = 0
        page.on("response", self._count)
        page.route(pattern, self._answer)

    def _count(self, answer: Response) -> None:
        self.led_there += "hx-redirect" in answer.headers

    @staticmethod
    def _answer(route: Route) -> None:
        if "hx-request" not in route.request.headers:
            time.sleep(SECONDS)
        route.continue_()
