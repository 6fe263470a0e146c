"""Whether an open run moved since a page was made: the cheapest answer that there is, for pages that ask all the time.

A page carries a signed address for each run that it follows. Who has it may ask whether that run moved, and learns its
state and how far it is; the browser asks without its session, so nothing but the run is read.
"""

from __future__ import annotations

import zlib
from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from kingsync.models import tenants
from kingsync.models.runs import SyncRun

SALT = "kingsync.live.moves"
# After so long a page asks for itself again, with the session.
KEPT_SECONDS = 24 * 3600
# Whatever a page that follows a run shows changes with one of these.
WATCHED = (
    "status",
    "attempt",
    "progress_kind",
    "progress_done",
    "progress_total",
    "read_count",
    "cancel_requested",
    "is_unsent",
    "heartbeat_at",
)


@require_safe
def moved(request: HttpRequest, token: str) -> HttpResponse:
    """Answer 204 while the run is as the page saw it (`seen`), else what is new of it."""
    run_id, tenant_id = _named(token)
    with tenants.scope(tenant_id):
        now = SyncRun.objects.filter(pk=run_id).values(*WATCHED).first()
    if now is None:
        raise Http404
    mark = _mark(now)
    if mark == request.GET.get("seen"):
        return HttpResponse(status=204)
    progress = {"done": now["progress_done"], "total": now["progress_total"]}
    return JsonResponse({"seen": mark, "state": now["status"], **progress})


def followed(run: SyncRun | None, address: str) -> SafeString:
    """Return the attributes of a part that fetches itself from `address` when the run moved; none for an ended run."""
    if run is None or not run.is_open:
        return format_html("{}", "")
    token = signing.dumps([run.pk, run.tenant_id], salt=SALT)
    return format_html(
        ' hx-get="{}" hx-trigger="moved" hx-swap="outerHTML" data-moves="{}" data-seen="{}"',
        address,
        reverse("moved", args=[token]),
        _mark({name: getattr(run, name) for name in WATCHED}),
    )


def _named(token: str) -> tuple[int, int]:
    try:
        run_id, tenant_id = signing.loads(token, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    return run_id, tenant_id


def _mark(values: dict[str, Any]) -> str:
    return f"{zlib.crc32(repr([str(values[name]) for name in WATCHED]).encode()):08x}"
