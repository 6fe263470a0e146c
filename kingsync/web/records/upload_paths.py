"""Which requests bring files. Apart, because the web server asks before Django is set up."""

from __future__ import annotations

from django.urls import Resolver404, resolve


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request brings files, which are read while they come in."""
    try:
        return method == "POST" and resolve(path).view_name == "king_files"
    except Resolver404:
        return False
