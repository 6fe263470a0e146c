"""The statements of a company: the list of months, a day or month as it is now, and what was signed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement, SignedWorkOrder
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import limits
from kingsync.statements import agreement, changes, counting, digests, figures, periods, signing
from kingsync.statements.changes import Change, Changes
from kingsync.statements.counting import Totals
from kingsync.statements.periods import Period
from kingsync.web.figures import figures_page
from kingsync.web.shared import access, paging
from kingsync.web.shared.dates import month_name
from kingsync.web.statements import labels, statement_download

NAMED = 50
PAGE_SIZE = 50
_OPEN = [state for state in LedgerState if state not in (*WorkOrder.COMPLETE, LedgerState.EXCLUDED)]


class SignForm(forms.Form):
    """What the person who signs confirms; `seen` is the mark of what the page showed."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    remark = forms.CharField(
        label=gettext_lazy("Remark"),
        max_length=limits.REMARK,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Optional. Kept with the signature."),
    )
    accepted = forms.BooleanField(label="", required=False)


@dataclass(frozen=True)
class Month:
    """A month of the list; `signed` is its newest signed version."""

    name: str
    figures: figures.Period
    signed: SignedStatement | None


@dataclass(frozen=True)
class Signed:
    """What was signed of a month; `is_changed` since, of the newest version."""

    name: str
    version: str
    statement: SignedStatement
    is_changed: bool


@dataclass(frozen=True)
class ChangeRow:
    """A work order that changed since, as the page shows it."""

    change: Change
    kind: str

    @property
    def state_before(self) -> str:
        return str(self.change.state_before.label) if self.change.state_before else ""

    @property
    def state_now(self) -> str:
        return str(self.change.state_now.label) if self.change.state_now else ""


# --- All months -------------------------------------------------------------------------------------------------------


@require_safe
@access.members
def statements(request: access.TenantRequest) -> HttpResponse:
    """Show the last months, which of them are signed, and everything that was ever signed."""
    newest = {each.month: each for each in changes.newest()}
    changed = {each.month for each in changes.changed_months()}
    found = figures.figures(now=timezone.now())
    months = [
        Month(month_name(month.first), month, newest.get(month.first))
        for month in reversed(found.months)
        if month.total or month.first in newest
    ]
    context = {
        "months": months,
        "signed": _signed_last({each.pk for month, each in newest.items() if month in changed}),
        "changed": changed,
        "this_month": f"{timezone.localdate():%Y-%m}",
    }
    return render(request, "statements/statements.html", context)


def _signed_last(changed: set[uuid.UUID]) -> list[Signed]:
    rows = SignedStatement.objects.select_related("administration").order_by("-signed_at")[:PAGE_SIZE]
    return [Signed(labels.name_of_signed(each), labels.version_of(each), each, each.pk in changed) for each in rows]


@require_safe
@access.members
def find_statement(request: access.TenantRequest) -> HttpResponse:
    """Lead to the month that was entered."""
    month = periods.of_key(request.GET.get("month", "").strip())
    if month is None:
        messages.error(request, _("Enter a month as year and month, such as 2026-11."))
        return redirect("statements", slug=request.tenant.slug)
    return redirect("statement", slug=request.tenant.slug, period=month.key)


# --- A day or month as it is now --------------------------------------------------------------------------------------


@require_safe
@access.members
def statement(request: access.TenantRequest, period: str) -> HttpResponse:
    """Show what became of every work order of a day or month."""
    found = period_or_404(period)
    days = counting.by_day(found)
    totals = counting.together(days.values())
    undated = counting.undated().order_by("-pk")
    seen = signing.Shown(totals, undated.count())
    is_over = found.is_over(timezone.localdate())
    context = {
        **_names(found),
        **_sums(found, totals),
        "days": [(labels.name_of(Period(day, day)), day, sums) for day, sums in days.items()] if found.is_month else [],
        "agreement": list(labels.of_agreement(agreement.of(found))),
        "open": counting.work_orders(found).filter(state__in=_OPEN).defer("source").order_by("work_date", "pk")[:NAMED],
        "undated": undated.defer("source")[:NAMED],
        "undated_count": seen.undated,
        "is_over": is_over,
        "has_begun": found.first <= timezone.localdate(),
        "must_accept": not (seen.is_everything_settled and is_over),
        "form": SignForm(initial={"seen": seen.mark}, label_suffix=""),
        "versions": _versions(found) if found.is_month else [],
        "pdf_rows": statement_download.PDF_ROWS,
    }
    newest = context["versions"][0][0] if context["versions"] else None
    context |= _changes(changes.since(newest)) if newest else {}
    return render(request, "statements/statement.html", context)


