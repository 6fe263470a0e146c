"""Masking of secrets in texts, in whatever notation they come back; what cannot be masked for certain is dropped.

A text is decoded in rounds (JSON, percent-encoding, HTML, one inside the other), and each round remembers where in
the text its characters came from: a secret that shows up in any round is masked where it was.
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
_SHORTEST = 4  # masking shorter words would make every text unreadable, and reveal the word by its gaps
_ROUNDS = 8
_STEM = 12  # for secrets this long or longer, the first half is enough to be masked
_SKELETON = 8
_MARGIN = 500  # looked at beyond what is shown, so that most secrets at the cut are seen whole
_NEIGHBOURS = 4  # base64 characters that hold bits of what is next to the secret, or of the secret itself
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

_LETTER = re.compile("[a-z0-9]")

Span = tuple[int, int]


class _View(msgspec.Struct, frozen=True):
    """A text after some rounds of decoding, the original span of each character, and where it ends in the original."""

    text: str
    spans: tuple[Span, ...]
    ends_at: int

    def span(self, start: int, end: int) -> Span:
        """Return the original span of some characters."""
        return self.spans[start][0], self.spans[end - 1][1]


class Masker:
    """Knows secrets and masks them in texts."""

    def __init__(self) -> None:
        self._needles: tuple[str, ...] = ()
        self._encoded: frozenset[str] = frozenset()  # the needles that are base64
        self._short: tuple[str, ...] = ()
        self._skeletons: frozenset[str] = frozenset()  # letters and digits alone, whatever separates them

    def hide(self, *secrets: str) -> None:
        """Mask these values in every text from now on; an empty one is no secret."""
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
        """Return the text with `***` for every secret, cut at `longest`; only `***` where that is not certain."""
        window = longest + _MARGIN
        return self._masked(text[:window], is_cut=len(text) > window)[:longest]

    def excerpt(self, content: bytes, longest: int) -> str:
        """Return the beginning of a body as `masked` does; none of it while a secret is too short to be found."""
        if self._short and content:
            return MASK
        window = longest + _MARGIN
        is_cut = len(content) > window
        return self._masked(_decoded(content[:window], is_cut=is_cut), is_cut=is_cut)[:longest]

    def _masked(self, text: str, *, is_cut: bool) -> str:
        if not self._needles and not self._short:
            return text
        views = _views(text, is_cut=is_cut)
        if views is None or any(word in view.text for view in views for word in self._short):
            return MASK
        certain = min(view.ends_at for view in views)
        spans = [view.span(*hit) for view in views for hit in self._hits(view.text, is_cut=is_cut)]
        return _replaced(text[:certain], spans)

    def _hits(self, text: str, *, is_cut: bool) -> Iterator[Span]:
        for needle in self._needles:
            for hit in _places(text, needle):
                yield _widened(text, *hit) if needle in self._encoded else hit
        letters = _skeleton(text)
        found = [hit for skeleton in self._skeletons for hit in _places(letters, skeleton)]
        if found:
            places = [at.start() for at in _LETTER.finditer(text)]
            yield from ((places[start], places[end - 1] + 1) for start, end in found)
        if is_cut:
            yield from self._beginnings(text)

    def _beginnings(self, text: str) -> Iterator[Span]:
        """Yield the end of a cut text where it may be the beginning of a secret."""
        for needle in self._needles:
            lengths = range(min(len(needle), len(text)), 0, -1)
            length = next((length for length in lengths if text.endswith(needle[:length])), 0)
            if length:
                yield len(text) - length, len(text)


# --- Secrets ----------------------------------------------------------------------------------------------------------


def _notations(secret: str) -> set[str]:
    """Return how a secret may look once a text is decoded; it may itself hold what looks like an escape."""
    views = _views(secret, is_cut=False) or ()
    data = secret.encode("utf-8", "replace")
    plain = {secret, *(view.text for view in views), secret.replace(" ", "+"), data.hex()}
    return plain | {data.decode(charset, "replace") for charset in ("cp1252", "latin-1")}


def _base64_cores(secret: str) -> Iterator[str]:
    """Yield the constant part of the base64 of a text that contains the secret, for each of its alignments."""
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
    """Return bytes as text: UTF-8, else what Windows writes; a character cut in half is left out."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")("strict").decode(content, final=not is_cut)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _lower(text: str) -> str:
    """Return the text in lower case, with every character still in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _skeleton(text: str) -> str:
    return "".join(_LETTER.findall(text))


def _places(text: str, needle: str) -> Iterator[Span]:
    """Yield where the needle is, or enough of its beginning to count as the needle."""
    stem = _stem(needle)
    start = text.find(stem)
    while start >= 0:
        end = start + len(stem)
        while end < len(text) and end - start < len(needle) and text[end] == needle[end - start]:
            end += 1
        yield start, end
        start = text.find(stem, start + 1)


def _widened(text: str, start: int, end: int) -> Span:
    first, last = start, end
    while first > max(0, start - _NEIGHBOURS) and text[first - 1].upper() in _BASE64:
        first -= 1
    while last < min(len(text), end + _NEIGHBOURS) and text[last].upper() in _BASE64:
        last += 1
    return first, last


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


def _views(text: str, *, is_cut: bool) -> tuple[_View, ...] | None:
    """Return the text in lower case after every round of decoding; None when the rounds do not end."""
    view = _View(text, tuple(zip(range(len(text)), range(1, len(text) + 1), strict=True)), len(text))
    views = []
    for _ in range(_ROUNDS):
        if is_cut:
            view = _without_cut_escape(view)
        views.append(_View(_lower(view.text), view.spans, view.ends_at))
        further = _unescaped(view)
        if further.text == view.text:
            return tuple(views)
        view = further
    return None


def _without_cut_escape(view: _View) -> _View:
    """Return the view without a trailing escape that may be half of one, or mean something else."""
    length = len(view.text)
    while (start := _CUT_ESCAPE.search(view.text[:length])) is not None:
        length = start.start()
    if length == len(view.text):
        return view
    return _View(view.text[:length], view.spans[:length], view.spans[length][0])


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
    return _View("".join([*signs, view.text[at:]]), (*spans, *view.spans[at:]), view.ends_at)


def _meant(escape: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield what an escape stands for, and how many characters each part of it takes."""
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
    if rest := len(data) - len(text.encode()):  # a character cut in half
        yield "\ufffd", 3 * rest
