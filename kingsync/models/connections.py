"""A tenant's connections to its two systems, and their credentials."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.audit import actors, changes, trail
from kingsync.models.audit.actions import Action
from kingsync.models.encryption import DecryptionError, EncryptedJSONField
from kingsync.models.tenants import TenantOwned
from kingsync.rules import limits
from kingsync.rules.systems import KingSection


class System(models.TextChoices):
    OUTSMART = "outsmart", "OutSmart"
    KING = "king", "King"


class Connection(TenantOwned):
    """Address and credentials of one system. `credentials` is write-only in forms and masked everywhere.

    OutSmart: {"token", "software_token", "bearer_token"}. King: {"access_code", "access_codes": {operation: code}}.
    """

    class Reader(models.TextChoices):
        WEBSERVICE = "webservice", _("King's web services")
        FILES = "files", _("King's XML export files")

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")

    system = models.CharField(_("system"), max_length=10, choices=System.choices)
    base_url = models.CharField(_("address"), max_length=limits.ADDRESS)
    credentials = EncryptedJSONField(default=dict)
    administration = models.CharField(_("administration"), max_length=limits.ADMINISTRATION, blank=True)
    verify_tls = models.BooleanField(_("check the certificate"), default=True)
    ca_certificate = models.TextField(_("own certificate authority (PEM)"), blank=True)
    busy_codes = ArrayField(
        models.CharField(max_length=limits.BUSY_CODE), verbose_name=_("busy codes"), default=list, blank=True
    )
    sql_timeout = models.PositiveIntegerField(_("SQL timeout (seconds)"), null=True, blank=True)
    # King only: the source of imports. Exports always write through the webservices.
    reader = models.CharField(_("source of imports"), max_length=10, choices=Reader.choices, default=Reader.WEBSERVICE)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    # A reason of kingsync.messages.reason_texts: {"code": ..., "params": {...}}
    paused_reason = models.JSONField(_("reason"), default=dict, blank=True)
    # Of this address with these credentials: forgotten when either is changed.
    last_success_at = models.DateTimeField(_("last worked at"), null=True, blank=True)
    last_attempt_at = models.DateTimeField(_("last attempt at"), null=True, blank=True)
    # Why the last attempt failed, in the same form; empty when it went well.
    last_attempt_problem = models.JSONField(_("problem of the last attempt"), default=dict, db_default={}, blank=True)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [models.UniqueConstraint(fields=["tenant", "system"], name="one_connection_per_system")]

    def __str__(self) -> str:
        return self.get_system_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        update_fields = kwargs.get("update_fields")
        with changes.recorded(self, _FACTS, update_fields=_of_a_person(update_fields)):
            if update_fields is None and _is_another(self):
                self._forget_answers()
            super().save(*args, **kwargs)
        saved = update_fields or ["administration"]
        if self.system == System.KING and "administration" in saved:
            tenants.name_administration(self.tenant_id, self.administration)

    @classmethod
    def new(cls, system: System) -> Connection:
        """Return an unsaved connection with the defaults of the tenant file."""
        if system == System.OUTSMART:
            return cls(system=system)
        file = KingSection()
        return cls(system=system, verify_tls=file.verify_tls, busy_codes=list(file.busy_codes), reader=file.reader)

    @property
    def is_connected(self) -> bool:
        """True when there is an address to call."""
        return bool(self.base_url)

    @property
    def tried_at(self) -> datetime.datetime | None:
        """Return when this address was last called; None if it has never been."""
        known = [moment for moment in (self.last_attempt_at, self.last_success_at) if moment]
        return max(known, default=None)

    def pause(self, reason: dict[str, object]) -> None:
        """Exclude this connection from scheduled runs until a user or a successful call resumes it."""
        self.state, self.paused_reason = self.State.PAUSED, reason
        self.last_attempt_at, self.last_attempt_problem = timezone.now(), reason
        self.save(update_fields=["state", "paused_reason", "last_attempt_at", "last_attempt_problem"])

    def failed(self, reason: dict[str, object]) -> None:
        """Save an attempt that failed for a reason that may pass by itself."""
        self.last_attempt_at, self.last_attempt_problem = timezone.now(), reason
        self.save(update_fields=["last_attempt_at", "last_attempt_problem"])

    def worked(self, *, now: datetime.datetime) -> None:
        self.state, self.paused_reason = self.State.ACTIVE, {}
        self.last_success_at, self.last_attempt_at, self.last_attempt_problem = now, now, {}
        self.save(
            update_fields=["state", "paused_reason", "last_success_at", "last_attempt_at", "last_attempt_problem"]
        )

    @classmethod
    def all_worked(cls, rows: models.QuerySet[Connection], *, now: datetime.datetime) -> None:
        """Say of these that they worked: most are active and stay so, in one statement for all."""
        active = rows.filter(state=cls.State.ACTIVE)
        updated = active.update(paused_reason={}, last_success_at=now, last_attempt_at=now, last_attempt_problem={})
        if updated < len(System):  # of each system there is one
            for row in rows.exclude(state=cls.State.ACTIVE):
                row.worked(now=now)

    def _forget_answers(self) -> None:
        self.last_success_at, self.last_attempt_at, self.last_attempt_problem = None, None, {}


_COLUMNS = (
    "base_url",
    "administration",
    "verify_tls",
    "ca_certificate",
    "busy_codes",
    "sql_timeout",
    "reader",
    "state",
)


# What the other side's answers depend on.
_CALLED = ("base_url", "administration", "credentials")


def _is_another(connection: Connection) -> bool:
    """Return whether a stored connection is about to be saved with another address, or other credentials."""
    stored = None if connection._state.adding else _as_stored(connection)
    kept = connection.get_deferred_fields()
    return stored is not None and any(
        getattr(stored, name) != getattr(connection, name) for name in _CALLED if name not in kept
    )


def _of_a_person(update_fields: Collection[str] | None) -> Collection[str] | None:
    """Return which columns count: what a run pauses and resumes is in its own log."""
    is_of_a_run = update_fields is not None and actors.current().kind != actors.ActorKind.PERSON
    return [] if is_of_a_run else update_fields


def _as_stored(connection: Connection) -> Connection | None:
    rows = Connection.across_tenants.filter(pk=connection.pk)
    try:
        return rows.first()
    except DecryptionError:
        found = rows.defer("credentials").first()
        if found is not None:
            found.credentials = {}  # no key opens them, so all that is entered now is new
        return found


def _values(connection: Connection) -> dict[str, Any]:
    """Return the columns, and the secrets by name: the trail keeps only which of them were changed."""
    if "credentials" in connection.get_deferred_fields():
        return changes.columns(connection, _COLUMNS)
    secrets = {name: value for name, value in connection.credentials.items() if value}
    return changes.columns(connection, _COLUMNS) | secrets


def _write(connection: Connection, action: Action, before: trail.Values | None, after: trail.Values) -> None:
    subject = System(connection.system).label
    trail.record(action, tenant=connection.tenant_id, subject=subject, before=before, after=after)


_FACTS: changes.Facts[Connection] = changes.Facts(
    created=Action.CONNECTION_CREATED,
    changed=Action.CONNECTION_CHANGED,
    fields=frozenset({*_COLUMNS, "credentials"}),
    values=_values,
    write=_write,
    as_stored=_as_stored,
)
