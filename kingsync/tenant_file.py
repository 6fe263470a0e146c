"""The tenant file: a tenant's whole configuration as JSON (product.md, chapter 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from django.db import transaction
from django.utils.translation import gettext

from integrations import errors
from integrations.king import names
from kingsync import strict_json
from kingsync.administrations import switch
from kingsync.administrations.open_work import OpenWork, open_work
from kingsync.king_mirror import named_articles
from kingsync.messages.reason_texts import reason_of, stored
from kingsync.messages.reason_texts import sentence as reason_sentence
from kingsync.models import administrations, tenants
from kingsync.models.connections import Connection, System
from kingsync.models.destinations import CODES, SECRET, SECRET_KEYS, untyped_secrets
from kingsync.models.sync_settings import SyncSettings, sentence
from kingsync.models.tenants import Tenant
from kingsync.rules import limits, mapping
from kingsync.rules.licence import Licence
from kingsync.rules.mapping import Section
from kingsync.rules.systems import KingSection, OutSmartSection
from kingsync.runs import clients

Document = dict[str, Any]


class TenantFileError(ValueError):
    """The file cannot be applied; `problems` is path → sentence. Nothing was stored."""

    def __init__(self, problems: AbstractMapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{path}: {text}" if path else text for path, text in problems.items()))


class TenantFile(mapping.Mapping, frozen=True, kw_only=True):
    slug: Annotated[str, msgspec.Meta(pattern=limits.SLUG_PATTERN, max_length=limits.SLUG)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.NAME)]
    language: mapping.Language = mapping.LANGUAGE
    licence: Licence = Licence()
    outsmart: OutSmartSection = OutSmartSection()
    king: KingSection = KingSection()


def show(tenant: Tenant) -> Document:
    """Return the tenant's file with every stored secret as `***`."""
    return _masked(_document(tenant))


@dataclass(frozen=True)
class Switched:
    """A tenant that was switched to another administration, and what was open in the one it left."""

    before: str
    after: str
    open_work: OpenWork


@dataclass(frozen=True)
class Applied:
    tenant: Tenant
    switched: Switched | None = None


def apply(content: bytes) -> Tenant:
    """Create or update one tenant; what the file does not name stays as it is. Idempotent.

    Raises `TenantFileError` with the path of each problem, and stores nothing then.
    """
    return _apply(content, may_switch=False).tenant


def apply_and_switch(content: bytes) -> Applied:
    """Do the same, and switch to the King administration that the file names if it is another one."""
    return _apply(content, may_switch=True)


def _apply(content: bytes, *, may_switch: bool) -> Applied:
    try:
        given = strict_json.read(content)
    except strict_json.StrictJsonError as error:
        raise TenantFileError({error.path: error.sentence}) from None
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().filter(slug=str(given.get("slug", ""))).first()
        before = _document(tenant) if tenant else {}
        file = _checked(_merged(before, given))
        switched = _switched(file, tenant, may_switch=may_switch)
        _require_secrets_again(before, given, file)
        return _stored_with_switch(file, tenant, switched) if switched and tenant else Applied(_store(file, tenant))


def _switched(file: TenantFile, tenant: Tenant | None, *, may_switch: bool) -> Switched | None:
    """Return the switch to another administration that the file asks for; refuse one that was not allowed."""
    if tenant is None:
        return None
    with tenants.scope(tenant):
        before, after = switch.present_name(), file.king.administration
        problem = administrations.change_problem(before, after)
        if problem and not may_switch:
            raise TenantFileError({"king.administration": problem})
        return Switched(before, after, open_work()) if problem else None


def _stored_with_switch(file: TenantFile, tenant: Tenant, switched: Switched) -> Applied:
    try:
        with tenants.scope(tenant), switch.switching(switched.after):
            tenant.refresh_from_db(fields=["administration"])
            return Applied(_store(file, tenant), switched)
    except switch.SwitchRefusedError as error:
        raise TenantFileError({"king.administration": reason_sentence(stored(error.why))}) from None


# --- Reading the file -------------------------------------------------------------------------------------------------


