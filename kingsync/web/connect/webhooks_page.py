"""The pages on which an owner enters webhooks, and sees what became of what was sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kingsync import webhooks as outbox
from kingsync.models.api import webhooks as stored
from kingsync.models.api.webhooks import Event, Form, Webhook, WebhookDelivery
from kingsync.web.accounts.recent_password import ConfirmForm
from kingsync.web.connect.forms import ChangeWebhookForm, NewWebhookForm, WebhookFields
from kingsync.web.shared import access, paging

# Two forms on one page have a field for the password.
_SECOND_FORM = "renewal_%s"


@require_safe
@access.owners
def webhooks(request: access.TenantRequest) -> HttpResponse:
    """Show the webhooks, without their addresses: those of Slack and Teams are secrets."""
    return _page(request, NewWebhookForm(request=request))


@never_cache
@sensitive_variables("secret")
@sensitive_post_parameters()
@require_POST
@access.owners
def make(request: access.TenantRequest) -> HttpResponse:
    """Store a webhook and show the secret of its signatures: this once."""
    form = NewWebhookForm(request.POST, request=request)
    if not form.is_valid():
        return _page(request, form, status=422)
    row, secret = stored.make(
        address=form.cleaned_data["address"],
        form=Form(form.cleaned_data["form"]),
        events=form.events,
        by=request.user,
    )
    return render(request, "connect/webhook_made.html", {"webhook": row, "secret": secret})


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.owners
def change(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Change the address, the receiver and the events of a webhook."""
    row = get_object_or_404(Webhook, pk=webhook_id)
    form = ChangeWebhookForm(request.POST if request.method == "POST" else None, webhook=row, request=request)
    if not form.is_valid():
        return _change_page(request, row, form, ConfirmForm(request=request, auto_id=_SECOND_FORM))
    stored.change(row, address=form.cleaned_data["address"], form=Form(form.cleaned_data["form"]), events=form.events)
    messages.success(request, _("The webhook to %(host)s has been changed.") % {"host": row.host})
    return _to_deliveries(request, row.pk)


@never_cache
@sensitive_variables("secret")
@sensitive_post_parameters()
@require_POST
@access.owners
def renew_secret(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Make another signing secret and show it: this once."""
    row = get_object_or_404(Webhook, pk=webhook_id)
    form = ConfirmForm(request.POST, request=request, auto_id=_SECOND_FORM)
    if not form.is_valid():
        return _change_page(request, row, ChangeWebhookForm(webhook=row, request=request), form)
    return render(request, "connect/webhook_made.html", {"webhook": row, "secret": stored.renew_secret(row)})


@require_POST
@access.owners
def pause(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Stop sending to a webhook for a while."""
    return _paused(request, webhook_id, is_paused=True)


@require_POST
@access.owners
def resume(request: access.TenantRequest, webhook_id: int) -> HttpResponse:
    """Send to a webhook again."""
    return _paused(request, webhook_id, is_paused=False)


def _paused(request: access.TenantRequest, webhook_id: int, *, is_paused: bool) -> HttpResponse:
    row = _found(webhook_id)
    stored.pause(row, is_paused=is_paused)
    said = _("Nothing is sent to %(host)s until you resume it.") if is_paused else _("%(host)s hears of events again.")
    messages.success(request, said % {"host": row.host})
    return _to_deliveries(request, webhook_id)


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


def _change_page(
    request: access.TenantRequest, row: Webhook, form: ChangeWebhookForm, secret_form: ConfirmForm
) -> HttpResponse:
    context = {"form": form, "secret_form": secret_form, "webhook": row}
    status = 422 if form.is_bound or secret_form.is_bound else 200
    return render(request, "connect/webhook_change.html", context, status=status)


def _page(request: access.TenantRequest, form: WebhookFields, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "webhooks": Webhook.objects.defer("target").order_by("pk")}
    return render(request, "connect/webhooks.html", context, status=status)
