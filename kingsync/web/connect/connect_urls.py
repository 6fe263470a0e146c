"""URLs of API tokens and webhooks."""

from __future__ import annotations

from django.urls import URLPattern, path

from kingsync.web.connect import tokens_page, webhooks_page

TOKENS, WEBHOOKS = "t/<slug:slug>/tokens/", "t/<slug:slug>/webhooks/"
WEBHOOK = f"{WEBHOOKS}<int:webhook_id>/"

urlpatterns: list[URLPattern] = [
    path(TOKENS, tokens_page.tokens, name="tokens"),
    path(f"{TOKENS}new/", tokens_page.make, name="token_make"),
    path(f"{TOKENS}<int:token_id>/revoke/", tokens_page.revoke, name="token_revoke"),
    path(WEBHOOKS, webhooks_page.webhooks, name="webhooks"),
    path(f"{WEBHOOKS}new/", webhooks_page.make, name="webhook_make"),
    path(WEBHOOK, webhooks_page.deliveries, name="webhook_deliveries"),
    path(f"{WEBHOOK}change/", webhooks_page.change, name="webhook_change"),
    path(f"{WEBHOOK}secret/", webhooks_page.renew_secret, name="webhook_secret"),
    path(f"{WEBHOOK}pause/", webhooks_page.pause, name="webhook_pause"),
    path(f"{WEBHOOK}resume/", webhooks_page.resume, name="webhook_resume"),
    path(f"{WEBHOOK}remove/", webhooks_page.remove, name="webhook_remove"),
    path(f"{WEBHOOK}test/", webhooks_page.test, name="webhook_test"),
    path(f"{WEBHOOKS}deliveries/<int:delivery_id>/again/", webhooks_page.again, name="webhook_again"),
]