def _merged(base: Document, given: Document, *, path: str = "") -> Document:
    """Return the file completed with stored values: absent keys, and secrets given as `***`."""
    merged = dict(base)
    for key, value in given.items():
        before, here = merged.get(key), f"{path}.{key}".strip(".")
        if here == "king.access_codes" and isinstance(value, dict):
            merged[key] = {
                name: (before or {}).get(name, SECRET) if code == SECRET else code for name, code in value.items()
            }
        elif isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merged(before, value, path=here)
        elif value != SECRET or here not in _SECRETS or before is None:
            merged[key] = value
    return merged


def _checked(document: Document) -> TenantFile:
    try:
        file = msgspec.convert(document, TenantFile)
    except msgspec.ValidationError as error:
        raise TenantFileError(_located(str(error))) from None
    problems = {path: sentence(problem) for path, problem in mapping.problems_of(file).items()}
    problems |= _secret_problems(file) | _address_problems(file)
    if problems:
        raise TenantFileError(problems)
    return file


def _located(message: str) -> dict[str, str]:
    """Return path → sentence for a msgspec message: `Expected ... - at `$.exports.hour_rounding``."""
    text, _, place = message.partition(" - at ")
    path = re.sub(r"\[(\d+)\]", r".\1", place.strip("`")).removeprefix("$").strip(".")
    for pattern, refusal in (
        (r"unknown field `([^`]*)`", gettext("This key is unknown.")),
        (r"missing required field `([^`]*)`", gettext("This key is required.")),
    ):
        named = re.search(pattern, text)
        if named:
            return {f"{path}.{named.group(1)}".strip("."): refusal}
    if text.startswith("Invalid enum value"):
        choices = ", ".join(str(choice) for choice in _choices_at(path))
        return {path: gettext("It must be one of: %(choices)s.") % {"choices": choices}}
    return {path: _limit(text) or gettext("The value is not valid (%(detail)s).") % {"detail": text}}


def _limit(message: str) -> str:
    """Return the sentence for a value past its limit; "" if the error is of another kind."""
    for pattern, refusal in (
        (r"Expected `str` of length <= (\d+)", gettext("The text is too long: at most %(most)s characters.")),
        (r"Expected `(?:array|object)` of length <= (\d+)", gettext("There are too many: at most %(most)s.")),
        (r"Expected `int` <= (\d+)", gettext("The number is too large: at most %(most)s.")),
        (r"Expected `int` >= (\d+)", gettext("The number is too small: at least %(most)s.")),
    ):
        found = re.search(pattern, message)
        if found:
            return refusal % {"most": found.group(1)}
    return ""


def _choices_at(path: str) -> tuple[object, ...]:
    """Return the values that a path of the file allows, for a path to a choice."""
    here: object = TenantFile
    for part in path.split("."):
        here = get_args(here)[0] if part.isdecimal() else get_type_hints(here)[part]
    return get_args(here)


def _secret_problems(file: TenantFile) -> dict[str, str]:
    """Return the paths where `***` is given although no secret is stored."""
    secrets = {f"outsmart.{name}": getattr(file.outsmart, name) for name in _OUTSMART_SECRETS}
    secrets |= {"king.access_code": file.king.access_code}
    secrets |= {f"king.access_codes.{name}": code for name, code in file.king.access_codes.items()}
    problems = {
        path: gettext("No secret is stored that *** could stand for.")
        for path, code in secrets.items()
        if code == SECRET
    }
    unknown = [name for name in file.king.access_codes if name not in names.OPERATIONS]
    return problems | {f"king.access_codes.{name}": gettext("King has no operation of this name.") for name in unknown}


def _require_secrets_again(before: Document, given: Document, file: TenantFile) -> None:
    """Refuse to send a stored secret elsewhere or differently unless the file gives it again."""
    refusal = gettext(
        "The address, the certificate check or the administration changes, so the stored secret is "
        "not used. Enter the secret itself, not ***."
    )
    problems = dict.fromkeys(untyped_secrets(before, given, msgspec.to_builtins(file)), refusal)
    if problems:
        raise TenantFileError(problems)


