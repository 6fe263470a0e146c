"""Tokens of the API: each opens one tenant, for reading or also for starting runs. Only their hashes are stored."""

from __future__ import annotations

import datetime
import hashlib
import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import TenantOwned
from kingsync.models.users import User
from kingsync.rules import limits

# Tools that look for secrets in code find them by it.
START = "ks_"
# Within this time the same idempotency key gives the same run.
KEY_COUNTS_FOR = datetime.timedelta(days=1)
_BYTES = 32
_SHOWN = len(START) + 6


class Scope(models.TextChoices):
    READ = "read", _("read data")
    RUN = "run", _("start imports and exports")


class ApiToken(TenantOwned):
    """A token: who made it, for what, until when; `window_count` requests were made since `window_began_at`."""

    name = models.CharField(_("name"), max_length=limits.TOKEN_NAME)
    # How it begins: enough to recognise it.
    start = models.CharField(_("begins with"), max_length=20)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), verbose_name=_("scopes"), default=list)
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("made by")
    )
    # The name at that time: people leave, tokens stay.
    created_by_name = models.CharField(_("name of the maker"), max_length=limits.EMAIL, blank=True)
    expires_at = models.DateTimeField(_("valid until"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    window_began_at = models.DateTimeField(null=True, editable=False)
    window_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_over(self) -> bool:
        return self.revoked_at is not None or self.is_expired

    @property
    def scope_names(self) -> str:
        return ", ".join(str(Scope(each).label) for each in self.scopes)


class ApiStart(TenantOwned):
    """The run that a request with an idempotency key started: the same key within a day gives the same run."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+", verbose_name=_("API token"))
    key_hash = models.CharField(max_length=64)
    # Of kind and options: the same key for another request is a mistake of the caller.
    fingerprint = models.CharField(max_length=64)
    run = models.ForeignKey(SyncRun, models.CASCADE, null=True, related_name="+", verbose_name=_("run"))
    created_at = models.DateTimeField(_("made at"), default=timezone.now)

    class Meta:
        verbose_name = _("start by the API")
        verbose_name_plural = _("starts by the API")
        constraints = [models.UniqueConstraint(fields=["token", "key_hash"], name="one_start_per_key")]

    def __str__(self) -> str:
        return f"{self.token_id} {self.run_id}"


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def make(*, name: str, scopes: list[Scope], expires_at: datetime.datetime | None, by: User) -> tuple[ApiToken, str]:
    """Store a new token of the current tenant; return it with its text, which is shown once and never again."""
    text = START + secrets.token_urlsafe(_BYTES)
    row = ApiToken(
        name=name,
        start=text[:_SHOWN],
        digest=hash_of(text),
        scopes=[str(each) for each in scopes],
        expires_at=expires_at,
        created_by=by,
        created_by_name=by.email,
    )
    row.save()
    after = {"start": row.start, "scopes": row.scopes, "expires_at": expires_at}
    trail.record(Action.TOKEN_MADE, tenant=row.tenant_id, subject=row.name, after=after)
    return row, text


def revoke(row: ApiToken) -> None:
    """Revoke a token: it opens nothing from now on. Does nothing if it was revoked before."""
    if ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
        trail.record(Action.TOKEN_REVOKED, tenant=row.tenant_id, subject=row.name, before={"start": row.start})
