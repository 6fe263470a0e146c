"""What keeps a decision, a run or a question to one of the systems from going on, as a reason for people."""

from __future__ import annotations

from typing import TypeAlias

from integrations import errors
from kingsync.messages.reason_texts import reason_of
from kingsync.models.encryption import DecryptionError
from kingsync.rules.outcomes import Reason, reason


class RefusedError(Exception):
    """What was asked for was refused and nothing was changed; `why` says so for people."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.code)
        self.why = why


Refusal: TypeAlias = RefusedError | DecryptionError | errors.IntegrationError
REFUSALS = (RefusedError, DecryptionError, errors.IntegrationError)


def why(error: Refusal) -> Reason:
    if isinstance(error, RefusedError):
        return error.why
    return reason("decryption") if isinstance(error, DecryptionError) else reason_of(error)
