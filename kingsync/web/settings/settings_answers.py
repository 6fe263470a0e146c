"""Answers of OutSmart and King on the settings page: connection checks and pick lists."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext

from kingsync.messages import reason_texts
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import System
from kingsync.web.settings import settings_versions
from kingsync.web.settings.settings_form import CHOSEN_FROM_SYSTEMS, SettingsForm
from kingsync.web.shared import access


def tested(request: access.TenantRequest, system: System, problem: reason_texts.StoredReason | None) -> HttpResponse:
    """Show the result of a connection check."""
    return shown(request, "settings/_connection_check.html", {"system": system, "is_tried": True, "problem": problem})


def shown(request: access.TenantRequest, part: str, context: dict[str, object]) -> HttpResponse:
    """Show a part of the settings page; without scripts on its own page, with a link back."""
    if request.htmx:
        return render(request, part, context)
    return render(request, "settings/answer.html", context | {"part": part})


def ended_test(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    return tested(request, System(call.parameters["system"]), call.problem)


def ended_choices(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Show the answers and return the refreshed pick lists, with what is filled in now."""
    answers = [_told(answer) for answer in call.result.get("answers", [])]
    context: dict[str, object] = {"refreshed": answers, "problem": call.problem}
    if request.htmx:
        form = SettingsForm(request.GET, instance=settings_versions.stored_settings())
        for name in CHOSEN_FROM_SYSTEMS:
            form.fields[name].widget.attrs["hx-swap-oob"] = "outerHTML"
        context["fields"] = [form[name] for name in CHOSEN_FROM_SYSTEMS]
    return shown(request, "settings/_pick_lists.html", context)


def _told(answer: dict[str, object]) -> dict[str, object]:
    count = int(str(answer["count"]))
    if answer["system"] == System.OUTSMART:
        message = ngettext("%(count)s work order status", "%(count)s work order statuses", count)
    else:
        message = ngettext("%(count)s warehouse", "%(count)s warehouses", count)
    system = System(str(answer["system"])).label
    return {"system": system, "message": message % {"count": count}, "problem": answer["problem"]}
