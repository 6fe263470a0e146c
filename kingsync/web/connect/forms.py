"""The forms of tokens and webhooks; all of them ask for the password again."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models.api.tokens import ApiToken, Scope
from kingsync.models.api.webhooks import CHOSEN, Event, Form, Webhook
from kingsync.notifications.webhooks import addresses
from kingsync.rules import limits
from kingsync.web.accounts.recent_password import ConfirmForm
from kingsync.web.shared import access

_READ, _READ_AND_RUN, _RUN = "read", "read_run", "run"
SCOPES = {_READ: [Scope.READ], _READ_AND_RUN: [Scope.READ, Scope.RUN], _RUN: [Scope.RUN]}
_SECRET = {"autocomplete": "off", "spellcheck": "false"}
EVENTS = {f"event_{each.name.lower()}": each for each in CHOSEN}


def _require_room(rows: QuerySet[Any], most: int, message: str) -> None:
    """Raise `ValidationError` with the message when there are as many rows as there may be."""
    if rows.count() >= most:
        raise forms.ValidationError(message % {"most": most})


class TokenForm(ConfirmForm):
    name = forms.CharField(
        label=_("Name of the token"),
        max_length=limits.TOKEN_NAME,
        help_text=_("Which program uses it, so that you know later what stops when you revoke it."),
    )
    scope = forms.ChoiceField(
        label=_("The program may"),
        choices=[
            (_READ, _("only read")),
            (_READ_AND_RUN, _("read, and start imports and exports")),
            (_RUN, _("only start imports and exports")),
        ],
    )
    days = forms.IntegerField(
        label=_("Valid for how many days"),
        min_value=1,
        max_value=limits.TOKEN_DAYS,
        required=False,
        help_text=_("Empty: until you revoke it."),
    )
    field_order = ["name", "scope", "days", "password"]

    def clean(self) -> None:
        super().clean()
        message = gettext("There are %(most)s tokens already. Revoke one that is not used any more.")
        _require_room(ApiToken.objects.filter(revoked_at=None), limits.TOKENS, message)

    @property
    def scopes(self) -> list[Scope]:
        return SCOPES[self.cleaned_data["scope"]]

    @property
    def expires_at(self) -> datetime.datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + datetime.timedelta(days=days) if days else None


class WebhookFields(ConfirmForm):
    """What an owner says of a webhook."""

    address = forms.CharField(
        label=_("Address"),
        max_length=limits.WEBHOOK_ADDRESS,
        help_text=_("Begins with https:// and can be reached from the internet. For Slack and Teams: their own link."),
        widget=forms.TextInput(attrs=_SECRET),
    )
    form = forms.ChoiceField(label=_("Receiver"), choices=Form.choices)
    event_attention = forms.BooleanField(label=_("work orders need attention"), required=False)
    event_run_ended = forms.BooleanField(label=_("a run ended"), required=False)
    event_month_signed = forms.BooleanField(label=_("a month was signed"), required=False)
    field_order = ["address", "form", *EVENTS, "password"]

    def __init__(self, data: Any = None, *, request: access.PersonRequest, **rest: Any) -> None:
        super().__init__(data, request=request, **rest)
        self.fields["form"].choices = [  # type: ignore[attr-defined]
            (Form.PLAIN.value, _("a program (plain JSON, signed)")),
            (Form.SLACK.value, "Slack"),
            (Form.TEAMS.value, "Microsoft Teams"),
        ]

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if (address or self.fields["address"].required) and not addresses.is_allowed(address):
            raise forms.ValidationError(gettext("This address is not allowed: enter a public https address."))
        return address

    def clean(self) -> None:
        super().clean()
        if not self.has_error("event_attention") and not self.events:
            self.add_error("event_attention", gettext("Choose at least one event."))

    @property
    def events(self) -> list[Event]:
        return [event for name, event in EVENTS.items() if self.cleaned_data.get(name)]

    def event_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in EVENTS]


class NewWebhookForm(WebhookFields):
    """A new webhook: first of all for what nobody should miss."""

    def __init__(self, data: Any = None, *, request: access.PersonRequest, **rest: Any) -> None:
        super().__init__(data, request=request, initial={"event_attention": True}, **rest)

    def clean(self) -> None:
        super().clean()
        message = gettext("There are %(most)s webhooks already. Remove one that is not used any more.")
        _require_room(Webhook.objects.all(), limits.WEBHOOKS, message)


class ChangeWebhookForm(WebhookFields):
    """A webhook as it is; its address is not shown, since that of Slack and Teams is a secret."""

    def __init__(self, data: Any = None, *, webhook: Webhook, request: access.PersonRequest, **rest: Any) -> None:
        chosen = {name: event.value in webhook.events for name, event in EVENTS.items()}
        super().__init__(data, request=request, initial={"form": webhook.form, **chosen}, **rest)
        self.fields["address"].required = False
        text = gettext("Leave it empty to keep the present address at %(host)s.") % {"host": webhook.host}
        self.fields["address"].help_text = text
