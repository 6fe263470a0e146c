"""Unsubscribing by the link of an e-mail: without logging in, and only by sending (programs read links beforehand)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kingsync.notifications import recipients


# Mail programs send with one click (RFC 8058), without our cookies; the link itself is the proof.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, sealed: str) -> HttpResponse:
    """Ask, or do it; a link that is not ours, or of a deleted company, leads to nothing."""
    found = recipients.of_link(sealed)
    if found is None:
        return render(request, "notifications/unsubscribe.html", {"is_over": True}, status=404)
    is_done = request.method == "POST"
    if is_done:
        recipients.unsubscribe(found)
    context = {"company": found.tenant.name, "address": found.address, "is_done": is_done}
    return render(request, "notifications/unsubscribe.html", context)
