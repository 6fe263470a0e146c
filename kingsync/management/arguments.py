"""Arguments that no command can use, whatever the command is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kingsync.rules.storable import is_storable

REFUSED = 2


def require_readable(arguments: Sequence[str]) -> None:
    """End with a sentence where an argument is not text: the system hands over unknown bytes as half surrogates."""
    for place, each in enumerate(arguments):
        if not is_storable(each):
            sys.stderr.write(f"Argument {place} is not text in UTF-8, so nothing was done. Type it again.\n")
            sys.exit(REFUSED)
