"""What random work orders may contain. The rules find each name in the work orders that need it."""

from __future__ import annotations

import os

# What the product does not do yet: work orders that need it are left out, unless `--with` names it (in the tests
# the variable below; `all` names all of them).
WITH = "KINGSYNC_ORACLE_WITH"
NOT_YET: frozenset[str] = frozenset()

# The contract does not say what these become, so nothing is compared.
SILENT = frozenset(
    {
        "silent_finished_on",  # which of a work order's dates says when the work was finished, where they differ
        "silent_total_hours",  # whether the hours of a refused period count in `total_hours`
    }
)


def left_out() -> frozenset[str]:
    """Return which features random work orders do without in this process."""
    wanted = set(os.environ.get(WITH, "").split())
    return frozenset() if "all" in wanted else NOT_YET - wanted
