"""Secrets out of texts, in whatever notation they come back; what cannot be masked for sure is not kept.

A text is decoded round by round (JSON, percent signs, HTML, one inside the other), and each round remembers from where
in the text its characters came: so a secret that shows in any round is masked where it stood.
"""

from __future__ import annotations

import base64
import codecs
import html
import re
from collections.abc import Iterator, Sequence

import msgspec

MASK = "***"
_WORDS_SHOWN = 1_000
_SHORTEST = 4  # masking shorter words would make every text unreadable, and tell the word by its gaps
_ROUNDS = 8
_STEM = 12  # of secrets this long or longer the first half is enough to be masked
_SKELETON = 8
_NEIGHBOURS = 4  # characters of base64 that hold bits of what is beside the secret, or of the secret itself
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")

_ESCAPES = re.compile(
    r"(?P<utf16>(?:\\u[0-9a-fA-F]{4})+|(?:%u[0-9a-fA-F]{4})+)"
    r"|(?P<code>\\u\{[0-9a-fA-F]{1,6}\}|\\x[0-9a-fA-F]{2})"
    r"|(?P<sign>\\.)"
    r"|(?P<bytes>(?:%[0-9a-fA-F]{2})+)"
    r"|(?P<entity>&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});?)",
    re.DOTALL,
)
# The beginning of an escape at the end of a text that was cut.
_CUT_ESCAPE = re.compile(r"(?:\\(?:u\{?|x)?[0-9a-fA-F]{0,6}|%u?[0-9a-fA-F]{0,3}|&#?\w{0,32}|\ufffd)\Z")
_CONTROL_SIGNS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

Span = tuple[int, int]


class _View(msgspec.Struct, frozen=True):
    """A text after some rounds of decoding, and the span in the text it began as that each character came from."""

    text: str
    spans: tuple[Span, ...]

    def span(self, start: int, end: int) -> Span:
        """Return where characters came from."""
        return self.spans[start][0], self.spans[end - 1][1]


class Masker:
    """Knows secrets, and takes them out of texts."""

    def __init__(self) -> None:
        self._needles: tuple[str, ...] = ()
        self._encoded: frozenset[str] = frozenset()  # those needles that are base64
        self._short: tuple[str, ...] = ()
        self._skeletons: frozenset[str] = frozenset()

    def hide(self, *secrets: str) -> None:
        """Keep these values out of every text from now on; an empty one is no secret."""
        for secret in filter(None, secrets):
            notations = {_lower(notation) for notation in _notations(secret)}
            if len(secret) < _SHORTEST:
                self._short += tuple(notations)
                continue
            encoded = {_lower(core) for core in _base64_cores(secret)}
            long_enough = {notation for notation in notations | encoded if len(notation) >= _SHORTEST}
            self._needles = tuple(sorted({*self._needles, *long_enough}))
            self._encoded |= encoded
            self._skeletons |= {found for found in map(_skeleton, notations) if len(found) >= _SKELETON}

    def masked(self, text: str, *, longest: int = _WORDS_SHOWN) -> str:
        """Return the text with `***` for every secret, cut at `longest`; `***` alone where that is not certain."""
        window = longest * 4
        return self._masked(text[:window], is_cut=len(text) > window)[:longest]

    def excerpt(self, content: bytes, longest: int) -> str:
        """Return the beginning of a body as `masked` does; nothing of it while a secret is too short to be found."""
        if self._short and content:
            return MASK
        window = longest * 4
        is_cut = len(content) > window
        return self._masked(_decoded(content[:window], is_cut=is_cut), is_cut=is_cut)[:longest]

    def _masked(self, text: str, *, is_cut: bool) -> str:
        if not self._needles and not self._short:
            return text
        views = _views(text)
        if views is None or any(word in view.text for view in views for word in self._short):
            return MASK
        spans = [view.span(*hit) for view in views for hit in self._hits(view.text, is_cut=is_cut)]
        result = _replaced(text, spans)
        return MASK if self._shines_through(result) else result

    def _hits(self, text: str, *, is_cut: bool) -> Iterator[Span]:
        for needle in self._needles:
            for start in _places(text, _stem(needle)):
                end = start + _common(text, start, needle)
                yield _widened(text, start, end) if needle in self._encoded else (start, end)
        if is_cut:
            yield from self._beginnings(text)

    def _beginnings(self, text: str) -> Iterator[Span]:
        """Give the ends of a cut text that may be the beginning of a secret."""
        for end in {len(text), len(_without_cut_escape(text))}:
            for needle in self._needles:
                lengths = range(min(len(needle), end), 0, -1)
                length = next((length for length in lengths if text.endswith(needle[:length], 0, end)), 0)
                if length:
                    yield end - length, len(text)

    def _shines_through(self, text: str) -> bool:
        """Return whether letters and digits of a secret still follow each other, whatever stands between them."""
        views = _views(text)
        return views is None or any(
            secret in shown for shown in {_skeleton(view.text) for view in views} for secret in self._skeletons
        )


