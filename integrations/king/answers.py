"""The form of every King answer: a list of objects, each with its own `Status`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec

from integrations import rough
from integrations.king import names
from integrations.shapes import UNREADABLE, text, whole

Element = dict[str, msgspec.Raw]
_decoder = msgspec.json.Decoder(list[Element])


class MalformedError(Exception):
    """An answer does not have the agreed form; `reason` is one of `errors.REASONS`. Never leaves this package."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def elements(body: bytes) -> list[Element]:
    """Return the elements of an answer, at least one. Raises MalformedError."""
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        raise MalformedError("empty")
    try:
        found = _decoder.decode(content)
    except msgspec.ValidationError:
        raise MalformedError("unexpected") from None
    except UNREADABLE:
        found = _damaged(content)
    if not found:
        raise MalformedError("unexpected")
    return found


def first_refused(answer: Sequence[Element]) -> Element | None:
    """Return the first element that refuses, or None. Raises MalformedError where one has no status."""
    return next((element for element in answer if _status(element)), None)


def text_of(element: Element, name: str) -> str:
    """Return a scalar of an element as text, "" when it is absent. Raises MalformedError."""
    try:
        return text(msgspec.json.decode(element.get(name, b"null"), type=object))
    except UNREADABLE:
        raise MalformedError("unexpected") from None


def records(answer: Sequence[Element], entity: str) -> tuple[msgspec.Raw, ...]:
    """Return the raw records of an answer. Raises MalformedError, also for a missing list: it is not an empty one."""
    found: list[msgspec.Raw] = []
    for element in answer:
        try:
            found += _listed(element[entity])
        except (KeyError, *UNREADABLE):
            raise MalformedError("unexpected") from None
    return tuple(found)


def words_of(element: Element, name: str) -> str:
    """Return King's own words, or "" where they cannot be read: a refusal stays a refusal."""
    try:
        return text_of(element, name)
    except MalformedError:
        return ""


def _listed(records: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the records of a list, even where one of them is damaged. Raises the UNREADABLE errors."""
    try:
        return msgspec.json.decode(records, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        return [msgspec.Raw(each) for each in rough.elements(bytes(records))]


def _damaged(content: bytes) -> list[Element]:
    """Return the elements of an answer that contains a damaged record. Raises MalformedError."""
    try:
        return [
            {name: msgspec.Raw(value) for name, value in rough.members(element).items()}
            for element in rough.elements(content)
        ]
    except ValueError:
        raise MalformedError("not_json") from None


def _status(element: Element) -> int:
    written = text_of(element, names.STATUS)
    if written:
        with contextlib.suppress(ValueError):
            return whole(written)
    raise MalformedError("unexpected")