def _address_problems(file: TenantFile) -> dict[str, str]:
    problems = {}
    for system, url in ((System.OUTSMART, file.outsmart.base_url), (System.KING, file.king.base_url)):
        try:
            if url:
                clients.policy_of(system).check_url(url, system=system)
        except errors.ConfigurationError as error:
            problems[f"{system}.base_url"] = f"{reason_sentence(stored(reason_of(error)))} ({error.detail})"
    return problems


# --- Stored values ----------------------------------------------------------------------------------------------------

_OUTSMART_SECRETS = SECRET_KEYS[System.OUTSMART]
_SECRETS_OF: dict[str, tuple[str, ...]] = {
    System.OUTSMART: _OUTSMART_SECRETS,
    System.KING: (*SECRET_KEYS[System.KING], CODES),
}
_SECRETS = frozenset({*(f"outsmart.{name}" for name in _OUTSMART_SECRETS), "king.access_code"})


def _document(tenant: Tenant) -> Document:
    """Return the tenant's file with its secrets in clear: for merging only, never for display."""
    with tenants.scope(tenant):
        outsmart = Connection.objects.filter(system=System.OUTSMART).first() or Connection.new(System.OUTSMART)
        king = Connection.objects.filter(system=System.KING).first() or Connection.new(System.KING)
        choices = SyncSettings.objects.first() or SyncSettings()
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "language": tenant.language,
        "licence": msgspec.to_builtins(tenant.licence),
        "outsmart": _section(outsmart, OutSmartSection),
        "king": _section(king, KingSection),
        **msgspec.to_builtins(choices.as_document()),
    }


def _section(connection: Connection, form: type[Section]) -> Document:
    secrets = _SECRETS_OF[connection.system]
    columns = {name: getattr(connection, name) for name in form.__struct_fields__ if name not in secrets}
    kept = {name: connection.credentials[name] for name in secrets if name in connection.credentials}
    return dict(msgspec.to_builtins(form(**columns, **kept)))


def _masked(document: Document) -> Document:
    def hidden(text: str) -> str:
        return SECRET if text else ""

    outsmart, king = document["outsmart"], document["king"]
    for name in _OUTSMART_SECRETS:
        outsmart[name] = hidden(outsmart[name])
    king["access_code"] = hidden(king["access_code"])
    king["access_codes"] = {name: hidden(code) for name, code in king["access_codes"].items()}
    return document


def _store(file: TenantFile, tenant: Tenant | None) -> Tenant:
    tenant = tenant or Tenant(slug=file.slug)
    tenant.name, tenant.language = file.name, file.language
    tenant.take_licence(file.licence)
    tenant.save()
    with tenants.scope(tenant):
        _store_connection(System.OUTSMART, file.outsmart)
        _store_connection(System.KING, file.king)
        choices = SyncSettings.objects.first() or SyncSettings(tenant=tenant)
        _require_known_articles(file, choices)
        choices.take(file)
        choices.store(by=None)
    return tenant


def _require_known_articles(file: TenantFile, stored_choices: SyncSettings) -> None:
    """Refuse newly named articles that King, of the present administration, does not know."""
    problems = named_articles.problems_of(file.exports, stored=stored_choices.as_mapping().exports)
    if problems:
        raise TenantFileError({f"exports.{name}": sentence(problem) for name, problem in problems.items()})


def _store_connection(system: System, section: Section) -> None:
    """Store a connection; a changed one is active again, so that the schedule tries it."""
    connection = Connection.objects.filter(system=system).first() or Connection.new(system)
    values = msgspec.json.decode(msgspec.json.encode(section))  # with lists, as columns have them
    values["credentials"] = {name: values.pop(name) for name in _SECRETS_OF[system]}
    if connection.pk and all(getattr(connection, name) == value for name, value in values.items()):
        return
    for name, value in values.items():
        setattr(connection, name, value)
    connection.state, connection.paused_reason = Connection.State.ACTIVE, {}
    connection.save()
