"""`python -m tests.browser.screenshots [FOLDER]`: a picture of every page, with its own servers and data.

Pictures go below FOLDER (default `.local/screenshots`) by look: Dutch and English, dark, narrow.
SCREENSHOTS_ONLY="start runs" takes only those.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from devservers.places import local_folder

CAMERA = "tests/browser/visual/camera.py"


def main(arguments: list[str]) -> int:
    """Take the pictures; return 0 when all of them are there."""
    folder = Path(arguments[0] if arguments else local_folder() / "screenshots").resolve()
    os.environ["SCREENSHOTS_FOLDER"] = str(folder)
    code = pytest.main([CAMERA, "--quiet", "--no-header", "-p", "no:cacheprovider"])
    print(f"{sum(1 for _ in folder.rglob('*.png'))} pictures in {folder}")  # noqa: T201
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
