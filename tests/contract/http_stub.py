"""A transport that does not really wait, and what it reported."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from integrations.addresses import AddressPolicy
from integrations.calls import LIST_ANSWER_BYTES, Call, Operation
from integrations.connections import NO_PROXY
from integrations.proxies import Proxy
from integrations.transport import Transport, no_words

LOOPBACK = AddressPolicy(("127.0.0.1",))
# Limits that only a hang reaches.
READ = Operation(name="Lezen", connect_timeout=60.0, read_timeout=60.0, visible_query=frozenset({"status"}))
WRITE = Operation(name="Schrijven", method="POST", is_write=True, connect_timeout=60.0, read_timeout=60.0)


def hasty(operation: Operation, seconds: float) -> Operation:
    """Return the operation with a total limit, the only one that counts."""
    return msgspec.structs.replace(operation, total_seconds=seconds)


def impatient(operation: Operation) -> Operation:
    """Return the operation with a read time-out of one second."""
    return msgspec.structs.replace(operation, read_timeout=1.0)


def narrow(operation: Operation, max_bytes: int) -> Operation:
    """Return the operation with a smaller maximum answer."""
    return msgspec.structs.replace(operation, max_bytes=max_bytes)


class HttpStub:
    """Wraps a transport: `waits` are the seconds it would have waited, `calls` what it would have logged."""

    def __init__(
        self,
        policy: AddressPolicy = LOOPBACK,
        *,
        attempts: int = 3,
        memory_bytes: int = LIST_ANSWER_BYTES,
        verify: bool = True,
        ca_certificate: str = "",
        proxy: Proxy = NO_PROXY,
    ) -> None:
        self.waits: list[float] = []
        self.calls: list[Call] = []
        self.transport = Transport(
            "king",
            policy=policy,
            verify=verify,
            ca_certificate=ca_certificate,
            proxy=proxy,
            on_call=self.calls.append,
            sleep=self.waits.append,
            random=lambda: 1.0,
            attempts=attempts,
            memory_bytes=memory_bytes,
        )

    def send(
        self,
        operation: Operation,
        url: str,
        *,
        query: tuple[tuple[str, str], ...] = (),
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        describe: Callable[[bytes], tuple[str, str]] = no_words,
    ) -> bytes:
        """Make the call and return the body of its answer."""
        return self.transport.send(
            operation,
            url,
            read=lambda answer: answer.body,
            query=query,
            headers=headers,
            body=body,
            describe=describe,
        )
