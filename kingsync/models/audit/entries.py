"""Entries of the audit trail. The database refuses to change or delete them (migration 0003)."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit.actions import Action
from kingsync.models.audit.actors import ActorKind
from kingsync.rules import limits

ACTOR_LENGTH = limits.PERSON_NAME + limits.EMAIL + 3
ADDRESS_LENGTH, SUBJECT_LENGTH = 64, 500


class AuditEntry(models.Model):
    """One fact. It outlives the account that it names; only `doors` lets the database delete it."""

    # Null for what concerns no company, such as a failed login of an unknown address.
    tenant = models.ForeignKey(
        "kingsync.Tenant", models.CASCADE, null=True, related_name="+", verbose_name=_("company"), db_index=False
    )
    at = models.DateTimeField(_("at"), db_default=Now())
    # An `Action`; without choices, because each new one would be a migration.
    action = models.CharField(_("action"), max_length=40)
    actor_kind = models.CharField(_("kind of actor"), max_length=10, choices=ActorKind.choices)
    # Without a constraint: the number stays when the account is deleted, so nothing has to be changed here.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        verbose_name=_("user"),
        db_constraint=False,
        db_index=False,
    )
    actor = models.CharField(_("who"), max_length=ACTOR_LENGTH, blank=True)
    address = models.CharField(_("from address"), max_length=ADDRESS_LENGTH, blank=True)
    subject = models.CharField(_("what"), max_length=SUBJECT_LENGTH, blank=True)
    # Field → value; of secrets only that they were changed.
    before = models.JSONField(_("before"), null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, encoder=DjangoJSONEncoder)
    # A fact that is recorded once in a while has a key of that while.
    once = models.CharField(max_length=64, null=True, unique=True, editable=False)

    # There is no `objects`: crossing tenants must be requested by this name.
    across_tenants = models.Manager()

    class Meta:
        verbose_name = _("entry of the audit trail")
        verbose_name_plural = _("audit trail")
        indexes = [
            # A company's page, newest first.
            models.Index(fields=["tenant", "-id"], name="audit_of_a_company"),
            # For purging old ones.
            models.Index(fields=["at"], name="audit_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.label}"

    @property
    def label(self) -> str:
        """Return the action in the reader's language; the name itself of one that is no longer recorded."""
        return str(Action(self.action).label) if self.action in Action.values else self.action

    @property
    def who(self) -> str:
        """Return a user's name; of others, what kind of actor it is, with the name if there is one."""
        if self.actor and self.actor_kind == ActorKind.PERSON:
            return self.actor
        kind = str(ActorKind(self.actor_kind).label)
        return f"{kind}: {self.actor}" if self.actor else kind
