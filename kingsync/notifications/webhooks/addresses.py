"""Which addresses a webhook may have, and how they are split: the same rules as for connections.

An address may have a query, as those of Teams do. Tenants enter addresses: none may lead into our own network.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.conf import settings

from integrations import errors
from integrations.addresses import AddressPolicy

SYSTEM = "webhook"


def policy() -> AddressPolicy:
    return AddressPolicy(private_hosts=tuple(settings.PRIVATE_HOSTS))


def is_allowed(address: str) -> bool:
    """Return whether an address may be entered; what its name resolves to is checked by each connection."""
    base, _mark, query = address.partition("?")
    if "#" in query or any(sign.isspace() or not sign.isprintable() for sign in query):
        return False
    try:
        policy().check_url(base, system=SYSTEM)
    except errors.ConfigurationError:
        return False
    return True


def split(address: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the address without its query, and the query."""
    base, _mark, query = address.partition("?")
    return base, parse_qsl(query, keep_blank_values=True)
