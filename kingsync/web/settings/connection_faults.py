"""Which field of a connection's form a failed test is about."""

from __future__ import annotations

from kingsync.messages.reason_texts import StoredReason
from kingsync.models.connections import System

ADDRESS = "base_url"
_OF_ADDRESS = frozenset(
    {
        "no_connection",
        "system.unreachable",
        "system.timeout",
        "system.redirect",
        "system.not_json",
        "system.forbidden_address",
        "system.configuration",
        "system.empty",
        "system.unexpected",
    }
)
_SECRETS = {System.OUTSMART: "token", System.KING: "access_code"}
# What OutSmart's 1005 and our own refusal to send the operator's token are about.
_SOFTWARE_TOKEN = "software_token"  # noqa: S105 - the name of a field
_UNKNOWN_ADMINISTRATION = "ADMINISTRATIE"


def field_of(system: System, problem: StoredReason | None) -> str:
    """Return the name of the field that the user should look at; "" where no field is at fault."""
    if problem is None:
        return ""
    code, params = problem["code"], problem["params"]
    if code in ("system.authentication", "decryption"):
        return _SOFTWARE_TOKEN if params.get("code") == "outsmart-1005" else _SECRETS[system]
    if code == "system.software_token":
        return _SOFTWARE_TOKEN
    if code == "system.certificate":
        return "ca_certificate" if system == System.KING else ADDRESS
    if _is_of_administration(system, code, params):
        return "administration"
    return ADDRESS if code in _OF_ADDRESS else ""


def _is_of_administration(system: System, code: str, params: dict[str, str]) -> bool:
    """King names an administration that it does not have in the detail of its refusal."""
    names_it = _UNKNOWN_ADMINISTRATION.casefold() in params.get("detail", "").casefold()
    return system == System.KING and code in ("system.configuration", "system.not_found") and names_it
