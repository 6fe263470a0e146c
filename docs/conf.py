"""The documentation as a site (`make site`): Sphinx reads this file, the sources are the checkout's Markdown files."""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from integrations.version import VERSION  # noqa: E402 - found in the checkout

project = "kingsync"
version = release = VERSION
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "docs/decisions/*.md"]
exclude_patterns = [
    ".venv",
    ".local",
    ".git",
    "**/__pycache__",
    "bench",
    "devservers",
    "kingsync",
    "sandboxes",
    "tests",
]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
# GitHub's form of notes and the like stays readable there; no more extensions than these pages need.
myst_enable_extensions: list[str] = []
html_theme = "furo"
html_title = f"kingsync {VERSION}"
html_copy_source = html_show_sourcelink = False
html_show_copyright = False
