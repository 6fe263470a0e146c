"""The operators' first page: every company, worst first."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from kingsync.messages import reason_texts
from kingsync.models.notifications import StoppedAddress
from kingsync.models.runs import RunKind
from kingsync.models.tenants import Tenant
from kingsync.notifications import mail_server
from kingsync.web.operators import tenant_details, tenant_status
from kingsync.web.operators.tenant_details import Sparkline
from kingsync.web.operators.tenant_status import Sort, Status, Trouble, Wanted
from kingsync.web.shared import access, filters

TONES = {
    Trouble.SILENT: "bad",
    Trouble.FAILING: "bad",
    Trouble.PAUSED: "bad",
    Trouble.ATTENTION: "warn",
    Trouble.OK: "good",
}
_LONGEST_CODE = 50
REFUSED_SHOWN = 20


class TenantFilter(filters.FilterForm):
    q = filters.text(_("Company"), max_length=100)
    trouble = filters.choice(_("State"), Trouble.choices)
    sort = forms.ChoiceField(label=_("Sort by"), choices=Sort.choices, required=False)
    cause = forms.CharField(required=False, max_length=_LONGEST_CODE, widget=forms.HiddenInput)
    page = forms.IntegerField(required=False, min_value=1, max_value=tenant_status.LAST_PAGE, widget=forms.HiddenInput)

    def wanted(self) -> Wanted:
        """Return the valid filters."""
        page = self.value("page") or 1
        texts = {name: self.value(name) or "" for name in ("trouble", "cause", "sort")}
        return Wanted(search=(self.value("q") or "").strip(), page=page - 1, **texts)


@dataclass(frozen=True)
class Direction:
    """One way of a company: when it last went well, since when it fails, and why."""

    last_good_at: datetime.datetime | None
    failing_since: datetime.datetime | None
    error: dict[str, Any]

    @property
    def why(self) -> str:
        return reason_texts.sentence(self.error) if self.failing_since else ""


@dataclass(frozen=True)
class Row:
    """One company of the list."""

    tenant: Tenant
    status: Status
    exports: Direction
    imports: Direction
    sparkline: Sparkline | None

    @property
    def tone(self) -> str:
        return TONES.get(self.status.trouble, "calm")


def operators(view: access.View) -> access.View:
    """Open the page to operators; to others it does not exist."""

    def checked(request: access.PersonRequest, **rest: object) -> HttpResponse:
        if not request.user.is_superuser:
            raise Http404
        return view(request, **rest)

    return access.people(checked)


@require_safe
@operators
def tenants(request: access.PersonRequest) -> HttpResponse:
    """Show the filtered companies; the one whose short name was entered is opened."""
    form = TenantFilter(request.GET)
    wanted = form.wanted()
    named = Tenant.objects.filter(slug=wanted.search).first() if request.GET.get("open") else None
    if named:
        return redirect("tenant", slug=named.slug)
    found = tenant_status.page(wanted)
    refused = StoppedAddress.across_tenants.filter(kind=StoppedAddress.Kind.REFUSED).select_related("tenant")
    context = {
        "form": form,
        "mail_server": mail_server.state(),
        "refused": list(refused.order_by("-since")[:REFUSED_SHOWN]),
        "wanted": wanted,
        "rows": _rows(found.rows),
        "chips": [(each, found.counts.get(each, 0)) for each in Trouble if found.counts.get(each)],
        "total": sum(found.counts.values()),
        "number": wanted.page + 1,
        "next": wanted.page + 2 if found.has_more else None,
        "previous": wanted.page or None,
    }
    return render(request, "operators/tenants.html", context)


def _rows(found: list[Status]) -> list[Row]:
    """Return the rows of one page, in three queries."""
    keys = [status.tenant_id for status in found]
    by_key, good, lines = Tenant.objects.in_bulk(keys), tenant_details.last_good(keys), tenant_details.sparklines(keys)
    return [
        Row(
            by_key[status.tenant_id],
            status,
            Direction(good.get((status.tenant_id, RunKind.EXPORT)), status.export_failing_since, status.export_error),
            Direction(good.get((status.tenant_id, RunKind.IMPORT)), status.import_failing_since, status.import_error),
            lines.get(status.tenant_id),
        )
        for status in found
        if status.tenant_id in by_key
    ]
