"""axe, which passes over what it has seen to be readable, passes over nothing else."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tests.browser.visual.axe import Axe

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>Table</title><style>
    body { background: white; color: black }
    .late { color: #bbb }
    .wall { height: 90px }
    .loose { position: absolute; top: 20px; left: 20px }
    @media (prefers-color-scheme: dark) { body { background: black; color: white } .dark { color: #333 } }
</style><main><h1>Table</h1>%s</main>"""


def test_what_is_readable_is_looked_at_once_and_everything_else_always(browser: Browser) -> None:
    axe = Axe()
    with browser.new_context() as context:
        page = context.new_page()
        axe.comes_along(page)

        def found(text: str, look: str = "light") -> list[str]:
            page.goto(f"data:text/html,{quote(PAGE % text)}")
            page.emulate_media(color_scheme="dark" if look == "dark" else "light")
            return [each.partition(" at ")[2].partition("]")[0] + "]" for each in axe.found(page, look, "page")]

        readable = "<p>One</p><p>Two</p><p class=dark>Three</p>"
        loose = "<p class=loose>Over the wall</p>"
        wall = "<style>h1 { display: none }</style><div class=wall style='background: %s'></div>"
        assert found(readable) == found(readable) == found(wall % "white" + loose) == []

        assert found(f"{readable}<p class=late>Four</p>") == ["['.late']"]
        assert found(f"{readable}<p class=late>Four</p>") == ["['.late']"]
        assert found(f"{readable}<p style='color: #bbb'>Four</p>") == ["['p:nth-child(5)']"]
        assert found("<section style='background: #333'><p>One</p></section>") == ["['p']"]
        assert found(wall % "#333" + loose) == ["['p']"]
        assert found(readable, "dark") == ["['.dark']"]
