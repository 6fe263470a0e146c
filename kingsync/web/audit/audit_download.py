"""The filtered audit trail as a file: CSV in words, JSON as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kingsync.models import tenants
from kingsync.models.audit.entries import AuditEntry
from kingsync.web.audit import labels
from kingsync.web.audit.filters import AuditFilter
from kingsync.web.shared import access, csv_files
from kingsync.web.shared.csv_files import BATCH, Cell

_JSON = DjangoJSONEncoder(ensure_ascii=False)


@require_safe
@access.owners
def audit_file(request: access.TenantRequest, form: str) -> HttpResponse:
    """Send the filtered entries, newest first, all of them and in batches."""
    if form not in ("csv", "json"):
        raise Http404
    entries = _entries(AuditFilter(request.GET).entries(), request.tenant.pk)
    stem = _("audit-trail")
    name = f"{stem}-{request.tenant.slug}-{timezone.localdate():%Y-%m-%d}.{form}"
    language = translation.get_language() or "nl"
    # Django types a streaming response differently; it supports everything we do with it.
    return cast(
        HttpResponse, csv_files.response(_rows(entries, language), name) if form == "csv" else _json(entries, name)
    )


def _entries(found: QuerySet[AuditEntry], tenant_id: int) -> Iterator[AuditEntry]:
    """Yield the entries, each batch in the tenant's scope: they are read after the page's own has ended."""
    rows = found.order_by("-pk")
    while True:
        with tenants.scope(tenant_id):
            batch = list(rows[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        rows = found.filter(pk__lt=batch[-1].pk).order_by("-pk")


# --- CSV --------------------------------------------------------------------------------------------------------------


def _rows(entries: Iterator[AuditEntry], language: str) -> Iterator[list[Cell]]:
    with translation.override(language):
        head = [_("When"), _("Who"), _("From address"), _("Kind"), _("What"), _("Subject"), _("Changes")]
    yield [*head]
    for entry in entries:
        with translation.override(language):
            row = _row(entry)
        yield row


def _row(entry: AuditEntry) -> list[Cell]:
    at = timezone.localtime(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    changes = "; ".join(str(change) for change in labels.changes(entry))
    return [at, entry.who, entry.address, entry.action, entry.label, labels.subject(entry), changes]


# --- JSON -------------------------------------------------------------------------------------------------------------


def _json(entries: Iterator[AuditEntry], name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _json_lines(entries),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _json_lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    """Yield one list with an entry per line."""
    yield "["
    for place, entry in enumerate(entries):
        yield (",\n" if place else "\n") + _JSON.encode(_document(entry))
    yield "\n]\n"


def _document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "actor_kind": entry.actor_kind,
        "user_id": entry.user_id,
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
    }
