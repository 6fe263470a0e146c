"""The forms of the two connections. Secrets go in and never come out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from integrations import errors
from integrations.king import names
from kingsync.messages import reason_texts
from kingsync.models import administrations
from kingsync.models.connections import Connection, System
from kingsync.models.destinations import Destination, may_follow
from kingsync.models.encryption import DecryptionError
from kingsync.rules import limits
from kingsync.runs import clients

TYPE_AGAIN = gettext_noop(
    "The address, the certificate check or the administration changes: enter this again to confirm "
    "that it may be sent there."
)


def stored_credentials(connection: Connection) -> dict[str, Any] | None:
    """Return the stored credentials; None if no key decrypts them any more."""
    try:
        return dict(connection.credentials)
    except DecryptionError:
        return None


def with_scheme(address: str) -> str:
    """Return the address as a URL: https:// unless it says otherwise."""
    return f"https://{address.lstrip('/')}" if address and "://" not in address else address


class SecretLines(forms.Textarea):
    """Several lines with secrets; rendered empty, also after an error."""

    def format_value(self, value: Any) -> str:  # noqa: ARG002 - Django's signature
        return ""


class SecretField(forms.CharField):
    """A secret: rendered empty, unchanged if left empty."""

    def __init__(self, *, label: Any, help_text: Any = "") -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
        super().__init__(label=label, help_text=help_text, required=False, widget=widget, max_length=limits.SECRET)


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Base of both forms. An empty form of a connection that does not exist yet is ignored."""

    system: ClassVar[System]
    required_secrets: ClassVar[tuple[str, ...]]
    optional_secrets: ClassVar[tuple[str, ...]] = ()
    # Filled in for a connection that has no address yet.
    usual_address: ClassVar[str] = ""
    # Rarely needed fields; folded away unless refused.
    rare: ClassVar[frozenset[str]] = frozenset()

    instance: Connection

    class Meta:
        model = Connection
        fields = ["base_url"]

    def __init__(self, data: Any = None, *, instance: Connection, is_read_only: bool = False) -> None:
        kept = stored_credentials(instance)
        self.is_unreadable = kept is None
        self.stored: dict[str, Any] = kept or {}
        self._destination = Destination.of(instance)
        self._is_new = not instance.base_url
        super().__init__(
            data,
            instance=instance,
            initial={"base_url": self.usual_address} if self._is_new else None,
            prefix=str(self.system),
            empty_permitted=self._is_new,
            use_required_attribute=False,
        )
        self.fields["base_url"].widget.attrs |= {"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}
        self._hint_at_secrets()
        for field in self.fields.values():
            field.disabled = is_read_only
            field.show_hidden_initial = False  # the previous value comes from the database, not from the page

    def has_changed(self) -> bool:
        """Return whether anything was entered: the address that the page itself filled in, or no address, is not."""
        return super().has_changed() and not (self._is_new and self._has_only_usual_address())

    def require_everything(self) -> None:
        """Refuse an empty form too, for a user who tests it."""
        self.empty_permitted = False

    @property
    def is_paused(self) -> bool:
        return self.instance.state == Connection.State.PAUSED

    def clean_base_url(self) -> str:
        """Refuse an address that this deployment does not allow."""
        address = with_scheme(str(self.cleaned_data["base_url"]).strip())
        if not address and not self.fields["base_url"].required:
            return ""
        try:
            clients.policy_of(self.system).check_url(address, system=str(self.system))
        except errors.ConfigurationError as error:
            raise ValidationError(reason_texts.sentence(reason_texts.stored(reason_texts.reason_of(error)))) from None
        return address

    def clean(self) -> dict[str, Any]:
        """Require missing secrets, and all of them again if they would travel elsewhere or differently."""
        cleaned = super().clean() or self.cleaned_data
        moved = self.goes_elsewhere(cleaned)
        for name in self._secrets():
            if cleaned.get(name) or self._is_removed(name):
                continue
            if self.stored.get(name) and moved:
                self.add_error(name, gettext(TYPE_AGAIN))
            elif not self.stored.get(name) and self.needs(name):
                self.add_error(name, gettext("Fill this in."))
        return cleaned

    def needs(self, name: str) -> bool:
        """Return whether this secret is indispensable."""
        return name in self.required_secrets

    def goes_elsewhere(self, cleaned: dict[str, Any]) -> bool:
        """Return whether stored secrets may not go along to the form's destination."""
        named = {name: cleaned[name] for name in Destination.__dataclass_fields__ if name in cleaned}
        return not may_follow(stored=self._destination, wanted=replace(self._destination, **named))

    def credentials(self) -> dict[str, Any]:
        """Return the stored credentials updated with what was typed."""
        merged = dict(self.stored)
        for name in self._secrets():
            if self.cleaned_data.get(name):
                merged[name] = self.cleaned_data[name]
            elif self._is_removed(name):
                merged[name] = ""
        return merged

    def as_connection(self) -> Connection:
        """Return the connection as it would be saved, without saving."""
        self.instance.system = self.system
        self.instance.credentials = self.credentials()
        return self.instance

    def save(self, commit: bool = True) -> Connection:  # noqa: ARG002 - Django's signature
        """Save and reactivate the connection: the user who changes it has dealt with the cause of the pause."""
        connection = self.as_connection()
        connection.state, connection.paused_reason = Connection.State.ACTIVE, {}
        connection.save()
        return connection

    def _has_only_usual_address(self) -> bool:
        typed = str(self.data.get(self.add_prefix("base_url"), "")).strip()
        return self.changed_data == ["base_url"] and typed in ("", self.usual_address)

    def _secrets(self) -> tuple[str, ...]:
        return (*self.required_secrets, *self.optional_secrets)

    def _is_removed(self, name: str) -> bool:
        return bool(self.cleaned_data.get(f"remove_{name}"))

    def _hint_at_secrets(self) -> None:
        for name in self._secrets():
            field = self.fields[name]
            if self.stored.get(name):
                field.widget.attrs["placeholder"] = gettext("stored – leave empty to keep it")
            elif self.is_unreadable:
                field.widget.attrs["placeholder"] = gettext("cannot be decrypted – enter it again")
            remove = f"remove_{name}"
            if remove in self.fields and not self.stored.get(name):
                del self.fields[remove]


