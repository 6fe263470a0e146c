"""Tenants, their members, and the scope that every query of a tenant's data requires."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import signals
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.database import visible
from kingsync.database.rows import AcrossQuerySet, ScopedQuerySet, require_of_scope
from kingsync.database.rows import NoTenantScopeError as NoTenantScopeError  # noqa: PLC0414 - raised here too
from kingsync.models.audit import actors, changes, trail
from kingsync.models.audit.actions import Action
from kingsync.rules import limits
from kingsync.rules.licence import Licence
from kingsync.rules.mapping import LANGUAGE

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from kingsync.models.users import User


@dataclass
class _Scope:
    """The tenant whose rows queries may see; its current administration is looked up on first use."""

    tenant_id: int
    administration_id: int | None


_current: ContextVar[_Scope | None] = ContextVar("tenant", default=None)


@contextmanager
def scope(tenant: Tenant | int) -> Iterator[None]:
    """Limit queries inside the block to this tenant's rows; the database shows no others."""
    opened = _Scope(tenant, None) if isinstance(tenant, int) else _Scope(tenant.pk, tenant.administration_id)
    token = _current.set(opened)
    try:
        with visible.rows_of(opened.tenant_id):
            yield
    finally:
        _current.reset(token)


def across() -> AbstractContextManager[None]:
    """Let the database show the rows of all tenants inside the block: for what belongs to none, such as a key."""
    return visible.rows_of(visible.OF_ALL)


def current_id() -> int:
    """Return the tenant of the open scope; raises `NoTenantScopeError` if there is none."""
    return _opened().tenant_id


def current_administration_id() -> int:
    """Return the open scope's current administration; raises `NoTenantScopeError` without a scope."""
    opened = _opened()
    if opened.administration_id is None:
        opened.administration_id = _administration_of(opened.tenant_id)
    return opened.administration_id


def is_scope_of_present() -> bool:
    """Return False when the tenant was switched to another administration since the scope was opened."""
    return current_administration_id() == _administration_of(current_id())


def _opened() -> _Scope:
    opened = _current.get()
    if opened is None:
        raise NoTenantScopeError("open a tenant scope first: with tenants.scope(tenant): ...")
    return opened


def _present_administration_of(tenant_id: int) -> int:
    """Return a tenant's current administration; for the open scope's tenant without a query."""
    opened = _current.get()
    if opened and opened.tenant_id == tenant_id:
        return current_administration_id()
    return _administration_of(tenant_id)


def _administration_of(tenant_id: int) -> int:
    return Administration.objects.values_list("pk", flat=True).get(present_tenant=tenant_id)


