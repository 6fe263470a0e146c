"""Send to a stopped address again: it was corrected, or its owner asked for it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.notifications import recipients
from kingsync.web.shared import access


@require_POST
@access.editors
def resume_address(request: access.TenantRequest) -> HttpResponse:
    """Resume an address that its mail server refused; only its owner resumes one that was unsubscribed."""
    address = request.POST.get("resumed", "")
    if recipients.resume(request.tenant, address, by=request.user):
        messages.success(request, _("%(address)s gets the next e-mail notification again.") % {"address": address})
    else:
        messages.warning(request, _("This address is not stopped, or was unsubscribed by its owner."))
    return redirect(f"{reverse('settings', args=[request.tenant.slug])}#notifications")
