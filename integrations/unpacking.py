"""The body of an answer, unpacked in small steps: a few bytes may hold gigabytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError

if TYPE_CHECKING:
    from zlib import _Decompress

ACCEPTED_ENCODINGS = "gzip, deflate"
_STEP_BYTES = 256 * 1024
_MOST_PARTS = 1_000
_GZIP_MARK = b"\x1f\x8b"


class TooLargeError(Exception):
    """An answer is larger than its operation allows. Never leaves `integrations`."""


def whole_body(raw: BaseHTTPResponse, *, max_bytes: int) -> bytes:
    """Return the unpacked body. Raises TooLargeError, DecodeError, and what reading raises."""
    if _is_announced_above(max_bytes, raw.headers.get("Content-Length", "")):
        raise TooLargeError
    body = io.BytesIO()  # hands its bytes over without a copy
    for piece in _unpacked(_pieces(raw, max_bytes), raw.headers.get("Content-Encoding", "")):
        if body.tell() + len(piece) > max_bytes:
            raise TooLargeError
        body.write(piece)
    return body.getvalue()


def _is_announced_above(max_bytes: int, length: str) -> bool:
    written = length.strip().lstrip("0")
    return written.isascii() and written.isdecimal() and (len(written) > 18 or int(written) > max_bytes)


def _pieces(raw: BaseHTTPResponse, max_bytes: int) -> Iterator[bytes]:
    count = 0
    while piece := raw.read1(_STEP_BYTES, decode_content=False):
        count += len(piece)
        if count > max_bytes:  # packed it is no larger than unpacked, unless the sender is malicious
            raise TooLargeError
        yield piece


def _unpacked(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    start = _STARTS.get(encoding.strip().lower())
    if start is None:
        raise DecodeError("an encoding that we did not ask for")
    try:
        yield from start(pieces)
    except zlib.error:
        raise DecodeError("broken compression") from None


def _inflated(pieces: Iterator[bytes], new: Callable[[bytes], _Decompress]) -> Iterator[bytes]:
    """Yield what the pieces hold, a step at a time. Raises DecodeError where the end is missing or it is a bomb."""
    unpacker: _Decompress | None = None
    parts = 0
    for packed in pieces:
        piece = packed
        # Several parts may follow each other; anything else after the end is ignored.
        while piece and (unpacker or not parts or piece.startswith(_GZIP_MARK)):
            if unpacker is None:
                unpacker, parts = new(piece), parts + 1
            if parts > _MOST_PARTS:  # each copies what follows it
                raise DecodeError("too many parts")
            yield from _stepwise(unpacker, piece)
            if not unpacker.eof:
                break
            piece, unpacker = unpacker.unused_data, None
    if unpacker is not None:
        raise DecodeError("the end is missing")


def _stepwise(unpacker: _Decompress, piece: bytes) -> Iterator[bytes]:
    while True:
        step = unpacker.decompress(piece, _STEP_BYTES)
        if step:
            yield step
        piece = unpacker.unconsumed_tail
        if unpacker.eof or (not piece and len(step) < _STEP_BYTES):
            return


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return _inflated(pieces, lambda _: zlib.decompressobj(16 + zlib.MAX_WBITS))


def _undeflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield deflated content with zlib's two-byte header, as it should be, or without, as some servers send it."""
    return _inflated(pieces, lambda start: zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(start) else -zlib.MAX_WBITS))


def _is_zlib(start: bytes) -> bool:
    return start[0] & 0x0F == zlib.DEFLATED and (len(start) < 2 or int.from_bytes(start[:2], "big") % 31 == 0)


_STARTS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "": iter,
    "identity": iter,
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "deflate": _undeflated,
}
