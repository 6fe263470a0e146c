"""Policy for the addresses that a connection may use. Tenants enter them, so they must not reach our own network."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from integrations import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # NAT64: the last four bytes are an IPv4 address
# Suffixes that no public name has (RFC 6761, RFC 6762, ICANN's .internal), and common ones of companies.
_PRIVATE_SUFFIXES = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"})
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")


class ForbiddenAddressError(Exception):
    """Raised for a host without an address that we may connect to. Never leaves `integrations`."""


class AddressPolicy(msgspec.Struct, frozen=True):
    """What a deployment allows.

    `private_hosts` are names, addresses or networks that may be private and may use plain http;
    `plain_http` allows http to every host that may be reached at all.
    """

    private_hosts: tuple[str, ...] = ()
    plain_http: bool = False

    def check_url(self, url: str, *, system: str = "") -> None:
        """Raise ConfigurationError when the base address `url` may not be used.

        Names are not resolved here: each connection checks what they resolve to.
        """
        self._refuse(self._problem(url), system)

    def check_unresolved(self, url: str, *, system: str = "") -> None:
        """Raise ConfigurationError when a proxy may not be asked for `url`: its look-up of the name is not checked."""
        self._refuse(_unresolved_problem(urlsplit(url).hostname or ""), system)

    def is_direct(self, url: str) -> bool:
        """Return whether the operator lists the host: it is in our own network, so no proxy is needed."""
        return self._is_private_host(urlsplit(url).hostname or "")

    def _refuse(self, problem: str, system: str) -> None:
        if problem:
            raise errors.ConfigurationError(
                system=system, operation="address", reason="forbidden_address", detail=problem
            )

    def allows(self, *, host: str, address: str) -> bool:
        """Return whether `address`, resolved from the name `host`, may be connected to."""
        return self._names(host) or self._allows_address(ipaddress.ip_address(address))

    def _problem(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return "it cannot be read"
        if not host or port == 0 or any(sign.isspace() or sign == "\\" or not sign.isprintable() for sign in url):
            return "it cannot be read"
        if parts.username is not None or "?" in url or "#" in url:
            return "it holds a user name, a query or a fragment"
        return self._scheme_problem(parts, host) or self._literal_problem(host)

    def _scheme_problem(self, parts: SplitResult, host: str) -> str:
        if parts.scheme == "https":
            return ""
        if parts.scheme != "http":
            return "it does not begin with https://"
        return "" if self.plain_http or self._is_private_host(host) else "plain http is not allowed"

    def _literal_problem(self, host: str) -> str:
        literal = _literal(host)
        if literal is None or self._allows_address(literal):
            return ""
        return "it is a private or special address"

    def _is_private_host(self, host: str) -> bool:
        literal = _literal(host)
        return self._names(host) or (literal is not None and self._lists(literal))

    def _names(self, host: str) -> bool:
        wanted = host.rstrip(".").casefold()
        return any(wanted == entry.rstrip(".").casefold() for entry in self.private_hosts)

    def _lists(self, address: Address) -> bool:
        return any(address in network for network in map(_network, self.private_hosts) if network is not None)

    def _allows_address(self, address: Address) -> bool:
        inner = _innermost(address)
        return self._lists(inner) or self._lists(address) or _is_public(inner)


def _unresolved_problem(host: str) -> str:
    """Return why a name may lead the proxy into a private network.

    What a public name resolves to is up to the proxy.
    """
    if _literal(host) is not None:
        return ""
    *parents, last = host.rstrip(".").casefold().split(".")
    if not parents or last in _PRIVATE_SUFFIXES or host.rstrip(".").casefold().endswith(".home.arpa"):
        return "it is a name of a private network"
    # Resolvers read "127.1" and "0x7f.0.0.1" as addresses.
    return "it is an address in an unusual notation" if _NUMBER.fullmatch(last) else ""


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None  # a host name


def _innermost(address: Address) -> Address:
    """Return the IPv4 address inside a mapped or translated IPv6 address, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_public(address: Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    return address.is_global and not special and not address.is_unspecified