class TenantQuerySet(models.QuerySet["Tenant"]):
    def visible_to(self, user: User | AnonymousUser) -> TenantQuerySet:
        """Return the tenants that this person works for; an operator (superuser) sees all."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user_id=user.pk or 0)


class Tenant(models.Model):
    class Language(models.TextChoices):
        DUTCH = "nl", _("Dutch")
        ENGLISH = "en", _("English")

    slug = models.CharField(
        _("short name"), max_length=limits.SLUG, unique=True, validators=[RegexValidator(limits.SLUG_PATTERN)]
    )
    name = models.CharField(_("name"), max_length=limits.NAME)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices, default=LANGUAGE)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    # An owner can require a second step (TOTP) at every member's login.
    requires_second_step = models.BooleanField(_("two-step verification for everyone"), default=False)
    # Runs and their log are purged after this many days; the ledger and its decisions stay.
    log_days = models.PositiveSmallIntegerField(
        _("days to keep runs and log"),
        default=limits.LOG_DAYS,
        validators=[MinValueValidator(limits.LOG_DAYS_LEAST), MaxValueValidator(limits.LOG_DAYS_MOST)],
    )
    # With a database default: during an update, processes of the previous version insert rows without it.
    payload_days = models.PositiveSmallIntegerField(
        _("days to keep the contents of failed calls"),
        default=limits.PAYLOAD_DAYS,
        db_default=limits.PAYLOAD_DAYS,
        validators=[MinValueValidator(limits.PAYLOAD_DAYS_LEAST), MaxValueValidator(limits.PAYLOAD_DAYS_MOST)],
    )
    verification_calls = models.PositiveIntegerField(
        _("verification calls per day"),
        default=limits.VERIFICATION_CALLS,
        db_default=limits.VERIFICATION_CALLS,
        validators=[MaxValueValidator(limits.VERIFICATION_CALLS_MOST)],
    )
    silence_hours = models.PositiveSmallIntegerField(
        _("hours without a successful export before an e-mail"),
        default=limits.SILENCE_HOURS,
        db_default=limits.SILENCE_HOURS,
        validators=[MinValueValidator(limits.SILENCE_HOURS_LEAST), MaxValueValidator(limits.SILENCE_HOURS_MOST)],
    )

    # The licence is the operator's: the tenant's own pages never change it.
    is_licensed = models.BooleanField(
        _("licence is active"),
        default=Licence().active,
        help_text=_("Off: nothing is imported or exported. Nothing is deleted."),
    )
    licensed_until = models.DateField(
        _("licensed until"), null=True, blank=True, help_text=_("The last day of the licence. Empty: no end.")
    )
    licence_changed_at = models.DateTimeField(_("licence changed at"), default=timezone.now, editable=False)

    # From this moment on everything of the tenant may be deleted; nothing runs once it is set.
    closing_at = models.DateTimeField(_("will be deleted at"), null=True, editable=False)
    closing_asked_at = models.DateTimeField(_("deletion requested at"), null=True, editable=False)
    # The name at that time; empty for the command line.
    closing_asked_by = models.CharField(
        _("deletion requested by"), max_length=limits.EMAIL, blank=True, default="", db_default="", editable=False
    )

    # The administration in use now; created with the tenant.
    administration = models.OneToOneField(
        "Administration",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="present_tenant",
        verbose_name=_("administration"),
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the tenant; a new one gets its first administration, which has no name before King is connected."""
        is_new = self._state.adding
        with transaction.atomic(), changes.recorded(self, _TENANT_FACTS, update_fields=kwargs.get("update_fields")):
            super().save(*args, **kwargs)
            if is_new:
                self.administration = Administration.objects.create(tenant=self)
                super().save(update_fields=["administration"])

    @property
    def licence(self) -> Licence:
        return Licence(active=self.is_licensed, until=self.licensed_until)

    def take_licence(self, licence: Licence) -> None:
        """Copy a licence into the columns, without saving."""
        if licence != self.licence:
            self.is_licensed, self.licensed_until = licence.active, licence.until
            self.licence_changed_at = timezone.now()

    @property
    def is_licence_active(self) -> bool:
        return self.licence.is_active_on(timezone.localdate())

    @property
    def is_licence_ending(self) -> bool:
        return self.licence.ends_soon(timezone.localdate())

    @property
    def licence_ended_at(self) -> datetime.datetime | None:
        """Return since when the licence is not active; None while it is."""
        if self.is_licence_active:
            return None
        if not self.is_licensed or self.licensed_until is None:
            return self.licence_changed_at
        next_day = self.licensed_until + datetime.timedelta(days=1)
        return timezone.make_aware(datetime.datetime.combine(next_day, datetime.time.min))


def _write_of_tenant(tenant: Tenant, action: Action, before: trail.Values | None, after: trail.Values) -> None:
    trail.record(action, tenant=tenant.pk, subject=f"{tenant.name} ({tenant.slug})", before=before, after=after)


_TENANT_COLUMNS = (
    *("name", "language", "is_licensed", "licensed_until"),
    *("requires_second_step", "log_days", "payload_days", "verification_calls", "silence_hours", "closing_at"),
)
_TENANT_FACTS: changes.Facts[Tenant] = changes.Facts(
    created=Action.COMPANY_CREATED,
    changed=Action.COMPANY_CHANGED,
    fields=frozenset(_TENANT_COLUMNS),
    values=lambda tenant: changes.columns(tenant, _TENANT_COLUMNS),
    write=_write_of_tenant,
)


class Administration(models.Model):
    """A King administration of a tenant: a number means another order, article or customer in another one.

    Only its name identifies it: King may move to another address and stays the same King.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="administrations", verbose_name=_("company"))
    name = models.CharField(_("name"), max_length=limits.ADMINISTRATION, blank=True)
    # The name in the form used for comparison.
    key = models.CharField(max_length=limits.ADMINISTRATION * 3, blank=True)

    class Meta:
        verbose_name = _("administration")
        verbose_name_plural = _("administrations")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_row_per_administration")]

    def __str__(self) -> str:
        return self.name


def administration_key(name: str) -> str:
    """Return the form in which names of administrations are compared."""
    return name.strip().casefold()


def name_administration(tenant_id: int, name: str) -> None:
    """Name the current administration as King's connection does; what belongs to it stays its own."""
    key = administration_key(name)
    Administration.objects.filter(present_tenant=tenant_id).update(name=name.strip(), key=key)


class Role(models.TextChoices):
    VIEWER = "viewer", _("viewer")
    EDITOR = "editor", _("editor")
    OWNER = "owner", _("owner")


# Who may change things.
EDITING = frozenset({Role.EDITOR, Role.OWNER})


