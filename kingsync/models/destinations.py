"""Where and how the secrets of a connection travel, and whether stored ones may go there without being typed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kingsync.models.connections import Connection

SECRET = "***"  # noqa: S105  (what stands for a stored secret in a tenant file)
SECRET_KEYS = {"outsmart": ("token", "software_token", "bearer_token"), "king": ("access_code",)}
CODES = "access_codes"
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Destination:
    """Everything that decides who can read a secret in transit and at the other end."""

    base_url: str = ""
    administration: str = ""
    verify_tls: bool = True
    ca_certificate: str = ""

    @classmethod
    def of(cls, connection: Connection) -> Destination:
        return cls(connection.base_url, connection.administration, connection.verify_tls, connection.ca_certificate)


def may_follow(*, stored: Destination, wanted: Destination) -> bool:
    """Return whether secrets stored for one destination may be sent to the other without being typed again.

    Otherwise any editor could read them by sending them to a server of their own. Turning certificate verification on
    only narrows who can read them; nothing is sent without an address.
    """
    if not wanted.base_url:
        return True
    is_still_checked = wanted.verify_tls or not stored.verify_tls
    return is_still_checked and _place(stored) == _place(wanted)


def untyped_secrets(stored: Mapping[str, Any], given: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the paths of stored secrets that a tenant file would send elsewhere without giving them.

    `stored` and `wanted` are whole tenant files, before and after; `given` is what the file itself contains.
    """
    return [
        f"{system}.{path}"
        for system in SECRET_KEYS
        if stored and not may_follow(stored=_destination(stored[system]), wanted=_destination(wanted[system]))
        for path in _kept(system, stored[system], given.get(system) or {})
    ]


def _kept(system: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    for key in SECRET_KEYS[system]:
        if stored[key] and given.get(key, SECRET) == SECRET:
            yield key
    codes = stored.get(CODES) or {}
    given_codes = given.get(CODES, dict.fromkeys(codes, SECRET))
    yield from (f"{CODES}.{name}" for name in codes if given_codes.get(name) == SECRET)


def _destination(section: Mapping[str, Any]) -> Destination:
    names = Destination.__dataclass_fields__
    return Destination(**{name: section[name] for name in names if name in section})


def _place(of: Destination) -> tuple[object, ...]:
    # PEM reads the same whatever white space a form or a file puts between its lines.
    return _address(of.base_url), of.administration, of.ca_certificate.split()


def _address(base_url: str) -> tuple[object, ...]:
    """Return the normalised address; only spellings that lead to the same place are equal."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return (base_url,)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme, parts.username, parts.password, host, port, parts.path.rstrip("/"), parts.query, parts.fragment
