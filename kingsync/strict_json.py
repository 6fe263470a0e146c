"""Strict reading of a hand-written JSON file: what a decoder would silently accept is refused with its path."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.utils.translation import gettext

from kingsync.rules.storable import is_storable


class StrictJsonError(ValueError):
    """The file is not JSON that can be stored as it is; `path` is "" when the whole file is meant."""

    def __init__(self, path: str, sentence: str) -> None:
        self.path, self.sentence = path, sentence
        super().__init__(f"{path}: {sentence}")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it is in the file, with its duplicate keys."""


def read(content: bytes) -> dict[str, Any]:
    """Return the object of a file. Raises `StrictJsonError`."""
    try:
        # Windows editors write a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = gettext("The file is not text in UTF-8: byte %(place)s cannot be read. Save it as UTF-8.")
        raise StrictJsonError("", message % {"place": error.start + 1}) from None
    try:
        found = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
        document = _checked(found, "")
    except RecursionError:
        raise StrictJsonError("", gettext("The file is nested too deeply.")) from None
    except StrictJsonError:
        raise
    except ValueError as error:  # also a number of more than 4300 digits
        raise StrictJsonError("", gettext("The file is not valid JSON: %(detail)s") % {"detail": error}) from None
    if not isinstance(document, dict):
        raise StrictJsonError("", gettext("The file must contain one JSON object."))
    return document


def _checked(value: Any, path: str) -> Any:
    """Return the value as ordinary dictionaries, lists and texts."""
    if isinstance(value, _Pairs):
        return _object(value, path)
    if isinstance(value, list):
        return [_checked(each, f"{path}.{place}".strip(".")) for place, each in enumerate(value)]
    if isinstance(value, str) and not is_storable(value):
        raise StrictJsonError(
            path, gettext("The text contains a character that cannot be stored (NUL or half a surrogate pair).")
        )
    return value


def _object(pairs: _Pairs, path: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if not is_storable(name):
            raise StrictJsonError(
                path, gettext("A key contains a character that cannot be stored (NUL or half a surrogate pair).")
            )
        here = f"{path}.{name}".strip(".")
        if name in made:
            raise StrictJsonError(here, gettext("This key occurs twice."))
        made[name] = _checked(value, here)
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
