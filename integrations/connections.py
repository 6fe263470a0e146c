"""Connections that check the address after its name is resolved: a second look-up may give another one."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.retry import Retry

from integrations import errors, sockets
from integrations.addresses import AddressPolicy, ForbiddenAddressError
from integrations.proxies import HEADER, Proxy
from integrations.sockets import progress

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests.adapters import _HostParams, _PoolKwargs
    from urllib3.connection import BaseHTTPConnection  # type: ignore[attr-defined]


NO_PROXY = Proxy()

# Some of urllib3's own messages contain whole addresses, and so the tokens in them.
for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(lambda _record: False)


def tls_context(*, verify: bool | str, ca_certificate: str, system: str) -> ssl.SSLContext:
    """Return the TLS settings of one connection; its sockets obey deadlines. See `_checking`."""
    context = _checking(verify=verify, ca_certificate=ca_certificate, system=system)
    context.sslsocket_class = sockets.LimitedTlsSocket
    return context


def _checking(*, verify: bool | str, ca_certificate: str, system: str) -> ssl.SSLContext:
    """Return settings that check the other side's certificate, or not.

    `ca_certificate` (PEM) is trusted instead of the public authorities, and so is the bundle at the path `verify`.
    `verify=False` checks nothing. Raises ConfigurationError when the certificate cannot be read.
    """
    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not ca_certificate:
        return _trusting(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    try:
        context = ssl.create_default_context(cadata=ca_certificate)
    except (ssl.SSLError, ValueError):
        raise errors.ConfigurationError(
            system=system, operation="address", reason="configuration", detail="the CA certificate cannot be read"
        ) from None
    # Self-made certificates: a leaf may itself be trusted, and Python 3.13's strict mode refuses many of them.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@functools.lru_cache(maxsize=4)
def _trusting(bundle: str) -> ssl.SSLContext:
    """Return the cached context of a bundle: loading one takes as long as many a call, and nothing changes it later."""
    return ssl.create_default_context(cafile=bundle)


class GuardedAdapter(HTTPAdapter):
    """An HTTPAdapter with our connections, our TLS settings (made at the first https address) and no retries."""

    def __init__(self, *, policy: AddressPolicy, tls: Callable[[], ssl.SSLContext], proxy: Proxy = NO_PROXY) -> None:
        self._policy = policy
        self._proxy = proxy
        self._tls = tls
        super().__init__(max_retries=Retry(0, read=False))

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block=block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._policy)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        """Return what makes connections to the proxy: the operator's choice, so its address may be private."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = _pool_classes(AddressPolicy(private_hosts=(self._proxy.host,)))
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002  (there is one)
        """Return what CONNECT carries."""
        return {HEADER: self._proxy.authorization} if self._proxy.authorization else {}

    def proxies_for(self, request: PreparedRequest) -> dict[str, str]:
        """Return the proxy of a request; a plain one carries the password itself, since there is no CONNECT."""
        url = str(request.url)
        if not self._proxy or self._policy.is_direct(url):
            return {}
        if url.startswith("http:") and self._proxy.authorization:
            request.headers[HEADER] = self._proxy.authorization
        return {"http": self._proxy.url, "https": self._proxy.url}

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str | None, cert: Any = None
    ) -> tuple[_HostParams, _PoolKwargs]:
        host, tls = super().build_connection_pool_key_attributes(request, verify is not False, cert)
        if host["scheme"] == "https":
            tls["ssl_context"] = self._tls()
        return host, tls

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the TLS context decides everything, and requests would add its own bundle to it."""


class _Guarded(HTTPConnection):
    """A connection that only goes to addresses allowed by the policy."""

    policy = AddressPolicy()

    def connect(self) -> None:
        progress.is_connecting = True
        super().connect()
        progress.is_connecting = False

    def _new_conn(self) -> socket.socket:
        name, longest = self._dns_host, self.timeout
        addresses = [found for found in self._resolve(name) if self.policy.allows(host=name, address=found)]
        if not addresses:
            raise ForbiddenAddressError
        while len(addresses) > 1:
            with contextlib.suppress(NewConnectionError, ConnectTimeoutError):
                return self._connect_to(addresses[0], name, longest, share=len(addresses))
            del addresses[0]
        return self._connect_to(addresses[0], name, longest)

    def _connect_to(self, address: str, name: str, longest: float | None, *, share: int = 1) -> socket.socket:
        """Connect to one of `share` addresses still to be tried, within that share of the time left."""
        self._dns_host, self.timeout = address, min(sockets.seconds_left(longest), sockets.seconds_left() / share)
        try:
            opened = sockets.LimitedSocket(super()._new_conn())
        finally:
            self._dns_host, self.timeout = name, longest  # TLS and the Host header need the name
        opened.settimeout(sockets.seconds_left(longest))  # for the TLS handshake as a whole
        return opened

    def _resolve(self, name: str) -> list[str]:
        longest = self.timeout if self.timeout is not None else sockets.seconds_left()
        try:
            return sockets.addresses_of(name.strip("[]"), self.port, longest=longest)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            raise LocationParseError("the host name is empty or too long") from None


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same for https."""


def _pool_classes(policy: AddressPolicy) -> dict[str, type[HTTPConnectionPool]]:
    plain_connection = type("PlainConnection", (_Guarded,), {"policy": policy})
    tls_connection = type("TlsConnection", (_GuardedTls,), {"policy": policy})

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = plain_connection

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = tls_connection

        def _validate_conn(self, conn: BaseHTTPConnection) -> None:
            # As urllib3 does, without its warning: not checking is the tenant's own, visible choice.
            if conn.is_closed:
                conn.connect()

    return {"http": PlainPool, "https": TlsPool}
