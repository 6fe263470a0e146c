"""The pages on which an owner enters webhooks, and sees what became of what was sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from kingsync import webhooks as outbox
from kingsync.models.api import webhooks as stored
from kingsync.models.api.webhooks import Event, Form, Webhook, WebhookDelivery
from kingsync.web.connect.forms import WebhookForm
from kingsync.web.shared import access, paging


@require_safe
@access.owners
def webhooks(request: access.TenantRequest) -> HttpResponse:
    """Show the webhooks, without their addresses: those of Slack and Teams are secrets."""
    return _page(request, WebhookForm(request=request))


@never_cache
@sensitive_variables("secret")
@sensitive_post_parameters()
@require_POST
@access.owners
def make(request: access.TenantRequest) -> HttpResponse:
    """Store a webhook and show the secret of its signatures: this once."""
    form = WebhookForm(request.POST, request=request)
    if not form.is_valid():
        return _page(request, form, status=422)
    row, secret = stored.make(
        address=form.cleaned_data["address"],
        form=Form(form.cleaned_data["form"]),
        events=form.events,
        by=request.user,
    )
    return render(request, "connect/webhook_made.html", {"webhook": row, "secret": secret})


@require_POST
@access.owners
def remove(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Remove a webhook and what still waits for it."""
    row = _found(webhook_id)
    stored.remove(row)
    messages.success(request, _("The webhook to %(host)s has been removed.") % {"host": row.host})
    return redirect("webhooks", slug=request.tenant.slug)


@require_POST
@access.owners
def test(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Queue a test message."""
    outbox.add(_found(webhook_id), Event.TEST, {})
    messages.success(request, _("The message is sent within a few seconds. Reload this page to see the answer."))
    return _to_deliveries(request, webhook_id)


@require_POST
@access.owners
def again(request: access.TenantRequest, delivery_id: int) -> HttpResponse:
    """Queue a delivery again, with the same number: its receiver recognises it."""
    row = get_object_or_404(WebhookDelivery, pk=delivery_id)
    now = timezone.now()
    WebhookDelivery.objects.filter(pk=row.pk).update(
        state=WebhookDelivery.State.WAITING, attempts=0, next_try_at=now, give_up_at=now + outbox.TRIED_FOR
    )
    messages.success(request, _("The message is sent within a few seconds. Reload this page to see the answer."))
    return _to_deliveries(request, row.webhook_id)


@require_safe
@access.owners
def deliveries(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Show what was sent, newest first, and what became of it."""
    row = _found(webhook_id)
    rows = WebhookDelivery.objects.filter(webhook=row).defer("data")
    page = paging.newest_first(rows, before=request.GET.get("before", ""))
    return render(request, "connect/deliveries.html", {"webhook": row, "page": page})


def _found(webhook_id: int) -> Webhook:
    return get_object_or_404(Webhook.objects.defer("target"), pk=webhook_id)


def _to_deliveries(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    return redirect("webhook_deliveries", slug=request.tenant.slug, webhook_id=webhook_id)


def _page(request: access.TenantRequest, form: WebhookForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "webhooks": Webhook.objects.defer("target").order_by("pk")}
    return render(request, "connect/webhooks.html", context, status=status)
