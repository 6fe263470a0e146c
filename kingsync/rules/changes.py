"""What differs between a work order as exported and as it is now, in a few words per line."""

from __future__ import annotations

from collections.abc import Iterable

from kingsync.rules import conflicts, matching
from kingsync.rules.differences import same
from kingsync.rules.plans import Content, Plan, SavedLine


def since_export(booked: Iterable[SavedLine], now: Plan, then: Plan | None = None) -> list[str]:
    """Return `label: old → new` for each line that differs; "-" stands for no line. Empty when nothing differs.

    `then` is the plan, by today's settings, of the work order as exported: a line that both plans have alike differs by
    other settings or master data, which is no edit.
    """
    before, after = _contents(then), _contents(now)
    ours = [line for line in booked if not conflicts.is_given_up(line)]
    sent = {line.reference: line.sent for line in ours if line.sent is not None}
    wanted = {line.reference: line for line in now.lines}
    labels = {line.reference: matching.label_of(line) for line in booked}
    found = []
    for reference in [*sent, *(each for each in wanted if each not in sent)]:
        if then is not None and before.get(reference) == after.get(reference):
            continue
        old = sent.get(reference)
        line = wanted.get(reference)
        new = line.content if line else None
        if old is None or new is None or not same(old, new):
            label = line.origin.label if line else labels[reference]
            found.append(f"{label}: {described(old)} → {described(new)}")
    return found


def _contents(plan: Plan | None) -> dict[str, Content]:
    return {line.reference: line.content for line in plan.lines} if plan else {}


def described(content: Content | None) -> str:
    """Return a line's content for display: quantity, article, text; "-" for none."""
    if content is None:
        return "-"
    return " ".join(str(part) for part in (content.quantity, content.article, content.text) if part not in ("", None))
