"""All answers, under the headings of the help page, and by their codes."""

from __future__ import annotations

from kingsync.messages.advice import other, work_orders
from kingsync.messages.advice.answer import Advice, Answers, Text

GROUPS: tuple[tuple[Text, Answers], ...] = (*work_orders.GROUPS, *other.GROUPS)
ADVICE: dict[str, Advice] = {
    code: advice for _heading, answers in GROUPS for advice in answers for code in advice.codes.split()
}


def of(code: str) -> Advice:
    """Return the advice about a code; what is not known here is tried again by each run."""
    return ADVICE.get(code, other.NOTHING)


def codes_by_heading() -> list[tuple[str, list[str]]]:
    """Return all codes under their headings, in the order of the help page."""
    return [
        (str(heading), [code for advice in answers for code in advice.codes.split()]) for heading, answers in GROUPS
    ]
