"""The one error of the embedded servers: a sentence for the person at the terminal."""

from __future__ import annotations


class ServersError(RuntimeError):
    """The embedded servers cannot be used; the text says why and what to do."""
