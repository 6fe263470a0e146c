"""Which lines to re-add so that an added line is in its place: King appends, and its lines keep their order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def remade(
    planned: Sequence[str],
    *,
    added: Collection[str],
    standing: Mapping[str, int],
    ours: Mapping[str, str],
    untouched: Collection[str],
) -> frozenset[str]:
    """Return the references of the lines to remove from King and add again below the added ones.

    `planned` are our references in the sequence of the plan, `standing` King's lines that stay (id → place), `ours`
    reference → King's line id, `untouched` our lines that lose nothing by it. The first added line whose lines below
    can all be re-added decides; an added line before it ends up lower than planned.
    """
    for place, reference in enumerate(planned):
        if reference not in added:
            continue
        below = [each for each in planned[place:] if each in ours and each not in added]
        if _can_be_remade(below, standing, ours, untouched):
            return frozenset(below)
    return frozenset()


def _can_be_remade(
    below: Sequence[str], standing: Mapping[str, int], ours: Mapping[str, str], untouched: Collection[str]
) -> bool:
    """Return True when these lines, unchanged by others, are the last of the order, in whatever sequence."""
    if not all(reference in untouched for reference in below):
        return False
    ids = {ours[reference] for reference in below}
    last = sorted(standing, key=lambda line_id: standing[line_id])[len(standing) - len(ids) :]
    return set(last) == ids
