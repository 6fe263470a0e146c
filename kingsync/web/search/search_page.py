"""The search page, and its list for the palette."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kingsync.models.tenants import Tenant
from kingsync.web.search import ledger_search, page_search, record_search, run_search, settings_search
from kingsync.web.search.hits import Group
from kingsync.web.shared import access
from kingsync.web.work_orders.work_order_list import SEARCH_LENGTH

# One letter is in nearly every name.
SHORTEST = 2


@require_safe
@access.members
def search(request: access.TenantRequest) -> HttpResponse:
    """Show what was found everywhere; for the palette only the list."""
    text = request.GET.get("q", "").strip()[:SEARCH_LENGTH]
    groups = [group for group in _groups(request.tenant, text) if group.hits]
    context = {"text": text, "groups": groups, "count": sum(len(group.hits) for group in groups)}
    is_part = request.GET.get("part") == "palette"
    return render(request, "search/_options.html" if is_part else "search/search.html", context)


def _groups(tenant: Tenant, text: str) -> list[Group]:
    pages = Group("pages", _("Pages"), page_search.found(tenant, text))
    if len(text) < SHORTEST:
        return [pages] if not text else []
    all_of = urlencode({"q": text})
    return [
        Group(
            "work-orders",
            _("Work orders"),
            ledger_search.found(tenant, text),
            f"{reverse('work_orders', args=[tenant.slug])}?{all_of}",
        ),
        Group(
            "records",
            _("Master data"),
            record_search.found(tenant, text),
            f"{reverse('records', args=[tenant.slug])}?{all_of}",
        ),
        Group("runs", _("Runs"), run_search.found(tenant, text)),
        Group("settings", _("Settings"), settings_search.found(tenant, text)),
        Group("help", _("Help"), page_search.of_help(text)),
        pages,
    ]
