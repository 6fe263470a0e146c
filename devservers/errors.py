"""The error of the embedded servers, with a message for the user at the terminal."""

from __future__ import annotations


class ServersError(RuntimeError):
    """The embedded servers cannot be used; the message says why and what to do."""
