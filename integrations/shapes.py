"""From a vendor's JSON record to ours, by a table of names. Tolerant of notation, strict about meaning.

A vendor may write any scalar as text, number, boolean, null or not at all; ours have one type each. Only
the fields in the table are decoded, and a bad field is named by its path.
"""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar, get_type_hints

import msgspec

from integrations import errors, notation, rough
from integrations.usual_form import UsualForm

Record_co = TypeVar("Record_co", bound=msgspec.Struct, covariant=True)
Value = TypeVar("Value")

# What decoding foreign bytes can raise: not JSON or another type, not UTF-8, nested too deep.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError)
_LONGEST_PLACE, _LONGEST_NAME = 9, 40
_TRUE = frozenset({"1", "true", "ja", "j"})
_FALSE = frozenset({"", "0", "false", "nee", "n"})


def text(value: object) -> str:
    """Return any scalar as text; null is "". Raises ValueError for a list or an object."""
    if isinstance(value, str):
        return value if value.isprintable() else notation.clean_text(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    raise ValueError("neither text nor a number")


def number(value: object) -> Decimal | None:
    """Return a number, or None for nothing. Raises ValueError."""
    written = text(value)
    try:
        return notation.parse_decimal(written)
    except ValueError:
        return _with_exponent(written)


def whole(value: object) -> int:
    """Return a whole number, 0 for nothing. Raises ValueError."""
    if type(value) is int:
        return value
    found = number(value) or Decimal(0)
    if found != int(found):
        raise ValueError("not a whole number")
    return int(found)


def truth(value: object) -> bool:
    """Return a flag; nothing is False. Raises ValueError."""
    if value in (0, 1):  # as King writes it, and by far the most common
        return value == 1
    written = text(value).strip().casefold()
    if written not in _TRUE | _FALSE:
        raise ValueError("neither 0 nor 1")
    return written in _TRUE


def day(value: object) -> datetime.date | None:
    """Return a `JJJJ-MM-DD` date, or None for nothing. Raises ValueError."""
    return notation.parse_iso_date(text(value))


def php_list(found: Mapping[str, Value]) -> list[Value]:
    """Return the list that PHP wrote as an object: its keys are the indexes. Raises ValueError for any other object."""
    if not all(key.isascii() and key.isdigit() and len(key) <= _LONGEST_PLACE for key in found):
        raise ValueError("an object is no list")
    return [found[key] for key in sorted(found, key=int)]


def _with_exponent(written: str) -> Decimal:
    """Return a number written as 1e3, as JSON allows. Raises ValueError."""
    if "e" not in written.casefold() or len(written) > 30:
        raise ValueError("not a number")
    try:
        found = Decimal(written)
    except ArithmeticError:
        raise ValueError("not a number") from None
    if not found.is_finite() or abs(found.adjusted()) > 30:
        raise ValueError("not a number of ordinary size")
    return found


_READERS: dict[object, Callable[[object], object]] = {
    str: text,
    bool: truth,
    int: whole,
    Decimal | None: number,
    datetime.date | None: day,
}


class Shape(Generic[Record_co]):
    """How a vendor writes one kind of record. `names` maps our fields to the vendor's.

    `key` is the field that may not be empty. `readers` overrides the reader of a field, which otherwise follows
    from its type; `rows` gives the shape of the fields that hold lists. `counted` is a field that is not in the
    answer but numbers the rows from 1. `is_numerous`: a hundred thousand are read at once, and the usual ones faster
    (`usual_form`). `system` and `operation` are for the errors of `read`.
    """

    def __init__(
        self,
        record: type[Record_co],
        names: Mapping[str, str],
        *,
        key: str = "",
        readers: Mapping[str, Callable[[object], object]] | None = None,
        rows: Mapping[str, Shape[msgspec.Struct]] | None = None,
        counted: str = "",
        is_numerous: bool = False,
        system: str = "",
        operation: str = "",
    ) -> None:
        self._source = (system, operation)
        self._record = record
        self._names = names
        self._key = key
        self._rows = rows or {}
        self._counted = counted
        hints = get_type_hints(record)
        scalars = [field for field in names if field not in self._rows]
        self._readers = {field: (readers or {}).get(field) or _READERS[hints[field]] for field in scalars}
        self._scalars = tuple(self._readers.items())
        self.wire = self._make_wire(scalars)
        self._decoder = msgspec.json.Decoder(self.wire, float_hook=str)
        self._usual = UsualForm(record, names, hints) if is_numerous else None

    def read(self, raw: bytes | msgspec.Raw) -> Record_co:
        """Decode one record from its JSON. Raises PayloadError, whose path says where."""
        usual = self._usual.read(raw) if self._usual else None
        if usual is not None and (not self._key or getattr(usual, self._key)):
            return usual
        return self._read_any(raw)

    def _read_any(self, raw: bytes | msgspec.Raw) -> Record_co:
        """Decode a record in whatever notation."""
        try:
            wire = self._decoder.decode(raw)
        except msgspec.ValidationError as failure:
            raise _payload_error(self._source, _path_in(failure), str(failure).partition(" - at ")[0]) from None
        except UNREADABLE:
            path, words = _damage_in(bytes(raw), "$")
            raise _payload_error(self._source, path, words) from None
        try:
            return self.build(wire, "$")
        except _FieldError as failure:
            raise _payload_error(self._source, failure.path, failure.words) from None

    def build(self, wire: msgspec.Struct, path: str, position: int = 0) -> Record_co:
        """Return the record for decoded JSON. Raises _FieldError."""
        try:
            values: dict[str, object] = {field: read(getattr(wire, field)) for field, read in self._scalars}
        except (TypeError, ValueError):
            values = {field: self._value(wire, field, path) for field in self._readers}  # says which one
        if self._key and not values[self._key]:
            raise _FieldError(f"{path}.{self._names[self._key]}", "it is missing")
        for field, shape in self._rows.items():
            values[field] = shape.build_all(getattr(wire, field), f"{path}.{self._names[field]}")
        if self._counted:
            values[self._counted] = position
        return self._record(**values)

    def build_all(self, rows: object, path: str) -> tuple[Record_co, ...]:
        """Return the records of a decoded list; null, "" and absent mean no rows. Raises _FieldError."""
        if not rows:
            return ()
        if isinstance(rows, dict):
            rows = _places(rows, path)
        if not isinstance(rows, list):
            raise _FieldError(path, "it is not a list")
        return tuple(self.build(row, f"{path}[{index}]", index + 1) for index, row in enumerate(rows))

    def _value(self, wire: msgspec.Struct, field: str, path: str) -> object:
        try:
            return self._readers[field](getattr(wire, field))
        except (TypeError, ValueError) as failure:
            raise _FieldError(f"{path}.{self._names[field]}", str(failure)) from None

    def _make_wire(self, scalars: list[str]) -> type[msgspec.Struct]:
        """Return a struct with the vendor's names, so that msgspec skips everything else at full speed."""
        fields: list[tuple[str, object, object]] = [(field, object, None) for field in scalars]
        for field, shape in self._rows.items():
            rows, places = types.GenericAlias(list, (shape.wire,)), types.GenericAlias(dict, (str, shape.wire))
            fields.append((field, rows | places | str | None, None))
        return msgspec.defstruct(f"{self._record.__name__}Wire", fields, rename=dict(self._names), kw_only=True)


_DEEPEST = 8  # ours are three levels deep
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _FieldError(Exception):
    """One field does not have the agreed form. Never leaves this module."""

    def __init__(self, path: str, words: str) -> None:
        super().__init__(words)
        self.path = path
        self.words = words


def _payload_error(source: tuple[str, str], path: str, words: str) -> errors.PayloadError:
    system, operation = source
    return errors.PayloadError(
        system=system, operation=operation, reason="unexpected", detail=f"{path}: {words}", path=path
    )


def _path_in(failure: BaseException) -> str:
    """Return the path in an error of msgspec, whose messages end with "- at `$.Materials[0]`"."""
    _, _, path = str(failure).rpartition("- at `")
    return path.rstrip("`") if path.startswith("$") else "$"


def _places(rows: dict[str, Value], path: str) -> list[Value]:
    try:
        return php_list(rows)
    except ValueError as failure:
        raise _FieldError(path, str(failure)) from None


def _damage_in(raw: bytes, path: str) -> tuple[str, str]:
    """Return where in a value no JSON reader can continue, and what is wrong there."""
    for name, part in _parts_of(raw, path):
        if not _is_sound(part):
            return _damage_in(part, name)
    if path.count(".") + path.count("[") >= _DEEPEST:
        return path, "it is nested too deep"
    return path, _what_is_wrong(raw)


def _parts_of(raw: bytes, path: str) -> list[tuple[str, bytes]]:
    if path.count(".") + path.count("[") >= _DEEPEST:
        return []
    try:
        return [(f"{path}.{name[:_LONGEST_NAME]}", part) for name, part in rough.members(raw).items()]
    except ValueError:
        pass
    try:
        return [(f"{path}[{index}]", part) for index, part in enumerate(rough.elements(raw))]
    except ValueError:
        return []


def _is_sound(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except msgspec.ValidationError:
        return True  # well-formed, but beyond what this reader counts to
    except UNREADABLE:
        return False
    return True


def _what_is_wrong(raw: bytes) -> str:
    if raw[:1] != b'"':
        return "it is not JSON"
    if _SURROGATE.search(raw):
        return "the text holds half a character (a surrogate without its other half)"
    return "the text holds characters that cannot be read"
