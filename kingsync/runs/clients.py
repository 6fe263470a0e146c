"""Connection → ready client. The only place where credentials are decrypted."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

from django.conf import settings

from integrations import errors
from integrations.addresses import AddressPolicy
from integrations.calls import LIST_ANSWER_BYTES
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from integrations.proxies import Proxy
from integrations.transport import Transport
from kingsync.database import lending
from kingsync.models.connections import Connection, System
from kingsync.models.turns import Caller
from kingsync.rules.outcomes import reason
from kingsync.runs import failed_calls, turns
from kingsync.runs.lifecycle import Claim
from kingsync.runs.refusals import RefusedError
from kingsync.watch import calls

# The largest answer for which a run in this process has memory; set once, when the process begins.
_memory_bytes = LIST_ANSWER_BYTES


def limit_memory(largest_answer: int) -> None:
    """Let runs of this process raise `errors.TooLargeHereError` where an answer is larger than this many bytes."""
    global _memory_bytes  # noqa: PLW0603  (of the process, as the threads that share it are)
    _memory_bytes = largest_answer


class NotConnectedError(RefusedError):
    """The tenant has no usable connection to this system."""


def connection_of(system: System) -> Connection:
    """Return the current tenant's connection; raises `NotConnectedError`."""
    return _one_of(_connected(Connection.objects.filter(system=system)), system)


def _connected(connections: Iterable[Connection]) -> dict[str, Connection]:
    return {each.system: each for each in connections if each.is_connected}


def _one_of(connected: Mapping[str, Connection], system: System) -> Connection:
    if system not in connected:
        raise not_connected(system)
    return connected[system]


def not_connected(system: System) -> NotConnectedError:
    """Return the error that asks users to fill in a connection."""
    return NotConnectedError(reason("no_connection", system=str(system.label)))


def policy_of(system: str) -> AddressPolicy:
    """Return which addresses this deployment allows: King may be plain http if the operator permits it."""
    plain_http = settings.KING_PLAIN_HTTP and system == System.KING
    return AddressPolicy(private_hosts=tuple(settings.PRIVATE_HOSTS), plain_http=plain_http)


@contextmanager
def both(caller: Caller = Caller.PAGE, *, claim: Claim | None = None) -> Iterator[tuple[OutSmartClient, KingClient]]:
    """Return clients of both systems of the current tenant. Raises `NotConnectedError`, `DecryptionError`."""
    with _both(_connected(Connection.objects.all()), caller, claim) as clients:
        yield clients


@contextmanager
def _both(
    connected: Mapping[str, Connection], caller: Caller, claim: Claim | None
) -> Iterator[tuple[OutSmartClient, KingClient]]:
    outsmart_connection, king_connection = _one_of(connected, System.OUTSMART), _one_of(connected, System.KING)
    with (
        transport_of(outsmart_connection, claim=claim) as one,
        transport_of(king_connection, caller, claim=claim) as other,
    ):
        yield outsmart(outsmart_connection, one), king(king_connection, other)


@contextmanager
def for_import(claim: Claim) -> Iterator[tuple[OutSmartClient, KingClient | None]]:
    """Return OutSmart's client, and King's if it has webservices: imports may read files instead. Raises as `both`."""
    connected = _connected(Connection.objects.all())
    if System.KING in connected:
        with _both(connected, Caller.IMPORT, claim) as clients:
            yield clients
        return
    outsmart_connection = _one_of(connected, System.OUTSMART)
    with transport_of(outsmart_connection, claim=claim) as transport:
        yield outsmart(outsmart_connection, transport), None


def outsmart(connection: Connection, transport: Transport) -> OutSmartClient:
    """Return a client of the tenant's OutSmart. Raises `DecryptionError`, `ConfigurationError`."""
    credentials = connection.credentials
    return OutSmartClient(
        base_url=connection.base_url,
        token=credentials.get("token", ""),
        software_token=credentials.get("software_token") or _operators_token(connection),
        bearer_token=credentials.get("bearer_token", ""),
        transport=transport,
    )


