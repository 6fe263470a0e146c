"""What the index of the search over master data finds."""

from __future__ import annotations

from kingsync.models import links
from kingsync.models.links import RecordLink


def found_by(part: str) -> list[str]:
    """Return the numbers of the records that the index, or what it does not have yet, finds."""
    keys = links.keys_with(part, at_most=10)
    return list(RecordLink.objects.filter(pk__in=keys or []).order_by("king_id").values_list("king_id", flat=True))