class Membership(models.Model):
    """One person's role at one tenant."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships", verbose_name=_("company"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_person")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        with changes.recorded(self, _MEMBER_FACTS, update_fields=kwargs.get("update_fields")):
            super().save(*args, **kwargs)


def _write_of_member(member: Membership, action: Action, before: trail.Values | None, after: trail.Values) -> None:
    trail.record(action, tenant=member.tenant_id, subject=actors.text_of(member.user), before=before, after=after)


_MEMBER_FACTS: changes.Facts[Membership] = changes.Facts(
    created=Action.MEMBER_ADDED,
    changed=Action.MEMBER_ROLE_CHANGED,
    fields=frozenset({"role"}),
    values=lambda member: {"role": str(member.role)},
    write=_write_of_member,
)


def _record_removal(instance: Membership, origin: Any, **_details: object) -> None:
    """Record that someone is no longer a member; not when the whole company goes."""
    if getattr(origin, "model", type(origin)) is Tenant:
        return
    subject, before = actors.text_of(instance.user), {"role": str(instance.role)}
    trail.record(Action.MEMBER_REMOVED, tenant=instance.tenant_id, subject=subject, before=before)


signals.pre_delete.connect(_record_removal, sender=Membership, dispatch_uid="audit of members")


def find_for(user: User | AnonymousUser, slug: str) -> tuple[Tenant, Role] | None:
    """Return the tenant of this short name and this person's role there, by one statement; None for strangers."""
    if user.is_superuser:
        tenant, membership = Tenant.objects.filter(slug=slug).first(), None
    else:
        rows = Membership.objects.select_related("tenant").filter(user_id=user.pk or 0, tenant__slug=slug)
        membership = rows.first()
        tenant = membership.tenant if membership else None
    role = _role(user, membership)
    return (tenant, role) if tenant and role else None


def role_of(user: User | AnonymousUser, tenant: Tenant) -> Role | None:
    """Return this person's role at the tenant; None for strangers."""
    return _role(user, None if user.is_superuser else tenant.memberships.filter(user_id=user.pk or 0).first())


def _role(user: User | AnonymousUser, membership: Membership | None) -> Role | None:
    """Return the role that a membership gives; an operator has the rights of an owner everywhere."""
    if user.is_superuser:
        return Role.OWNER
    return Role(membership.role) if membership else None


def emails_of_owners(tenant: Tenant) -> list[str]:
    """Return the addresses of the tenant's owners who may log in."""
    owners = tenant.memberships.filter(role=Role.OWNER, user__is_active=True)
    return list(owners.order_by("user__email").values_list("user__email", flat=True))


M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class ScopedManager(models.Manager[M_co]):
    """The default manager of a tenant's data: refuses queries outside a scope."""

    def get_queryset(self) -> models.QuerySet[M_co]:
        return ScopedQuerySet(self.model, using=self._db).filter(tenant_id=current_id())


class AcrossManager(models.Manager[M_co]):
    """The rows of all tenants, for code that crosses them on purpose; the wall opens for its queries."""

    def get_queryset(self) -> models.QuerySet[M_co]:
        return AcrossQuerySet(self.model, using=self._db)


class TenantOwned(models.Model):
    """Base of everything that belongs to one tenant."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("company"))

    objects = ScopedManager()
    # Crossing tenants must be requested by this name, never by accident.
    across_tenants = AcrossManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row in its tenant's scope. Raises `ForeignScopeError` in another one's."""
        self.tenant_id = self.tenant_id or current_id()
        require_of_scope(self.tenant_id)
        with self._own_scope():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        require_of_scope(self.tenant_id)
        with self._own_scope():
            return super().delete(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        with self._own_scope():
            super().refresh_from_db(*args, **kwargs)

    @contextmanager
    def _own_scope(self) -> Iterator[None]:
        """Open the scope of the row's tenant, where none is open: a row in hand names its tenant itself."""
        tenant_id = self.__dict__.get("tenant_id")  # it may be the column that is being read
        if visible.now() != visible.OF_NONE or tenant_id is None:
            yield
            return
        with scope(tenant_id):
            yield


class InAdministration(TenantOwned):
    """Base of what belongs to one King administration of a tenant, but is viewed across its administrations."""

    # No index of its own: all queries begin with the tenant. No foreign key check per row either: the scope has looked
    # the administration up already, and a first import writes a hundred thousand rows.
    administration = models.ForeignKey(
        Administration,
        models.CASCADE,
        related_name="+",
        verbose_name=_("administration"),
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.administration_id = self.administration_id or _present_administration_of(self.tenant_id or current_id())
        super().save(*args, **kwargs)


class AdministrationManager(ScopedManager[M_co]):
    """The default manager of an administration's data: returns rows of the current one."""

    def get_queryset(self) -> models.QuerySet[M_co]:
        return super().get_queryset().filter(administration_id=current_administration_id())


class AdministrationOwned(InAdministration):
    """Base of what has meaning in one King administration only: numbers of orders, articles, customers."""

    objects = AdministrationManager()  # type: ignore[misc]  # in place of the tenant's
    # The tenant's rows in former administrations as well.
    across_administrations = ScopedManager()

    class Meta:
        abstract = True
