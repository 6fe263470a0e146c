"""Answers of OutSmart and King on the settings page: connection checks and pick lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext

from kingsync.messages import reason_texts
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.web.settings import connection_faults, settings_versions
from kingsync.web.settings.connection_forms import FORMS, ConnectionForm
from kingsync.web.settings.settings_form import CHOSEN_FROM_SYSTEMS, SettingsForm
from kingsync.web.shared import access


@dataclass(frozen=True)
class Fault:
    """One sentence on one field of a connection; without `name`, on none in particular."""

    text: str
    name: str = ""
    label: str = ""
    anchor: str = ""


def refused(request: access.TenantRequest, form: ConnectionForm) -> HttpResponse:
    """Show why a connection was not tested."""
    faults = [
        _fault(form, name if name in form.fields else "", str(error))
        for name, errors in form.errors.items()
        for error in errors
    ]
    return _checked(request, form, {"faults": faults or [_fault(form, *_nothing_typed(form))]})


def tested(request: access.TenantRequest, system: System, problem: reason_texts.StoredReason) -> HttpResponse:
    """Show why a connection does not work."""
    form = FORMS[system](instance=Connection.new(system))
    name = connection_faults.field_of(system, problem)
    fault = _fault(form, name if name in form.fields else "", reason_texts.sentence(problem))
    return _checked(request, form, {"is_tried": True, "faults": [fault]})


def shown(request: access.TenantRequest, part: str, context: dict[str, object]) -> HttpResponse:
    """Show a part of the settings page; without scripts on its own page, with a link back."""
    if request.htmx:
        return render(request, part, context)
    return render(request, "settings/answer.html", context | {"part": part})


def ended_test(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Show the result of a connection check; after a good one the pick lists offer what the system has."""
    system = System(call.parameters["system"])
    if call.problem:
        return tested(request, system, call.problem)
    offered = call.result.get("offered", {"count": 0, "choices": [], "problem": None})
    form = FORMS[system](instance=Connection.new(system))
    context = {"is_tried": True, "offered": _told(offered | {"system": system})}
    return _checked(request, form, context | _fields(request, system, offered["choices"]))


def ended_choices(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Show the answers and return the refreshed pick lists, with what is filled in now."""
    answers = [_told(answer) for answer in call.result.get("answers", [])]
    context: dict[str, object] = {"refreshed": answers, "problem": call.problem}
    return shown(request, "settings/_pick_lists.html", context | _fields(request))


def _checked(request: access.TenantRequest, form: ConnectionForm, context: dict[str, object]) -> HttpResponse:
    """Show the result of a check; each field of the connection shows its own fault, or none any more."""
    slots = [form[name].auto_id for name in form.fields]
    return shown(
        request,
        "settings/_connection_check.html",
        {"system": form.system, "slots": slots, "offered": None, "faults": []} | context,
    )


def _is_on_settings_page(request: access.TenantRequest) -> bool:
    """Return whether the fields are on the page: that of another administration has places of its own for none."""
    asked_from = request.htmx.current_url_abs_path
    return asked_from is None or urlsplit(asked_from).path == reverse("settings", args=[request.tenant.slug])


def _fault(form: ConnectionForm, name: str, text: str) -> Fault:
    return Fault(text, name, str(form[name].label), form[name].auto_id) if name else Fault(text)


def _nothing_typed(form: ConnectionForm) -> tuple[str, str]:
    return connection_faults.ADDRESS, reason_texts.sentence(
        {"code": "no_connection", "params": {"system": str(form.system.label)}}
    )


def _fields(request: access.TenantRequest, system: System | None = None, choices: Any = ()) -> dict[str, object]:
    """Return the pick lists as fields that replace those of the page, with what was typed there."""
    if not (request.htmx and _is_on_settings_page(request)):
        return {}
    form = SettingsForm(request.GET, instance=settings_versions.stored_settings())
    if system is not None:
        form.offer_choices_of(system, choices)
    for name in CHOSEN_FROM_SYSTEMS:
        form.fields[name].widget.attrs["hx-swap-oob"] = "outerHTML"
    return {"fields": [form[name] for name in CHOSEN_FROM_SYSTEMS]}


def _told(answer: dict[str, Any]) -> dict[str, object]:
    count = int(answer["count"])
    if answer["system"] == System.OUTSMART:
        message = ngettext("%(count)s work order status", "%(count)s work order statuses", count)
    else:
        message = ngettext("%(count)s warehouse", "%(count)s warehouses", count)
    system = System(str(answer["system"])).label
    return {"system": system, "message": message % {"count": count}, "problem": answer["problem"]}
