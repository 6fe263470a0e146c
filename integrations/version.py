"""The version of this program: the one place that says it."""

from __future__ import annotations

VERSION = "0.1.0"
# What the servers of both systems see in their logs.
USER_AGENT = f"kingsync/{VERSION}"
