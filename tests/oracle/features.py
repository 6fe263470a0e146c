"""What random work orders may hold. Each name is found by the rules in the work orders that ask for it."""

from __future__ import annotations

import os

# Not in the product yet: work orders that ask for it are left out, unless `--with` names it (in the tests the
# variable below; `all` names all of them). Empty this when the product has it all.
WITH = "KINGSYNC_ORACLE_WITH"
NOT_YET = frozenset(
    {
        "blocked_debtor_of_linked",  # King refuses every line of an order whose debtor is blocked: rejected
        "credit_approval",  # an order with a credit line is not approved by itself
        "free_line_price",  # a free line carries OutSmart's price
        "large_number",  # a number that King cannot hold refuses its line
        "line_identity",  # 001 for 1, or an EAN code for the number, is no other line
        "other_customer",  # an order of another customer is held; the setting order_of_other_customer
        "refused_by_king",  # a text or price that King refuses is known before; a refusal costs no line below it
        "several_reasons",  # rejected before held before incomplete, and every reason is listed
        "unreadable",  # what cannot be read is rejected in the ledger
    }
)

# The contract does not say what these become, so nothing is compared.
SILENT = frozenset(
    {
        "silent_finished_on",  # which of a work order's dates tells when the work was finished, where they differ
        "silent_total_hours",  # whether the hours of a refused period count in `total_hours`
    }
)


def left_out() -> frozenset[str]:
    """Return what random work orders do without in this process."""
    wanted = set(os.environ.get(WITH, "").split())
    return frozenset() if "all" in wanted else NOT_YET - wanted
