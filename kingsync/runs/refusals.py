"""Errors that refuse an action, a run or a call, with the reason for users."""

from __future__ import annotations

from typing import TypeAlias

from integrations import errors
from kingsync.messages.reason_texts import reason_of
from kingsync.models.encryption import DecryptionError
from kingsync.rules.outcomes import Reason, reason


class RefusedError(Exception):
    """The request was refused and nothing was changed; `why` is the reason for users."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.code)
        self.why = why


Refusal: TypeAlias = RefusedError | DecryptionError | errors.IntegrationError
REFUSALS = (RefusedError, DecryptionError, errors.IntegrationError)


def why(error: Refusal) -> Reason:
    if isinstance(error, RefusedError):
        return error.why
    return reason("decryption") if isinstance(error, DecryptionError) else reason_of(error)
