"""The audit trail of a company, for its owners: a page with filters."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kingsync.web.audit import labels
from kingsync.web.audit.filters import AuditFilter
from kingsync.web.shared import access, paging


@require_safe
@access.owners
def audit(request: access.TenantRequest) -> HttpResponse:
    """Show who changed what, newest first."""
    form = AuditFilter(request.GET)
    page = paging.newest_first(form.entries(), before=request.GET.get("before", ""))
    context = {
        "page": page,
        "form": form,
        "entries": [(entry, labels.subject(entry), labels.changes(entry)) for entry in page.rows],
        "query": request.GET.urlencode(),
    }
    return render(request, "audit/audit.html", context)
