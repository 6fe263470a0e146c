"""The folders: none is too full, and pages, templates and static files have the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from devservers.places import CHECKOUT

MOST_MODULES = 25
ROOMS = sorted(
    {
        path.parent
        for top in ("kingsync", "integrations", "sandboxes", "devservers")
        for path in (CHECKOUT / top).rglob("*.py")
    }
)
# E-mail templates belong to no page.
OF_NO_PAGE = {"mails"}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(CHECKOUT)))
def test_no_room_is_too_full(room: Path) -> None:
    modules = [path for path in room.glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize("kind", ["templates", "static"])
def test_templates_and_static_files_are_where_their_pages_are(kind: str) -> None:
    pages = {path.name for path in (CHECKOUT / "kingsync" / "web").iterdir() if path.is_dir()}

    rooms = {path.name for path in (CHECKOUT / kind).iterdir() if path.is_dir()}

    assert rooms - OF_NO_PAGE <= pages
