"""OutSmart's codes → our errors (chapter 1.4 of the contract). They come under HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Sequence

from integrations import errors
from integrations.calls import Operation
from integrations.failures import no_answer

SYSTEM = "outsmart"
DONE = 200
NOT_FOUND = 1500
NOTHING_CHANGED = 1503

_BAD_CREDENTIALS = frozenset({1004, 1005})
_OUR_MISTAKE = frozenset({1000, 1001, 1002, 1003, 1006, 1008, 1009})
_THEIR_FAULT = 1007
_MISSING_FIELD = re.compile(r"Required field missing: *(\S+)")


def from_code(operation: Operation, code: int, messages: Sequence[str]) -> errors.IntegrationError:
    """Return the error for a code other than 200; unknown codes are refusals. `messages` are masked already."""
    words = "; ".join(messages)
    if code == _THEIR_FAULT:
        return no_answer(SYSTEM, operation, reason="server_error", code=str(code), detail=words)
    kind: type[errors.IntegrationError] = errors.RejectedError
    if code in _BAD_CREDENTIALS:
        kind = errors.AuthenticationError
    elif code in _OUR_MISTAKE:
        kind = errors.ConfigurationError
    elif code == NOT_FOUND:
        kind = errors.NotFoundError
    reason = "protocol" if code in _OUR_MISTAKE else ""
    fields = tuple(field for message in messages for field in _MISSING_FIELD.findall(message))
    return kind(system=SYSTEM, operation=operation.name, reason=reason, code=str(code), detail=words, fields=fields)
