"""The proxy through which calls leave a closed network, if the deployment has one."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit

import msgspec

HEADER = "Proxy-Authorization"


class Proxy(msgspec.Struct, frozen=True):
    """A proxy's address, `http://user:password@host:port`; "" means none. Shows nothing of itself in logs."""

    url: str = ""

    def __bool__(self) -> bool:
        return bool(self.url)

    def __repr__(self) -> str:
        return "<proxy>" if self.url else "<no proxy>"

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown, as written and as sent."""
        password = urlsplit(self.url).password or ""
        return tuple(filter(None, {password, unquote(password), self.authorization.partition(" ")[2]}))

    @property
    def authorization(self) -> str:
        """Return the header's value with the user and password; "" when there are none."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return ""
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return f"Basic {b64encode(pair.encode()).decode()}"


def problem_of(url: str) -> str:
    """Return what is wrong with a proxy's address, without any of its text; "" when nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read"
    if parts.scheme != "http" or not parts.hostname or not port:
        return "is not like http://proxy.example:3128"
    if parts.path not in {"", "/"} or parts.query or parts.fragment or any(sign.isspace() for sign in url):
        return "holds more than a host, a port, a user and a password"
    return ""
