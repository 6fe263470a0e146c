"""The HTTP messages of a sandbox, and the JSON of its control API."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias
from urllib.parse import parse_qsl

import msgspec

Record: TypeAlias = dict[str, object]

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"

_encoder = msgspec.json.Encoder(decimal_format="number")
# Numbers stay exact: how many decimals a caller sent is part of what the sandboxes check.
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, read to its end. Header names are lower case; `path` has no query.

    `is_local`: it came over loopback.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = {}
    body: bytes = b""
    is_local: bool = True

    def parameter(self, name: str) -> str:
        """Return the last value of a query parameter, "" when it is absent."""
        return dict(self.query).get(name, "")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer. `is_cut` sends half of the body under the length of the whole, then closes."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON_TYPE
    headers: dict[str, str] = {}
    is_cut: bool = False


class ControlError(Exception):
    """A control call that makes no sense; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def encode(value: object) -> bytes:
    """Encode as JSON; decimals become numbers with the digits that they have."""
    return _encoder.encode(value)


def decode(body: bytes) -> object:
    """Decode JSON; numbers with a point become Decimal. Raises msgspec.DecodeError."""
    return _decoder.decode(body)


def json_answer(value: object, *, status: int = 200) -> Answer:
    """Return a value as a JSON answer."""
    return Answer(body=encode(value), status=status)


def html_answer(text: str, *, status: int = 200) -> Answer:
    """Return an HTML page as an answer."""
    return Answer(body=text.encode(), status=status, content_type=HTML_TYPE)


def parse_query(text: str) -> tuple[tuple[str, str], ...]:
    """Split a query string; empty values are kept."""
    return tuple(parse_qsl(text, keep_blank_values=True))


def control_object(request: Request) -> Record:
    """Return the JSON object in a control call; an empty body is an empty object. Raises ControlError."""
    value = control_value(request)
    if not isinstance(value, dict):
        raise ControlError(400, "The body must be one JSON object.")
    return value


def control_value(request: Request) -> object:
    """Return the JSON in a control call; an empty body is an empty object. Raises ControlError."""
    try:
        return decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ControlError(400, f"The body is no JSON: {error}") from None
