"""What is wrong with a request: for each value where it stands, a code for programs, and what to send instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.api.errors import ApiError

AT_MOST = 20
_FALLBACK = ("unusable", _("This value cannot be used. The OpenAPI document says what is accepted."))
_WHOLE_NUMBER = ("no_whole_number", _("Send a whole number, without quotation marks in a body."))
_YES_OR_NO = ("no_boolean", _("Send true or false."))
_MOMENT = (
    "no_moment",
    _("Send a moment with its offset, such as 2026-11-22T10:00:00Z. In an address + is written as %%2B."),
)
_TOO_SHORT = ("too_short", _("Send at least %(min_length)s characters."))
_CHOICE = ("no_such_choice", _("Send one of: %(expected)s."))
_NO_OBJECT = ("no_object", _("Send a JSON object, such as {}."))
# pydantic's types of errors → our code, and what to do.
_KINDS: dict[str, tuple[str, str | Promise]] = {
    "missing": ("missing", _("This is required and was not sent.")),
    "extra_forbidden": ("unknown", _("There is nothing of this name here. Leave it out, or correct its name.")),
    "string_type": ("no_text", _("Send a text.")),
    "string_too_short": _TOO_SHORT,
    "string_too_long": ("too_long", _("Send at most %(max_length)s characters.")),
    "string_pattern_mismatch": ("wrong_form", _("Send the text of `next` of the page before, as it is.")),
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "greater_than_equal": ("too_small", _("Send %(ge)s or more.")),
    "less_than_equal": ("too_large", _("Send %(le)s or less.")),
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "list_type": ("no_list", _("Send a list, such as [].")),
    "too_long": ("too_many", _("Send at most %(max_length)s items; here are %(actual_length)s.")),
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "timezone_aware": _MOMENT,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "value_error": ("not_storable", _("Leave out the character that cannot be stored.")),
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "dict_type": _NO_OBJECT,
}
KINDS = tuple(sorted({kind for kind, _text in (_FALLBACK, *_KINDS.values())}))
# Names of ours in the paths of django-ninja, which a caller does not know.
_NOT_SENT = frozenset({"body", "filters"})


def error_of(found: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the answer to a request with these problems, as pydantic names them; the first ones are enough."""
    problems = [_problem(each) for each in found[:AT_MOST]]
    first = problems[0]
    message = gettext("“%(field)s” is not right. %(what_to_do)s") % {
        "field": first["field"] or first["where"],
        "what_to_do": first["message"],
    }
    return ApiError(422, "invalid", message, problems=problems)


def _problem(each: Mapping[str, Any]) -> dict[str, str]:
    place, *path = each["loc"]
    kind, text = _KINDS.get(str(each["type"]), _FALLBACK)
    values = {name: _readable(value) for name, value in each.get("ctx", {}).items()}
    return {"where": str(place), "field": _field(path), "kind": kind, "message": str(text) % values}


def _field(path: Sequence[object]) -> str:
    """Return "work_orders[3]"; "" for the whole body."""
    named = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path if part not in _NOT_SENT)
    return named.removeprefix(".")


def _readable(value: object) -> str:
    """Return choices without pydantic's quotation marks and its English "or"."""
    return str(value).replace(" or ", ", ").replace("'", "")
