"""The signature of a delivery: who knows the secret can tell that it came from here, is whole, and is not old."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Kingsync-Signature"


def of(body: bytes, *, secret: str, at: int) -> str:
    """Return the header's value: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" in hex>`."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"
