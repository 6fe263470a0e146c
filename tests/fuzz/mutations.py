"""Real JSON with something wrong in it: types swapped, keys absent or double, numbers and texts that nobody expects."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any


class Token(str):
    """JSON text that is written as it is."""

    __slots__ = ()


NUMBERS = ["0", "-0", "-1", "1e400", "-1e400", "1e-400", "9" * 25, "9" * 5000, "1.5e3", "0.1" + "0" * 400, "1E+2"]
NO_JSON = ["NaN", "Infinity", "01", "'a'", "", "[", "{", "tru", '"', "+1", "0x10"]
DEEP = [30, 600, 3000]
TEXTS = [
    "", " ", "0", "1", "true", "null", "-1", "1,5", "1.5", "1e9", "٣", "²", "12:60", "31-02-2025", "0000-00-00",
    "2025-13-45", "9999-12-31", "a\x00b", "\ud800", "\udfff\ud800", "\u202eabc", "{reference}", "{", "%(x)s", "'; --",
    "<script>", "../../etc", "é" * 300, "x" * 40_000, "\r\n", "\ufeff", "🙂", "http://127.0.0.1/", "file:///etc/passwd",
]  # fmt: skip


def text(chance: Random) -> str:
    """Return a text that is likely to break something."""
    if chance.random() < 0.7:
        return chance.choice(TEXTS)
    return "".join(chr(chance.randrange(0x300)) for _ in range(chance.randrange(12)))


def value(chance: Random) -> Any:
    """Return any JSON value."""
    makers: list[Callable[[], Any]] = [
        lambda: text(chance),
        lambda: text(chance),
        lambda: Token(chance.choice(NUMBERS)),
        lambda: chance.choice([None, True, False, [], {}]),
        lambda: chance.randrange(-(10**6), 10**6),
        lambda: Token(_nested(chance)),
        lambda: [value(chance) for _ in range(chance.randrange(3))],
        lambda: {text(chance)[:50]: value(chance) for _ in range(chance.randrange(3))},
    ]
    return chance.choice(makers)()


def _nested(chance: Random) -> str:
    depth = chance.choice(DEEP)
    return chance.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])


def mutated(chance: Random, sample: Any, *, most: int = 4) -> bytes:
    """Return a copy of the sample as JSON with up to `most` things wrong, sometimes with damaged bytes too."""
    document = copy.deepcopy(sample)
    for _ in range(chance.randint(1, most)):
        document = _changed(chance, document)
    body = written(document, is_ascii=chance.random() < 0.7).encode("utf-8", "surrogatepass")
    return _damaged(chance, body) if chance.random() < 0.15 else body


def _changed(chance: Random, document: Any) -> Any:
    """Return the document with one thing changed anywhere in it."""
    places = list(_places(document))
    if not places or chance.random() < 0.02:
        return value(chance)
    here, key = chance.choice(places)
    how = chance.randrange(6)
    if how == 0:
        del here[key]
    elif how == 1 and isinstance(here, dict):
        here[text(chance)[:50]] = here[key]
    elif how == 2 and isinstance(here, dict):
        here[key] = _Twice(here[key], value(chance))
    elif how == 3:
        here[key] = Token(chance.choice(NO_JSON))
    else:
        here[key] = value(chance)
    return document


class _Twice:
    """Two values under one key."""

    def __init__(self, *values: Any) -> None:
        self.values = values


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a document, as its container and the key there."""
    todo = [document]
    while todo:
        here = todo.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            yield here, key
            todo.append(here[key])


def written(document: Any, *, is_ascii: bool) -> str:
    """Return JSON with its odd tokens and double keys."""
    if isinstance(document, Token):
        return str(document)
    if isinstance(document, dict):
        pairs = (pair for name, content in document.items() for pair in _pairs(name, content))
        inner = (
            f"{json.dumps(name, ensure_ascii=is_ascii)}:{written(each, is_ascii=is_ascii)}" for name, each in pairs
        )
        return "{" + ",".join(inner) + "}"
    if isinstance(document, list):
        return "[" + ",".join(written(each, is_ascii=is_ascii) for each in document) + "]"
    if isinstance(document, _Twice):
        return written(document.values[0], is_ascii=is_ascii)
    return json.dumps(document, ensure_ascii=is_ascii)


def _pairs(name: str, content: Any) -> Iterator[tuple[str, Any]]:
    yield from ((name, each) for each in (content.values if isinstance(content, _Twice) else (content,)))


def _damaged(chance: Random, body: bytes) -> bytes:
    place = chance.randrange(len(body) + 1)
    how = chance.randrange(3)
    if how == 0:
        return body[:place]
    piece = chance.choice([b"\xff", b"\x00", b'"', b"}", b"]", b"\\", b"\xed\xa0\x80", b"\xef\xbb\xbf", b","])
    return body[:place] + piece + body[place + how - 1 :]
