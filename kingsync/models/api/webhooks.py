"""Webhooks of a tenant, and the outbox of what is sent to them."""

from __future__ import annotations

import secrets
import uuid
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.encryption import EncryptedJSONField
from kingsync.models.tenants import TenantOwned
from kingsync.models.users import User
from kingsync.rules import limits

START = "whsec_"
_BYTES = 32


class Event(models.TextChoices):
    ATTENTION = "work_orders.need_attention", _("work orders need attention")
    RUN_ENDED = "run.ended", _("a run ended")
    MONTH_SIGNED = "month.signed", _("a month was signed")
    TEST = "test", _("test message")


# What an owner can choose; the test goes to one webhook, on request.
CHOSEN = [Event.ATTENTION, Event.RUN_ENDED, Event.MONTH_SIGNED]


class Form(models.TextChoices):
    PLAIN = "plain", _("plain JSON")
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"


class Webhook(TenantOwned):
    """An address that hears of events. `target` is {"address", "secret"}: of Slack and Teams, the address is secret."""

    host = models.CharField(_("host"), max_length=limits.ADDRESS)
    target = EncryptedJSONField(default=dict)
    form = models.CharField(_("form"), max_length=10, choices=Form.choices, default=Form.PLAIN)
    events = ArrayField(models.CharField(max_length=40, choices=Event.choices), verbose_name=_("events"), default=list)
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("made by")
    )
    created_by_name = models.CharField(_("name of the maker"), max_length=limits.EMAIL, blank=True)
    # Since when a delivery has been given up, with none delivered after it.
    gave_up_at = models.DateTimeField(_("given up at"), null=True)
    # An owner wants nothing sent to it for a while: what happens since is not sent later either.
    paused_at = models.DateTimeField(_("paused at"), null=True)
    # A sender is on it until then.
    taken_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.host

    @property
    def event_names(self) -> str:
        return ", ".join(str(Event(each).label) for each in self.events)


class WebhookDelivery(TenantOwned):
    """One event for one webhook: the outbox, and afterwards what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("given up")

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    # The receiver recognises by it what comes twice.
    number = models.UUIDField(_("number"), default=uuid.uuid4, unique=True)
    event = models.CharField(_("event"), max_length=40, choices=Event.choices)
    data = models.JSONField(_("content"), default=dict)
    created_at = models.DateTimeField(_("made at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try at"), default=timezone.now)
    give_up_at = models.DateTimeField(_("tried until"))
    tried_at = models.DateTimeField(_("last tried at"), null=True)
    # Of the receiver's last answer, if there was one.
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    # Why the last try failed: a reason of kingsync.messages.reason_texts; empty when it did not.
    problem = models.JSONField(_("problem"), default=dict)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes: ClassVar = [
            # What is due, over all tenants.
            models.Index(fields=["next_try_at"], name="deliveries_due", condition=models.Q(state="waiting")),
            # The page, newest first.
            models.Index(fields=["webhook", "-id"], name="deliveries_newest_first"),
            # For purging by age.
            models.Index(fields=["tenant", "created_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.number}"


def make(*, address: str, form: Form, events: list[Event], by: User) -> tuple[Webhook, str]:
    """Store a new webhook of the current tenant; return it with its signing secret, which is shown once."""
    secret = _new_secret()
    row = Webhook(
        host=_host_of(address),
        target={"address": address, "secret": secret},
        form=form,
        events=[str(each) for each in events],
        created_by=by,
        created_by_name=by.email,
    )
    row.save()
    trail.record(Action.WEBHOOK_MADE, tenant=row.tenant_id, subject=row.host, after=_facts(row))
    return row, secret


def change(row: Webhook, *, address: str, form: Form, events: list[Event]) -> None:
    """Change a webhook; an `address` of "" stays as it is. Another one begins without the failures of the last."""
    before = _facts(row)
    is_other = bool(address) and address != row.target["address"]
    if is_other:
        row.host, row.target, row.gave_up_at = _host_of(address), row.target | {"address": address}, None
    row.form, row.events = form, [str(each) for each in events]
    row.save(update_fields=["host", "target", "gave_up_at", "form", "events"])
    _record_change(row, before, address_changed=is_other)


def renew_secret(row: Webhook) -> str:
    """Give a webhook another signing secret, from its next message on; return it, which is shown once."""
    secret = _new_secret()
    row.target = row.target | {"secret": secret}
    row.save(update_fields=["target"])
    trail.record(Action.WEBHOOK_SECRET_RENEWED, tenant=row.tenant_id, subject=row.host)
    return secret


def pause(row: Webhook, *, is_paused: bool) -> None:
    """Stop sending to a webhook, or send to it again; harmless when repeated."""
    if (row.paused_at is not None) == is_paused:
        return
    before = _facts(row)
    row.paused_at, row.gave_up_at = timezone.now() if is_paused else None, None
    row.save(update_fields=["paused_at", "gave_up_at"])
    _record_change(row, before)


def remove(row: Webhook) -> None:
    """Remove a webhook with what still waits for it."""
    trail.record(Action.WEBHOOK_REMOVED, tenant=row.tenant_id, subject=row.host, before=_facts(row))
    row.delete()


def _new_secret() -> str:
    return START + secrets.token_urlsafe(_BYTES)


def _host_of(address: str) -> str:
    return urlsplit(address).hostname or ""


def _facts(row: Webhook) -> dict[str, object]:
    """Return what the audit trail says of a webhook: not its address, which may be a secret."""
    facts: dict[str, object] = {"host": row.host, "form": str(row.form), "events": list(row.events)}
    return facts | ({"paused_at": row.paused_at.isoformat(timespec="seconds")} if row.paused_at else {})


def _record_change(row: Webhook, before: dict[str, object], *, address_changed: bool = False) -> None:
    after = _facts(row)
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    if not changed and not address_changed:
        return
    if address_changed:
        changed = list(dict.fromkeys(["host", *changed]))
    old, new = ({name: facts.get(name) for name in changed} for facts in (before, after))
    trail.record(Action.WEBHOOK_CHANGED, tenant=row.tenant_id, subject=row.host, before=old, after=new)
