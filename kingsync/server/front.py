"""Between web server and application: threads work on complete requests only and never wait for a slow client."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from kingsync.server import wsgi
from kingsync.server.intake import Body, GoneError, Message, Receive, Stream, TooLargeError, TooSlowError
from kingsync.server.pace import Clock, Pace

Send: TypeAlias = Callable[[Message], Awaitable[None]]
# WSGI environment key of a request that was not read: the reason, for the page that shows it.
REFUSED = "kingsync.refused"
PIECE = 64 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of one server process for all its visitors together."""

    page_threads: int
    upload_threads: int
    # The largest request that is not an upload, and the memory that all such incoming requests may take together.
    most_bytes: int
    most_bytes_at_once: int
    pace: Pace
    # How long a refused upload is still read, so that its sender sees why.
    linger_seconds: float


class Front:
    """An ASGI application around a WSGI one."""

    def __init__(self, application: wsgi.Application, limits: Limits, *, is_upload: Callable[[str, str], bool]) -> None:
        self._application, self._limits, self._is_upload = application, limits, is_upload
        self._pages = ThreadPoolExecutor(limits.page_threads, "page")
        # Uploads are read as they arrive, so they have their own threads: pages never wait for them.
        self._uploads = ThreadPoolExecutor(limits.upload_threads, "upload")
        self._bytes_at_once = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        length = _length(scope["headers"])
        body = Body(receive, pace=self._limits.pace, has_body=length != 0)
        try:
            if self._is_upload(scope["method"], scope["path"]):
                answer = await self._stream(scope, body)
            else:
                answer = await self._whole(scope, body, length)
        except GoneError:
            return
        with answer.content:
            await self._deliver(answer, send)
        await body.throw_away(seconds=self._limits.linger_seconds)

    async def _whole(self, scope: Any, body: Body, length: int | None) -> wsgi.Answer:
        """Read the request, then let a thread answer it."""
        most = self._limits.most_bytes
        reserved = min(most if length is None else length, most)
        if length is not None and length > most:
            return await self._refuse(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if self._bytes_at_once + reserved > self._limits.most_bytes_at_once:
            return await self._refuse(scope, HTTPStatus.SERVICE_UNAVAILABLE)
        self._bytes_at_once += reserved
        try:
            content = await body.whole(most_bytes=most)
        except TooLargeError:
            return await self._refuse(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except TooSlowError:
            return await self._refuse(scope, HTTPStatus.REQUEST_TIMEOUT)
        finally:
            self._bytes_at_once -= reserved
        environ = wsgi.environment(scope, io.BytesIO(content))
        # A chunked body came without its length, and Django reads nothing without one.
        environ["CONTENT_LENGTH"] = str(len(content))
        return await self._work(self._pages, environ)

    async def _stream(self, scope: Any, body: Body) -> wsgi.Answer:
        """Let an upload thread read the request: it checks first who is sending."""
        stream = io.BufferedReader(Stream(body, asyncio.get_running_loop()), PIECE)
        answer = await self._work(self._uploads, wsgi.environment(scope, stream))
        if not body.was_too_slow:
            return answer
        # An error in the page caused by half a form is not the reason.
        answer.content.close()
        return await self._refuse(scope, HTTPStatus.REQUEST_TIMEOUT)

    async def _refuse(self, scope: Any, status: HTTPStatus) -> wsgi.Answer:
        """Let the application answer why a request was not read; it gets no body."""
        environ = wsgi.environment(scope, io.BytesIO()) | {"CONTENT_LENGTH": "0", REFUSED: status}
        return await self._work(self._pages, environ)

    async def _work(self, threads: ThreadPoolExecutor, environ: wsgi.Environment) -> wsgi.Answer:
        return await asyncio.get_running_loop().run_in_executor(threads, wsgi.work, self._application, environ)

    async def _deliver(self, answer: wsgi.Answer, send: Send) -> None:
        """Send the answer as fast as the client takes it, and disconnect clients that are too slow."""
        clock = Clock(self._limits.pace)
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers()})
            piece = answer.content.read(PIECE)
            while True:
                following = answer.content.read(PIECE) if piece else b""
                async with clock.limit():
                    await send({"type": "http.response.body", "body": piece, "more_body": bool(following)})
                if not following:
                    return
                clock.count(len(piece))
                piece = following
        except TimeoutError:
            logger.info("front.too_slow: a visitor took the answer too slowly")


def _length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """Return the length of the body; None for a chunked one without a length."""
    sent = {name.lower(): value for name, value in headers}
    if b"transfer-encoding" in sent:
        return None
    try:
        return int(sent.get(b"content-length", b"0"))
    except ValueError:
        return None