@require_POST
@access.owners
def sign(request: access.TenantRequest, period: str) -> HttpResponse:
    """Sign a month off, as it was shown."""
    month = period_or_404(period)
    form = SignForm(request.POST)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
        return redirect("statement", slug=request.tenant.slug, period=month.key)
    given = form.cleaned_data
    try:
        signed = signing.sign(
            month, by=request.user, seen=given["seen"], accepted=given["accepted"], remark=given["remark"]
        )
    except signing.NotSignedError as error:
        messages.error(request, _why_not(error))
        return redirect("statement", slug=request.tenant.slug, period=month.key)
    messages.success(request, _("%(month)s has been signed.") % {"month": capfirst(labels.name_of(month))})
    return redirect("signed_statement", slug=request.tenant.slug, statement_id=signed.pk)


def _why_not(error: signing.NotSignedError) -> str:
    if isinstance(error, signing.ChangedMeanwhileError):
        return _("Not signed: work orders of this month changed in the meantime. Check the statement, then sign.")
    if isinstance(error, signing.NotAcceptedError):
        return _("Not signed: tick that you accept what is named above the button.")
    return _("Not signed: only a month that has begun can be signed.")


def period_or_404(period: str) -> Period:
    found = periods.of_key(period)
    if found is None:
        raise Http404
    return found


def _names(period: Period) -> dict[str, Any]:
    month = periods.month_of(period.first)
    return {
        "period": period,
        "name": labels.name_of(period),
        "month": month,
        "month_name": labels.name_of(month),
        "administration": tenants.Administration.objects.get(pk=tenants.current_administration_id()),
    }


def _sums(period: Period, totals: Totals) -> dict[str, Any]:
    shown = figures.of(period.first, period.last, totals)
    return {
        "totals": shown,
        "amount_in_king": figures_page.amount_text(shown),
        "states": totals.states,
        "sentence": figures_page.sentence(capfirst(labels.name_of(period)), shown),
    }


def _versions(month: Period) -> list[tuple[SignedStatement, str]]:
    rows = SignedStatement.objects.filter(administration=tenants.current_administration_id(), month=month.first)
    return [(each, labels.version_of(each)) for each in rows.order_by("-version")]


def _changes(found: Changes) -> dict[str, Any]:
    return {
        "changes": found,
        "change_counts": ", ".join(labels.of_changes(found)),
        "change_rows": [ChangeRow(each, labels.of_kind(each.kind)) for each in found.listed],
        "changes_left": found.total - len(found.listed),
    }


# --- What was signed --------------------------------------------------------------------------------------------------


@require_safe
@access.members
def signed_statement(request: access.TenantRequest, statement_id: uuid.UUID) -> HttpResponse:
    """Show what was signed of a month, who did, and what changed since."""
    found = get_object_or_404(SignedStatement.objects.select_related("administration"), pk=statement_id)
    month = periods.month_of(found.month)
    rows = SignedWorkOrder.objects.filter(statement=found)
    shown = paging.newest_first(_open(rows), before=request.GET.get("before", ""), size=PAGE_SIZE)
    context = {
        "statement": found,
        "name": labels.name_of(month),
        "version": labels.version_of(found),
        "month": month,
        **_sums(month, counting.from_json(found.sums)),
        "agreement": list(labels.of_agreement(agreement.from_json(found.agreement))),
        "is_intact": digests.is_intact(found),
        "page": shown,
        "newer": _newer(found),
        "pdf_rows": statement_download.PDF_ROWS,
        **_changes(changes.since(found)),
    }
    return render(request, "statements/signed.html", context)


def _open(rows: QuerySet[SignedWorkOrder]) -> QuerySet[SignedWorkOrder]:
    return rows.filter(state__in=_OPEN)


def _newer(statement: SignedStatement) -> Sequence[SignedStatement]:
    same = SignedStatement.objects.filter(administration=statement.administration_id, month=statement.month)
    return list(same.filter(version__gt=statement.version).order_by("-version")[:1])
