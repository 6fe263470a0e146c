"""Where a development machine keeps its own things."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def local_folder() -> Path:
    """Return the ignored folder for keys and data: `.local` of the checkout, or what KINGSYNC_LOCAL names."""
    return Path(os.environ.get("KINGSYNC_LOCAL") or CHECKOUT / ".local").resolve()
