"""What differs between a work order as exported and as it is now, in a few words per line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from kingsync.rules import conflicts, matching
from kingsync.rules.differences import Differences, same
from kingsync.rules.outcomes import shown
from kingsync.rules.plans import Content, Plan, SavedLine

# Of a text that was written the log shows the beginning, and of many lines the first.
TEXT_SHOWN, LINES_SHOWN = 60, 20


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


def written(steps: Differences, before: Mapping[str, SavedLine], refused: Collection[str]) -> list[str]:
    """Return `label: old → new` for each line that these steps wrote, at most `LINES_SHOWN` and then "…".

    `before` are the saved lines from before the steps; `refused` the references of lines that King refused.
    """
    found = list(_written(steps, before, refused))
    return [*found[:LINES_SHOWN], "…"] if len(found) > LINES_SHOWN else found


def _written(steps: Differences, before: Mapping[str, SavedLine], refused: Collection[str]) -> Iterator[str]:
    wanted = [*(step.line for step in steps.changes), *(step.line for step in steps.additions)]
    for line in wanted:
        saved = before.get(line.reference)
        old = saved.sent if saved else None
        is_as_before = old is not None and same(old, line.content)  # deleted and added again below another line
        if line.reference not in refused and not is_as_before:
            yield _change(line.origin.label, old, line.content)
    kept = {line.reference for line in wanted}
    for reference in (step.reference for step in steps.removals if step.reference not in kept):
        saved = before.get(reference)
        if saved is not None:
            yield _change(matching.label_of(saved), saved.sent, None)


def _change(label: str, old: Content | None, new: Content | None) -> str:
    return f"{label}: {shown(described(old), TEXT_SHOWN)} → {shown(described(new), TEXT_SHOWN)}"


def _contents(plan: Plan | None) -> dict[str, Content]:
    return {line.reference: line.content for line in plan.lines} if plan else {}


def described(content: Content | None) -> str:
    """Return a line's content for display: quantity, article, text; "-" for none."""
    if content is None:
        return "-"
    return " ".join(str(part) for part in (content.quantity, content.article, content.text) if part not in ("", None))
