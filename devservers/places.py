"""Where a development machine keeps its local files."""

from __future__ import annotations

import os
from pathlib import Path

# The folder that contains the packages: of the source code, or of an installation.
CHECKOUT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return where files are created: the checkout; with an installed package the working directory."""
    return CHECKOUT if (CHECKOUT / "manage.py").exists() else Path.cwd()


def local_folder() -> Path:
    """Return the git-ignored folder for keys and data: `.local` at home, or KINGSYNC_LOCAL."""
    return Path(os.environ.get("KINGSYNC_LOCAL") or home() / ".local").resolve()
