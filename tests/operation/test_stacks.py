"""The stack of a call reads as a story: no two frames of one name, and CONTRIBUTING tells it as it is."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest

from integrations.transport import Transport
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("kingsync", "integrations")


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Record, by operation, the frames of our own under its first call: `module.function`."""
    seen: dict[str, list[str]] = {}
    send = Transport.send

    def recorded(transport: Transport, operation: object, *args: object, **named: object) -> object:
        seen.setdefault(operation.name, _frames())  # type: ignore[attr-defined]
        return send(transport, operation, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Transport, "send", recorded)
    return seen


def _frames() -> list[str]:
    paths = [(Path(frame.filename), frame.name) for frame in traceback.extract_stack()]
    ours = [(path, name) for path, name in paths if path.is_relative_to(CHECKOUT)]
    return [
        f"{path.stem}.{name}" for path, name in ours if path.relative_to(CHECKOUT).parts[0] in ROOMS and name[0] != "<"
    ]


def _told(operation: str) -> list[str]:
    """Return the frames that CONTRIBUTING names under an operation."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    [block] = re.findall(rf"```\n{operation}\n(.*?)```", text, re.DOTALL)
    return re.findall(r"\w+\.\w+", block)


@pytest.fixture
def made(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, stacks: dict[str, list[str]]) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    scenario.work_order(outsmart)
    scenario.export()
    scenario.load("products")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("operation", ["Order_Toevoegen", "materials"])
def test_the_stack_of_a_call_is_the_one_in_contributing(stacks: dict[str, list[str]], operation: str) -> None:
    frames = stacks[operation]
    names = [frame.partition(".")[2] for frame in frames]

    assert len(set(names)) == len(names)
    assert frames == _told(operation)