def _operators_token(connection: Connection) -> str:
    """Return the operator's software token; raises `ConfigurationError` where a tenant's address leads elsewhere.

    Tenants type addresses, and the token gives access to more than their own data: it is sent only to hosts that the
    operator named.
    """
    if not settings.OUTSMART_SOFTWARE_TOKEN or _is_outsmarts_own(connection):
        return settings.OUTSMART_SOFTWARE_TOKEN
    raise errors.ConfigurationError(system=connection.system, operation="address", reason="software_token")


def _is_outsmarts_own(connection: Connection) -> bool:
    host = (urlsplit(connection.base_url).hostname or "").rstrip(".")
    is_checked = connection.verify_tls and not connection.ca_certificate
    return is_checked and (host in map(str.casefold, settings.OUTSMART_HOSTS) or _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    # Only reached if PRIVATE_HOSTS lists it, where no one but the operator runs servers: the sandbox.
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def king(connection: Connection, transport: Transport) -> KingClient:
    """Return a client of the tenant's King; raises `DecryptionError`."""
    credentials = connection.credentials
    return KingClient(
        base_url=connection.base_url,
        administration=connection.administration,
        access_code=credentials.get("access_code", ""),
        access_codes=credentials.get("access_codes", {}),
        busy_codes=tuple(connection.busy_codes),
        sql_timeout=connection.sql_timeout,
        transport=transport,
        write_timeout=settings.KING_WRITE_TIMEOUT,
    )


@contextmanager
def transport_of(
    connection: Connection, caller: Caller = Caller.PAGE, *, claim: Claim | None = None
) -> Iterator[Transport]:
    """Return the transport of a connection; the current run, if any, records failed calls.

    King gets one call at a time per administration. No call begins once the claim's time is over. Raises
    `ConfigurationError` when the address is not allowed.
    """
    policy = policy_of(connection.system)
    policy.check_url(connection.base_url, system=connection.system)
    failed = failed_calls.current()
    with (
        _alone(connection, caller, claim) as alone,
        Transport(
            connection.system,
            policy=policy,
            proxy=Proxy(settings.OUTGOING_PROXY),
            verify=connection.verify_tls,
            ca_certificate=connection.ca_certificate,
            on_failed_call=failed.hear if failed else None,
            on_timing=calls.listener(),
            alone=alone,
            sleep=lending.sleep,
            memory_bytes=_memory_bytes if claim and not claim.run.is_large else LIST_ANSWER_BYTES,
        ) as transport,
    ):
        yield transport


def _patience_seconds(caller: Caller, claim: Claim | None) -> float:
    if caller == Caller.VERIFICATION:
        return turns.VERIFICATION_PATIENCE_SECONDS
    return turns.RUN_PATIENCE_SECONDS if claim else turns.PAGE_PATIENCE_SECONDS


@contextmanager
def _alone(
    connection: Connection, caller: Caller, claim: Claim | None
) -> Iterator[Callable[[], AbstractContextManager[object]]]:
    if connection.system != System.KING:
        yield lambda: _in_time(claim)
        return
    turn = turns.Turn(
        turns.key_of(connection),
        caller,
        patience_seconds=_patience_seconds(caller, claim),
        on_wait=claim.renew_lease if claim else None,
        until=claim.limit_at if claim else math.inf,
    )
    try:
        yield lambda: _held_in_time(turn, claim)
    finally:
        turn.close()


@contextmanager
def _in_time(claim: Claim | None) -> Iterator[None]:
    """Raise `LostClaimError` instead of beginning a call, when the run is another worker's by now.

    A run needs no session while the other system answers.
    """
    if claim is None:
        yield
        return
    claim.require_time()
    with lending.parked():
        yield


@contextmanager
def _held_in_time(turn: turns.Turn, claim: Claim | None) -> Iterator[None]:
    with turn.held(), _in_time(claim):
        yield
