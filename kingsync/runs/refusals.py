"""What keeps a decision or a question to one of the systems from being answered, as a reason for people."""

from __future__ import annotations

from typing import TypeAlias

from integrations import errors
from kingsync.models.encryption import DecryptionError
from kingsync.models.wording import reason_of
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.clients import NotConnectedError
from kingsync.runs.deciding import NotDecidedError
from kingsync.runs.wanted import NotWantedError

Refusal: TypeAlias = NotDecidedError | NotConnectedError | NotWantedError | DecryptionError | errors.IntegrationError
REFUSALS = (NotDecidedError, NotConnectedError, NotWantedError, DecryptionError, errors.IntegrationError)


def why(error: Refusal) -> Reason:
    if isinstance(error, NotDecidedError | NotConnectedError | NotWantedError):
        return error.why
    return reason("decryption") if isinstance(error, DecryptionError) else reason_of(error)
