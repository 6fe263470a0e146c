"""Whether a key from the environment is long and random enough to protect anything."""

from __future__ import annotations

SHORTEST, FEWEST_DIFFERENT = 32, 12


def problem_of(key: str) -> str:
    """Return what is wrong with a key, without any of its text; "" when nothing is."""
    if len(key) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if len(set(key)) < FEWEST_DIFFERENT:
        return f"has fewer than {FEWEST_DIFFERENT} different characters"
    return ""
