"""The sentence of each reason, for users: what happened, what to do. All other code returns a code and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import errors
from kingsync.messages.field_names import field_name, field_names
from kingsync.messages.sentences import decisions, lines, runs, systems, work_orders
from kingsync.rules import outcomes


class StoredReason(TypedDict):
    code: str
    params: dict[str, str]


SENTENCES: dict[str, str | Promise] = {
    **work_orders.SENTENCES,
    **decisions.SENTENCES,
    **lines.SENTENCES,
    **runs.SENTENCES,
    **systems.SENTENCES,
}

# Events of the log, for entries without a reason.
EVENTS: dict[str, str | Promise] = {
    "order.moved": _("The work order went to another King order."),
    "order.created": _("The order was created in King."),
    "order.updated": _("The order was updated in King."),
    "order.unchanged": _("King already had all of it."),
    "order.approved": _("The order was approved and released for delivery."),
    "record.open_again": _("The order is open in King again."),
    "order.found_again": _("The order of an interrupted run was found in King; the export continues with it."),
}

_NAMES = {"outsmart": "OutSmart", "king": "King"}


def sentence(reason: Mapping[str, Any]) -> str:
    """Return the reason as a sentence in the active language; "" for no reason."""
    if not reason or not reason.get("code"):
        return ""
    params = dict(reason.get("params", {}))
    if "cause" in params:
        params = {"detail": sentence({"code": params.pop("cause"), "params": params})}
    template = _template(reason["code"], params)
    if "fields" in params:
        params["fields"] = field_names(params["fields"])
    if "field" in params:
        params["field"] = _capital(field_name(params["field"]))
    if reason["code"] == "line_refused":
        params["sentence"] = sentence({"code": params.pop("code", ""), "params": params})
    return (template % _Missing(params)).strip()


def code_of_sentence(reason: Mapping[str, Any]) -> str:
    """Return under which code the sentence of a reason is in `SENTENCES`; that of its line if it is about a line."""
    code, params = str((reason or {}).get("code", "")), (reason or {}).get("params", {})
    own = _code_of_template(code, params)
    if code == own == "line_refused" and params.get("code") in SENTENCES:
        return str(params["code"])
    return own if own in SENTENCES else ""


def _code_of_template(code: str, params: Mapping[str, Any]) -> str:
    """Return the code of the sentence; a line, a system's code and what is known of a King order may have their own."""
    own = f"{code}.{params.get('variant') or params.get('code', '')}"
    bare = f"{code}.bare" if not params.get(_BARE_WITHOUT.get(code, "")) else ""
    return next((each for each in (own, bare) if each in SENTENCES), code)


def _template(code: str, params: Mapping[str, Any]) -> str:
    code = _code_of_template(code, params)
    template = str(SENTENCES.get(code, code))
    if template.endswith(": %(detail)s") and not params.get("detail"):
        return template.replace("%(detail)s", gettext("no explanation was given."))
    return template


def event_sentence(event: str, reason: Mapping[str, Any]) -> str:
    """Return the text of a log entry: its reason, else its event in words, else the event's dotted name."""
    return sentence(reason) or str(EVENTS.get(event, event))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# The value without which the sentence "<code>.bare" is the right one.
_BARE_WITHOUT = {"system.server_error": "status", "system.unexpected": "detail"}


class _Missing(dict[str, str]):
    """Values of a sentence; a missing one reads as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def sentences(reasons: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(text for text in map(sentence, reasons) if text)


def stored(reason: outcomes.Reason) -> StoredReason:
    """Return the reason in the form in which it is stored."""
    return {"code": reason.code, "params": dict(reason.params)}


def reason_of(error: errors.IntegrationError) -> outcomes.Reason:
    """Return the reason that describes an error of one of the two systems."""
    detail = " ".join(part for part in (error.code, error.detail) if part)
    params = {
        "system": _NAMES.get(error.system, error.system),
        "operation": error.operation,
        "status": "" if error.status is None else str(error.status),
        "detail": detail,
    }
    code, own = f"system.{error.reason}", f"{error.system}-{error.code}"
    return outcomes.Reason(code=code, params=params | ({"code": own} if f"{code}.{own}" in SENTENCES else {}))
