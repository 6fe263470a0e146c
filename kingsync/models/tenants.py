"""Tenants, their members, and the scope without which no query of a tenant's data is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.rules import limits
from kingsync.rules.mapping import LANGUAGE

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from kingsync.models.users import User

_current: ContextVar[int | None] = ContextVar("tenant_id", default=None)


class NoTenantScopeError(RuntimeError):
    """A tenant's data was asked for outside `tenants.scope(...)`: a bug that could show it to strangers."""


@contextmanager
def scope(tenant: Tenant | int) -> Iterator[None]:
    """Answer queries inside the block with this tenant's rows only."""
    token = _current.set(tenant if isinstance(tenant, int) else tenant.pk)
    try:
        yield
    finally:
        _current.reset(token)


def current_id() -> int:
    """Return the tenant of the open scope; raises `NoTenantScopeError` where there is none."""
    tenant_id = _current.get()
    if tenant_id is None:
        raise NoTenantScopeError("open a tenant scope first: with tenants.scope(tenant): ...")
    return tenant_id


class TenantQuerySet(models.QuerySet["Tenant"]):
    def visible_to(self, user: User | AnonymousUser) -> TenantQuerySet:
        """Tenants that this person works for; an operator (superuser) sees all."""
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
    # An owner can ask for a second step (TOTP) at every member's login.
    requires_second_step = models.BooleanField(_("two-step verification for everyone"), default=False)
    # Runs and their log are thrown away after so many days; the ledger and its decisions stay.
    log_days = models.PositiveSmallIntegerField(
        _("days to keep runs and log"),
        default=limits.LOG_DAYS,
        validators=[MinValueValidator(limits.LOG_DAYS_LEAST), MaxValueValidator(limits.LOG_DAYS_MOST)],
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name


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


def role_of(user: User | AnonymousUser, tenant: Tenant) -> Role | None:
    """Return what this person is at the tenant; an operator may do what an owner may. None for strangers."""
    if user.is_superuser:
        return Role.OWNER
    membership = tenant.memberships.filter(user_id=user.pk or 0).first()
    return Role(membership.role) if membership else None


M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class ScopedManager(models.Manager[M_co]):
    """The default manager of a tenant's data: refuses to answer outside a scope."""

    def get_queryset(self) -> models.QuerySet[M_co]:
        return super().get_queryset().filter(tenant_id=current_id())


class TenantOwned(models.Model):
    """Base of everything that belongs to one tenant."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("company"))

    objects = ScopedManager()
    # Crossing tenants is asked for by this name, never by accident.
    across_tenants = models.Manager()  # noqa: DJ012  (a manager, not a field)

    class Meta:
        abstract = True
        base_manager_name = "across_tenants"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.tenant_id = self.tenant_id or current_id()
        super().save(*args, **kwargs)
