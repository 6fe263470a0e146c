"""Which requests bring files. A separate module, because the web server needs it before Django is set up."""

from __future__ import annotations

from django.urls import Resolver404, resolve


def is_upload(method: str, path: str) -> bool:
    """Return whether a request brings files, which are read as they arrive."""
    try:
        return method == "POST" and resolve(path).view_name == "king_files"
    except Resolver404:
        return False
