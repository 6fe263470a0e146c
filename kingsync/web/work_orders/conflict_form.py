"""The form in which a user chooses what applies where King's staff and the office both changed a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kingsync.manual_actions import conflicts
from kingsync.messages.field_names import field_name, field_names
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.conflicts import Choice, possible, total

_PREFIX = "choice-"
_LABELS: dict[str, dict[Choice, str | Promise]] = {
    "line_conflict": {
        Choice.KING: gettext_lazy("Keep King's value"),
        Choice.OUTSMART: gettext_lazy("Write OutSmart's value to King"),
    },
    "line_removed": {
        Choice.KING: gettext_lazy("Leave it removed"),
        Choice.OUTSMART: gettext_lazy("Add it to the King order again"),
    },
    "line_dropped": {
        Choice.KING: gettext_lazy("Keep it in King; kingsync no longer updates it"),
        Choice.OUTSMART: gettext_lazy("Remove it from the King order"),
    },
}


@dataclass(frozen=True)
class Row:
    """A conflict as the form shows it; `name` is that of its field, `choices` are values with their labels."""

    name: str
    line: str
    field: str
    before: str
    king: str
    outsmart: str
    choices: tuple[tuple[str, str], ...]


def rows(work_order: WorkOrder) -> list[Row]:
    return [_row(why["code"], why["params"]) for why in conflicts.open_conflicts(work_order)]


def _row(code: str, params: dict[str, str]) -> Row:
    field = field_name(params["field"]) if "field" in params else field_names(params.get("fields", ""))
    return Row(
        name=f"{_PREFIX}{params['mark']}",
        line=params["line"],
        field=field or _("line"),
        before=params["before"],
        king=_("removed") if code == "line_removed" else params["theirs"],
        outsmart=_("removed") if code == "line_dropped" else params["ours"],
        choices=tuple(_choices(code, params)),
    )


def _choices(code: str, params: dict[str, str]) -> Iterator[tuple[str, str]]:
    for choice in possible(code, params):
        if choice is Choice.SUM:
            both = total(params["before"], params["ours"], params["theirs"])
            yield choice.value, _("Sum of both changes: %(both)s") % {"both": both}
        else:
            yield choice.value, str(_LABELS[code][choice])


def chosen(request: HttpRequest) -> dict[str, str]:
    """Return the choices by mark; a button for all of them overrules each."""
    for_all = request.POST.get("all", "")
    names = [name for name in request.POST if name.startswith(_PREFIX)]
    return {name.removeprefix(_PREFIX): for_all or request.POST[name] for name in names}
