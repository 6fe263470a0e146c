"""The one error tree: the class says what happens next.

No error ever holds a URL, a token or a payload. `reason` is a stable word that the application
translates for people (`kingsync.messages.reason_texts`); `str(error)` is the same in plain English for logs.
"""

from __future__ import annotations

REASONS: dict[str, str] = {
    "unreachable": "could not be reached",
    "timeout": "did not answer in time",
    "reset": "closed the connection in the middle of a call",
    # Nothing was sent: what must be saved just before a call took too long.
    "begun_late": "was not asked, because saving before the call took too long",
    "proxy": "could not be reached through the outgoing proxy",
    "certificate": "has a certificate that is not trusted",
    "forbidden_address": "has an address that is not allowed",
    "software_token": "has an address that the operator's software token is not sent to",
    "rate_limit": "asks to slow down",
    "server_error": "answered with a fault of its own",
    "redirect": "redirects to another address",
    "not_json": "answered with something that is not JSON (a web page, perhaps of a proxy)",
    "empty": "answered with nothing",
    "unexpected": "gave an answer of an unknown form",
    "authentication": "refused our credentials",
    "configuration": "is not set up well",
    "protocol": "did not understand our request",
    "rejected": "refused the record",
    "not_found": "does not know the record",
    "busy": "says that someone else has the record locked",
    "too_large": "gave an answer larger than agreed",
    # Nothing was sent: another call to this administration is in progress, and calls go one at a time.
    "occupied_by_export": "is occupied by an export to this administration",
    "occupied_by_import": "is occupied by an import from this administration",
    "occupied_by_verify": "is occupied by a verification of this administration",
    "occupied_by_page": "is occupied by a question of another page to this administration",
    # King's XML export files: the operation is the file's name, the detail its line.
    "file_broken": "gave a file that is not well-formed XML",
    "file_doctype": "gave a file with a DOCTYPE, which is not read",
    "file_encoding": "gave a file that is not in the encoding that it names",
    "file_too_large": "gave a file with a record that is larger or deeper than agreed",
    "file_foreign": "gave a file that is not one of the export files that can be read",
    "file_missing": "gave a file that is not there or may not be read",
    "file_changed": "gave a file that was changed meanwhile",
    "files_only": "is known from files only, which cannot be asked for one record",
}


class TooLargeHereError(Exception):
    """An answer within the limit of its operation needs more memory than this process may use for one."""


class IntegrationError(Exception):
    """A failure between us and one of the two systems.

    `system` is "outsmart" or "king", `operation` the vendor's name for the call, `status` the HTTP
    status if there was one, `code` and `detail` the vendor's own code and text, verbatim.

    Used by some classes only: `retry_after` (seconds; the other side named a time), `fields` (named in a
    refusal) and `path` (of what could not be read in a payload).
    """

    default_reason = "unexpected"

    def __init__(
        self,
        *,
        system: str,
        operation: str,
        reason: str = "",
        status: int | None = None,
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
        fields: tuple[str, ...] = (),
        path: str = "",
    ) -> None:
        self.system = system
        self.operation = operation
        self.reason = reason or self.default_reason
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.fields = fields
        self.path = path
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        name = {"outsmart": "OutSmart", "king": "King"}.get(self.system, self.system)
        extra = " ".join(part for part in (self.code, self.detail) if part)
        status = f" (HTTP {self.status})" if self.status not in (None, 200) else ""
        return f"{name} {REASONS[self.reason]} at {self.operation}{status}" + (f": {extra}" if extra else "")


class TransientError(IntegrationError):
    """Back off and try again; `retry_after` in seconds when the other side named a time."""

    default_reason = "server_error"


class UnreachableError(TransientError):
    """Nothing was sent: connection refused, unknown host, time-out while connecting, bad certificate."""

    default_reason = "unreachable"


class RateLimitError(TransientError):
    """HTTP 429, or the vendor's code for it. The call was not carried out."""

    default_reason = "rate_limit"


class ServerError(TransientError):
    """HTTP 5xx, OutSmart 1007, or a read that got no complete answer."""


class OutcomeUnknownError(IntegrationError):
    """A write was sent but no complete answer came: it may have been, or may yet be, carried out. Look it up."""

    default_reason = "timeout"


class TenantActionError(IntegrationError):
    """Stop the run; a person at the tenant has to act."""

    default_reason = "configuration"


class AuthenticationError(TenantActionError):
    """HTTP 401/403, OutSmart 1004/1005."""

    default_reason = "authentication"


class ConfigurationError(TenantActionError):
    """Our settings, or the way we call, cannot work: wrong address, unknown operation, plain http."""


class RejectedError(IntegrationError):
    """The other side refused this record, so continue with the next; `fields` are the fields it named."""

    default_reason = "rejected"


class NotFoundError(RejectedError):
    """OutSmart 1500; HTTP 404 on a record."""

    default_reason = "not_found"


class ConflictError(RejectedError):
    """A record is locked or already as requested. King's busy codes: another user has the order open."""

    default_reason = "busy"


class PayloadError(IntegrationError):
    """An answer, or one record in it, does not have the agreed form; `path` says where."""
