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
    """Return the error for a code other than 200; unknown codes are refusals.

    `messages` are OutSmart's own words, already masked.
    """
    words = "; ".join(messages)
    if code == _THEIR_FAULT:
        return no_answer(SYSTEM, operation, reason="server_error", code=str(code), detail=words)
    if code in _BAD_CREDENTIALS:
        return errors.AuthenticationError(system=SYSTEM, operation=operation.name, code=str(code), detail=words)
    if code in _OUR_MISTAKE:
        return errors.ConfigurationError(
            system=SYSTEM, operation=operation.name, reason="protocol", code=str(code), detail=words
        )
    refusal = errors.NotFoundError if code == NOT_FOUND else errors.RejectedError
    return refusal(
        system=SYSTEM, operation=operation.name, code=str(code), detail=words, fields=_missing_fields(messages)
    )


def _missing_fields(messages: Sequence[str]) -> tuple[str, ...]:
    return tuple(field for message in messages for field in _MISSING_FIELD.findall(message))
