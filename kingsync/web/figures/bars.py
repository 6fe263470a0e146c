"""Bars whose parts are links: what the template draws, in the units of its viewBox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT, TOP, BOTTOM = 640, 180, 22, 20
_GAP = 8
_ROOM = HEIGHT - TOP - BOTTOM


@dataclass(frozen=True)
class Part:
    """One part of a bar; `link` leads to exactly the records that `label` counts. `kind` chooses its colour."""

    kind: str
    number: int | Decimal
    label: str
    link: str


@dataclass(frozen=True)
class DrawnPart:
    part: Part
    y: int
    height: int


@dataclass(frozen=True)
class Bar:
    """`parts` stand on each other, the first one at the bottom."""

    name: str
    x: int
    width: int
    parts: list[DrawnPart]

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True)
class Chart:
    """`highest` is the top of the scale, as text."""

    key: str
    title: str
    highest: str
    bars: list[Bar]

    width: int = WIDTH
    height: int = HEIGHT - 4
    floor: int = HEIGHT - BOTTOM

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def chart(key: str, title: str, bars: Sequence[tuple[str, list[Part]]], *, highest: str) -> Chart:
    """Return a chart of named bars, side by side; parts of nothing are left out."""
    top = max((sum(part.number for part in parts) for _name, parts in bars), default=0)
    step = WIDTH // max(1, len(bars))
    drawn = [
        Bar(name, number * step + _GAP // 2, step - _GAP, _stacked(parts, top))
        for number, (name, parts) in enumerate(bars)
    ]
    return Chart(key, title, highest, drawn)


def _stacked(parts: list[Part], top: int | Decimal) -> list[DrawnPart]:
    drawn: list[DrawnPart] = []
    floor = HEIGHT - BOTTOM
    for part in parts:
        if part.number > 0:
            height = max(2, round(_ROOM * part.number / top))  # however small, it can be seen
            floor -= height
            drawn.append(DrawnPart(part, floor, height))
    return drawn
