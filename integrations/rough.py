"""Where one JSON value ends and the next begins, by quotes and brackets alone.

For an answer that no JSON reader accepts because of one damaged record in it (half a surrogate, bytes that are not
text): split this way, only that record is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_CLOSING = {b"[": b"]", b"{": b"}"}
# A whole string, a character that counts outside strings, or the quote of a string that never ends.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]|"', re.DOTALL)
_NAME = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:', re.DOTALL)


def elements(body: bytes) -> list[bytes]:
    """Return the values of a list. Raises ValueError where the body is not a list or does not close."""
    return list(_parts(body.strip(), b"["))


def members(body: bytes) -> dict[str, bytes]:
    """Return the values of an object by name; an unreadable name is left out. Raises ValueError."""
    found: dict[str, bytes] = {}
    for part in _parts(body.strip(), b"{"):
        name = _NAME.match(part)
        if name is None:
            raise ValueError("a member without a name")
        try:
            found[msgspec.json.decode(name.group(1), type=str)] = part[name.end() :].strip()
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _parts(body: bytes, opening: bytes) -> Iterator[bytes]:
    """Yield what is between the commas of the outermost brackets."""
    if body[:1] != opening:
        raise ValueError("another kind of value")
    awaited = [_CLOSING[opening]]
    start = 1
    for token in _TOKEN.finditer(body, 1):
        sign = token.group()
        if sign in _CLOSING:
            awaited.append(_CLOSING[sign])
        elif sign == b'"':
            raise ValueError("a text without its end")
        elif sign == b"," and len(awaited) == 1:
            yield _whole(body[start : token.start()])
            start = token.end()
        elif sign in (b"]", b"}"):
            if awaited.pop() != sign:
                raise ValueError("brackets that do not match")
            if not awaited:
                yield from _last(body, start, token.start())
                return
    raise ValueError("a bracket without its end")


def _last(body: bytes, start: int, end: int) -> Iterator[bytes]:
    if end + 1 != len(body):
        raise ValueError("something behind the end")
    if start > 1 or body[start:end].strip():
        yield _whole(body[start:end])


def _whole(part: bytes) -> bytes:
    part = part.strip()
    if not part:
        raise ValueError("nothing between two commas")
    return part