class OutSmartForm(ConnectionForm):
    system = System.OUTSMART
    required_secrets = ("token",)
    optional_secrets = ("software_token", "bearer_token")
    usual_address = "https://app.out-smart.com/openapi/8"
    rare = frozenset({"bearer_token", "remove_bearer_token"})

    token = SecretField(
        label=gettext_lazy("Token"), help_text=gettext_lazy("The token of your company, from OutSmart's settings.")
    )
    software_token = SecretField(
        label=gettext_lazy("Software token"),
        help_text=gettext_lazy("Only if OutSmart gave you your own; otherwise the operator's is used."),
    )
    remove_software_token = forms.BooleanField(label=gettext_lazy("Remove the stored software token"), required=False)
    bearer_token = SecretField(
        label=gettext_lazy("Bearer token"), help_text=gettext_lazy("Only if OutSmart asks for one.")
    )
    remove_bearer_token = forms.BooleanField(label=gettext_lazy("Remove the stored bearer token"), required=False)

    class Meta(ConnectionForm.Meta):
        help_texts = {"base_url": gettext_lazy("Usually https://app.out-smart.com/openapi/8")}


class KingForm(ConnectionForm):
    system = System.KING
    required_secrets = ("access_code",)
    rare = frozenset({"access_codes", "verify_tls", "ca_certificate", "busy_codes", "sql_timeout"})

    access_code = SecretField(
        label=gettext_lazy("API token (in King: Toegangscode)"),
        help_text=gettext_lazy(
            "The fixed access code of King's web services, in King under Diversen › Stamgegevens webservices."
        ),
    )
    access_codes = forms.CharField(
        label=gettext_lazy("Access codes of individual operations"),
        required=False,
        widget=SecretLines(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    class Meta(ConnectionForm.Meta):
        fields = ["base_url", "administration", "verify_tls", "ca_certificate", "busy_codes", "sql_timeout", "reader"]
        widgets = {"ca_certificate": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})}
        help_texts = {
            "base_url": gettext_lazy(
                "The name and port where King's web service answers, for example https://king.example.nl:8082"
            ),
            "administration": gettext_lazy("The name of the administration in King."),
            "verify_tls": gettext_lazy("Leave this on unless King uses a certificate that cannot be verified."),
            "ca_certificate": gettext_lazy("Only if King's certificate was issued by your own authority."),
            "busy_codes": gettext_lazy("King's codes for “someone has the record open”, separated by commas."),
            "sql_timeout": gettext_lazy("Leave empty to use King's own."),
            "reader": gettext_lazy("Exports always use the web services. Files: see the page “King files”."),
        }

    def __init__(self, data: Any = None, *, instance: Connection, is_read_only: bool = False) -> None:
        self._old_administration = instance.administration
        super().__init__(data, instance=instance, is_read_only=is_read_only)
        self.fields["administration"].required = not self._reads_files()
        self.fields["base_url"].required = not self._reads_files()
        self.fields["sql_timeout"].validators += [MinValueValidator(1), MaxValueValidator(limits.SQL_SECONDS)]
        self.fields["ca_certificate"].validators.append(MaxLengthValidator(limits.CERTIFICATE))
        self.fields["reader"].required = False  # a form without this field leaves it unchanged
        self.order_fields(["base_url", "administration", "access_code", "sql_timeout", "access_codes"])
        named = ", ".join(sorted(self._stored_codes()))
        hint = gettext(
            "One per line: Operation=code. Operations that you leave out keep their code; “Operation=” removes one."
        )
        known = gettext("Stored: %(names)s.") % {"names": named} if named else ""
        self.fields["access_codes"].help_text = f"{hint} {known}".strip()

    def _reads_files(self) -> bool:
        """Return True for a company whose King delivers files and may have no webservices."""
        chosen = self.data.get(self.add_prefix("reader"))
        return (chosen or self.instance.reader) == Connection.Reader.FILES

    def needs(self, name: str) -> bool:
        return super().needs(name) and bool(self.cleaned_data.get("base_url") or not self._reads_files())

    def clean_administration(self) -> str:
        """Refuse another administration once anything is linked to this one."""
        wanted = str(self.cleaned_data["administration"])
        problem = administrations.change_problem(self._old_administration, wanted)
        if problem:
            raise ValidationError(self._with_link(problem, wanted))
        return wanted

    def _with_link(self, problem: str, wanted: str) -> str:
        """Return the problem with a link to the page that switches."""
        query = urlencode({"name": wanted})
        address = f"{reverse('switch_administration', args=[self.instance.tenant.slug])}?{query}"
        return format_html('{} <a href="{}">{}</a>', problem, address, gettext("Switch administration"))

    def clean_access_codes(self) -> dict[str, str]:
        """Parse the lines "Operation=code"."""
        codes: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["access_codes"].splitlines(), start=1):
            operation, found, code = line.partition("=")
            if found and operation.strip():
                codes[operation.strip()] = code.strip()
            elif line.strip():
                # The line may contain a secret, so it is not repeated.
                raise ValidationError(
                    gettext("Line %(number)s is not of the form Operation=code.") % {"number": number}
                )
        for operation, code in codes.items():
            _check_code(operation, code)
        return codes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("base_url") and not cleaned.get("administration") and "administration" not in self.errors:
            self.add_error("administration", gettext("Fill this in."))
        untyped = self._stored_codes().keys() - (cleaned.get("access_codes") or {}).keys()
        if untyped and self.goes_elsewhere(cleaned):
            names = ", ".join(sorted(untyped))
            message = gettext("The same applies to the codes of individual operations: enter those of %(names)s again.")
            self.add_error("access_codes", message % {"names": names})
        return cleaned

    def credentials(self) -> dict[str, Any]:
        merged = super().credentials()
        codes = self._stored_codes() | self.cleaned_data["access_codes"]
        merged["access_codes"] = {operation: code for operation, code in codes.items() if code}
        return merged

    def _stored_codes(self) -> dict[str, str]:
        return dict(self.stored.get("access_codes") or {})


FORMS: dict[System, type[ConnectionForm]] = {System.OUTSMART: OutSmartForm, System.KING: KingForm}


def _check_code(operation: str, code: str) -> None:
    """Raise `ValidationError` for what the tenant file refuses too; never with the code itself."""
    if operation not in names.OPERATIONS:
        raise ValidationError(gettext("King has no operation “%(name)s”.") % {"name": operation})
    if len(code) > limits.SECRET:
        message = gettext("The code of %(name)s is too long: at most %(most)s characters.")
        raise ValidationError(message % {"name": operation, "most": limits.SECRET})
