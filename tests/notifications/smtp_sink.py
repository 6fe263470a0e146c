"""A mail server for tests: it keeps what it accepts, and refuses or delays what it is told to."""

from __future__ import annotations

import asyncio
import email
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """`refused` are its answers by address; while `is_silent` it answers no recipient."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, Message]] = []
        self.refused: dict[str, str] = {}
        self.tried: list[str] = []
        self.senders: list[str] = []  # of the envelopes
        self.is_silent = False

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        self.tried.append(address)
        while self.is_silent:
            await asyncio.sleep(0.05)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's)
        mail = email.message_from_bytes(envelope.content)
        self.senders.append(envelope.mail_from)
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        return "250 OK"

    def addresses(self) -> list[str]:
        return [address for address, _mail in self.mails]


@contextmanager
def listening() -> Iterator[tuple[Sink, int]]:
    """Listen on a free port of loopback, in a thread of its own."""
    sink, loop = Sink(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        # In that thread: ours may have a loop that runs already, as in the browser tests.
        starting = loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(starting, loop).result()
        yield sink, server.sockets[0].getsockname()[1]
    finally:
        sink.is_silent = False
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Close the server, and end what is left of conversations."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
