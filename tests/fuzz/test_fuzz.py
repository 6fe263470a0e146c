"""A few hundred odd inputs each; `python -m bench.fuzz` takes a hundred thousand, `EXAMPLES=thorough` thousands."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from kingsync.models import tenants
from kingsync.runs import background_calls
from tests.fuzz import commands, forms, payload_layers, scene, tenant_files

TIMES = 20 if os.environ.get("EXAMPLES") == "thorough" else 1
SEED = 12


def test_any_answer_is_read_or_refused() -> None:
    assert list(payload_layers.failures(Random(SEED), 250 * TIMES)) == []


@pytest.mark.django_db
def test_any_tenant_file_is_applied_whole_or_refused_with_nothing_stored() -> None:
    assert list(tenant_files.failures(Random(SEED), 150 * TIMES)) == []


@pytest.mark.django_db
def test_any_form_gives_a_page_and_leaves_what_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_calls, "pool", scene.Nobody())
    tenant = scene.filled()

    found = forms.failures(scene.browsers(tenant), scene.known(tenant), Random(SEED), 200 * TIMES)

    assert list(found) == []


@pytest.mark.django_db
def test_any_arguments_end_a_command_with_a_sentence(tmp_path: Path) -> None:
    tenant = scene.filled()

    with tenants.scope(tenant):
        assert list(commands.failures(Random(SEED), 150 * TIMES, tmp_path)) == []
