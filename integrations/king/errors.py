"""King's refusals → our errors. They come under HTTP 200, or as an error page in one of three forms."""

from __future__ import annotations

import msgspec

from integrations import errors
from integrations.calls import Operation
from integrations.shapes import UNREADABLE, text

SYSTEM = "king"


class _ErrorPage(msgspec.Struct, frozen=True):
    """One element of `[{"ErrorCode", "Error"}]`, or ASP.NET's `{"Message"}`."""

    code: object = msgspec.field(default="", name="ErrorCode")
    error: object = msgspec.field(default="", name="Error")
    message: object = msgspec.field(default="", name="Message")


_page_decoder = msgspec.json.Decoder(list[_ErrorPage] | _ErrorPage)


def describe(body: bytes) -> tuple[str, str]:
    """Return the code and text in the body of an HTTP error; a web page has neither."""
    try:
        page = _page_decoder.decode(body.removeprefix(b"\xef\xbb\xbf"))
        elements = page if isinstance(page, list) else [page]
        codes = [text(element.code) for element in elements]
        words = [text(element.error) or text(element.message) for element in elements]
    except UNREADABLE:
        return "", ""
    return ", ".join(filter(None, codes)), "; ".join(filter(None, words))


def refusal(operation: Operation, code: str, words: str, *, is_busy: bool) -> errors.RejectedError:
    """Return the error for a `Status` that is not 0; code and words are King's own, masked."""
    kind = errors.ConflictError if is_busy else errors.RejectedError
    return kind(system=SYSTEM, operation=operation.name, code=code, detail=words)
