"""Where a development machine keeps its own things."""

from __future__ import annotations

import os
from pathlib import Path

# The folder that the packages are in: of the source code, or of an installation.
CHECKOUT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return where things are made: the checkout; with an installed package the folder where it is started."""
    return CHECKOUT if (CHECKOUT / "manage.py").exists() else Path.cwd()


def local_folder() -> Path:
    """Return the ignored folder for keys and data: `.local` at home, or what KINGSYNC_LOCAL names."""
    return Path(os.environ.get("KINGSYNC_LOCAL") or home() / ".local").resolve()