# --- Secrets ----------------------------------------------------------------------------------------------------------


def _notations(secret: str) -> set[str]:
    """Return how a secret may look once a text is decoded; it may hold what looks like an escape itself."""
    views = _views(secret) or ()
    data = secret.encode("utf-8", "replace")
    plain = {secret, *(view.text for view in views), secret.replace(" ", "+"), data.hex()}
    return plain | {data.decode(charset, "replace") for charset in ("cp1252", "latin-1")}


def _base64_cores(secret: str) -> Iterator[str]:
    """Give the part that is always the same in the base64 of a text with the secret in it, for each place in it."""
    data = secret.encode("utf-8", "replace")
    for before in range(3):
        code = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        core = code[first:last]
        if len(core) >= _SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _stem(needle: str) -> str:
    return needle if len(needle) < _STEM else needle[: max(8, len(needle) // 2)]


# --- Texts ------------------------------------------------------------------------------------------------------------


def _decoded(content: bytes, *, is_cut: bool) -> str:
    """Return bytes as text: UTF-8, else what Windows writes; a character that was cut in two is left out."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")("strict").decode(content, final=not is_cut)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _lower(text: str) -> str:
    """Return the text in lower case, every character still in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _skeleton(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def _places(text: str, needle: str) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + 1)


def _common(text: str, start: int, needle: str) -> int:
    """Return how much of the needle follows from `start` on."""
    length = len(_stem(needle))
    while length < len(needle) and text[start + length : start + length + 1] == needle[length]:
        length += 1
    return length


def _widened(text: str, start: int, end: int) -> Span:
    first, last = start, end
    while first > max(0, start - _NEIGHBOURS) and text[first - 1].upper() in _BASE64:
        first -= 1
    while last < min(len(text), end + _NEIGHBOURS) and text[last].upper() in _BASE64:
        last += 1
    return first, last


def _without_cut_escape(text: str) -> str:
    shorter = _CUT_ESCAPE.sub("", text)
    return text if shorter == text else _without_cut_escape(shorter)


def _replaced(text: str, spans: Sequence[Span]) -> str:
    parts, at = [], 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        if start >= at:
            parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


# --- Decoding ---------------------------------------------------------------------------------------------------------


def _views(text: str) -> tuple[_View, ...] | None:
    """Return the text in lower case after every round of decoding; None when there is no end to it."""
    view = _View(text, tuple((at, at + 1) for at in range(len(text))))
    views = []
    for _ in range(_ROUNDS):
        views.append(_View(_lower(view.text), view.spans))
        further = _unescaped(view)
        if further.text == view.text:
            return tuple(views)
        view = further
    return None


def _unescaped(view: _View) -> _View:
    """Return the view with one level of escapes undone."""
    signs: list[str] = []
    spans: list[Span] = []
    at = 0
    for escape in _ESCAPES.finditer(view.text):
        signs.append(view.text[at : escape.start()])
        spans += view.spans[at : escape.start()]
        at = escape.start()
        for sign, width in _meant(escape):
            signs.append(sign)
            spans += [view.span(at, at + width)] * len(sign)
            at += width
        at = escape.end()
    return _View("".join([*signs, view.text[at:]]), (*spans, *view.spans[at:]))


def _meant(escape: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Give what escapes stand for, and how many characters each of them takes."""
    written = escape.group()
    match escape.lastgroup:
        case "utf16":
            yield from _utf16(written)
        case "code":
            number = int(written[2:].strip("{}"), 16)
            yield (chr(number) if number <= 0x10FFFF else "\ufffd"), len(written)
        case "sign":
            yield _CONTROL_SIGNS.get(written[1], written[1]), 2
        case "bytes":
            yield from _percent(written)
        case _:
            yield html.unescape(written), len(written)


def _utf16(written: str) -> Iterator[tuple[str, int]]:
    units = [int(written[at + 2 : at + 6], 16) for at in range(0, len(written), 6)]
    data = b"".join(unit.to_bytes(2, "little") for unit in units)
    for sign in data.decode("utf-16-le", "replace"):
        yield sign, 12 if ord(sign) > 0xFFFF else 6


def _percent(written: str) -> Iterator[tuple[str, int]]:
    data = bytes.fromhex(written.replace("%", ""))
    try:
        text = codecs.getincrementaldecoder("utf-8")("strict").decode(data)
    except UnicodeDecodeError:
        yield from ((sign, 3) for sign in data.decode("cp1252", "replace"))
        return
    for sign in text:
        yield sign, 3 * len(sign.encode())
    if rest := len(data) - len(text.encode()):  # a character that was cut in two
        yield "\ufffd", 3 * rest
