"""The entries of the settings form of the standing company, loaded once for all tests of a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.settings.settings_entries import entries


@pytest.fixture(scope="module")
def _loaded() -> dict[str, Any]:
    return {}


@pytest.fixture
def usual(editor: Client, _loaded: dict[str, Any]) -> dict[str, Any]:
    """Return what a browser would send when Save is pressed at once, for a test that changed nothing before.

    It stays the same from test to test: the form of a row that another test changed would be refused as a stale one.
    """
    if not _loaded:
        _loaded.update(entries(editor))
    return dict(_loaded)
