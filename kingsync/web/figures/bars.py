"""Bars whose parts are links: what the template draws, in the units of its viewBox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

TOP, BOTTOM = 22, 20
_LEAST_GAP = 2


@dataclass(frozen=True)
class Size:
    """The viewBox of a chart. Where `is_named`, there is room for a name below each bar; else below the outer two."""

    width: int
    height: int
    is_named: bool
    is_small: bool = False


WIDE = Size(640, 180, is_named=True)
WIDE_DAYS = Size(640, 180, is_named=False)
# One bar for each day of a month; so small that several stand beside each other.
DAYS = Size(330, 120, is_named=False, is_small=True)


@dataclass(frozen=True)
class Part:
    """One part of a bar; `link` leads to exactly the records that `label` counts. `kind` chooses its colour."""

    kind: str
    number: int | Decimal
    label: str
    link: str


@dataclass(frozen=True)
class DrawnPart:
    """`reach_y` and `reach_height` are what can be pointed at: of a bar of one part the whole column."""

    part: Part
    y: int
    height: int
    reach_y: int
    reach_height: int


@dataclass(frozen=True)
class Bar:
    """`parts` stand on each other, the first one at the bottom."""

    name: str
    x: int
    width: int
    parts: list[DrawnPart]
    column_x: int
    column_width: int

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True)
class Chart:
    """`highest` is the top of the scale, as text; `summary` the whole of it for those who cannot see it."""

    key: str
    title: str
    highest: str
    bars: list[Bar]
    size: Size
    summary: str = ""

    @property
    def view_box(self) -> str:
        return f"0 0 {self.size.width} {self.size.height}"

    @property
    def floor(self) -> int:
        return self.size.height - BOTTOM

    @property
    def names_y(self) -> int:
        return self.size.height - 4

    @property
    def centre(self) -> int:
        return self.size.width // 2


def chart(
    key: str,
    title: str,
    bars: Sequence[tuple[str, list[Part]]],
    *,
    highest: str,
    size: Size = WIDE,
    summary: str = "",
) -> Chart:
    """Return a chart of named bars, side by side; parts of nothing are left out."""
    top = max((sum(part.number for part in parts) for _name, parts in bars), default=0)
    step = size.width // max(1, len(bars))
    gap = max(_LEAST_GAP, step // 6)
    drawn = [
        Bar(
            name,
            number * step + gap // 2,
            step - gap,
            _stacked(parts, top, size),
            column_x=number * step,
            column_width=step,
        )
        for number, (name, parts) in enumerate(bars)
    ]
    return Chart(key, title, highest, drawn, size, summary)


def _stacked(parts: list[Part], top: int | Decimal, size: Size) -> list[DrawnPart]:
    shown = [part for part in parts if part.number > 0]
    drawn: list[DrawnPart] = []
    room, floor = size.height - TOP - BOTTOM, size.height - BOTTOM
    for part in shown:
        height = max(2, round(room * part.number / top))  # however small, it can be seen
        floor -= height
        reach = (TOP, room) if len(shown) == 1 else (floor, height)
        drawn.append(DrawnPart(part, floor, height, *reach))
    return drawn
