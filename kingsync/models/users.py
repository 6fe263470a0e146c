"""Users, who log in by e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models import signals
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import actors, changes, trail
from kingsync.models.audit.actions import Action
from kingsync.rules import limits


def folded(email: str) -> str:
    """Return an e-mail address as we store and compare it: trimmed and case-folded."""
    return email.strip().casefold()


if TYPE_CHECKING:
    _EmailField = models.EmailField[str, str]
else:
    _EmailField = models.EmailField


class FoldedEmailField(_EmailField):
    """An e-mail address that is folded wherever it comes in: on save, in a form, and in a query."""

    def to_python(self, value: Any) -> Any:
        return folded(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001, RUF100  (Django's)
        """Update the instance to the address as stored."""
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new account. Raises `ValueError` without an address, `IntegrityError` for one that is taken."""
        if not folded(email):
            raise ValueError("an account needs an e-mail address")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new operator."""
        return self.create_user(email, password, **(fields | {"is_staff": True, "is_superuser": True}))


class User(AbstractBaseUser, PermissionsMixin):
    """An account. The e-mail address is the login, unique regardless of case."""

    email = FoldedEmailField(
        _("e-mail address"),
        unique=True,
        error_messages={"unique": _("Another account has this e-mail address.")},
    )
    # One field, because names have many forms.
    name = models.CharField(_("name"), max_length=limits.PERSON_NAME, blank=True)
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May open the admin, which shows the companies that they work for.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("May log in."))
    # A key without Ctrl or Alt may be in the way of speech input and screen readers: each user can switch it off.
    is_slash_on = models.BooleanField(_("“/” opens the search"), default=True, db_default=True)
    joined_at = models.DateTimeField(_("joined at"), default=timezone.now, editable=False)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # With the unique column: no two accounts whose addresses differ in case only, however the row is written.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_is_folded"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Log the account out everywhere when it gets another password; who changed it gets a new session."""
        # Django keeps the plain password until it is saved, but not when it only improves the hash at a login.
        has_new_password = not self._state.adding and getattr(self, "_password", None) is not None
        with transaction.atomic(savepoint=False):
            with changes.recorded(self, _FACTS, update_fields=kwargs.get("update_fields")):
                super().save(*args, **kwargs)
            if has_new_password:
                self.login_sessions.all().delete()
                trail.record_of_account(_password_action(), self, after={"password": trail.CHANGED})

    @property
    def display_name(self) -> str:
        """Return what colleagues see: the name, else the address."""
        return self.name or self.email


_COLUMNS = ("email", "name", "is_active", "is_staff", "is_superuser")


def _write(user: User, action: Action, before: trail.Values | None, after: trail.Values) -> None:
    trail.record_of_account(action, user, before=before, after=after)


_FACTS: changes.Facts[User] = changes.Facts(
    created=Action.ACCOUNT_CREATED,
    changed=Action.ACCOUNT_CHANGED,
    fields=frozenset(_COLUMNS),
    values=lambda user: changes.columns(user, _COLUMNS),
    write=_write,
)


def _password_action() -> Action:
    """Return what a new password is: who is not logged in has followed the link of a reset."""
    is_visitor = actors.current().kind == actors.ActorKind.VISITOR
    return Action.PASSWORD_RESET if is_visitor else Action.PASSWORD_CHANGED


def _record_deletion(instance: User, **_details: object) -> None:
    """Record it as of no company; their memberships, which go too, are recorded in theirs."""
    trail.record(Action.ACCOUNT_DELETED, tenant=None, subject=actors.text_of(instance))


signals.pre_delete.connect(_record_deletion, sender=User, dispatch_uid="audit of accounts")
