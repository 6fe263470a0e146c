"""Re-entering the password before actions that an attacker at an unlocked browser would try."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.users import User
from kingsync.web.accounts import throttle, tries


class PasswordCheckForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, user: User, **rest: Any) -> None:
        self.user = user
        super().__init__(data, **rest)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        check_again(self.user, password)
        return password


class LengthValidator(MinimumLengthValidator):
    """The minimum length in the language of the page: Django 5.2 has no Dutch translation of its own message."""

    def get_error_message(self) -> str:
        return gettext("The password is too short: at least %(least)s characters.") % {"least": self.min_length}


class ObviousNamesValidator:
    """Refuses a password that is little more than names anyone would try first: ours, the systems', the companies'."""

    NAMES = ("kingsync", "outsmart", "king")
    SHORTEST_NAME, SHORTEST_REST = 4, 6

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError` when too little is left without the names."""
        rest = password.casefold()
        for name in sorted({*self.NAMES, *self._companies(user)}, key=len, reverse=True):
            rest = rest.replace(name, "")
        if len(rest) < min(self.SHORTEST_REST, len(password)):
            raise forms.ValidationError(self.get_help_text(), code="obvious_names")

    def get_help_text(self) -> str:
        return gettext("The password contains little more than names that anyone would try. Add other words.")

    def _companies(self, user: User | None) -> list[str]:
        names = user.memberships.values_list("tenant__name", flat=True) if user and user.pk else ()
        words = [word for name in names for word in re.findall(r"\w+", name.casefold())]
        return [word for word in words if len(word) >= self.SHORTEST_NAME]


class ChangePasswordForm(PasswordChangeForm):
    """A new password for a user who knows the old one, with the same protection against guessing."""

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        check_again(self.user, password)
        return password


def check_again(user: User, password: str) -> None:
    """Raise `ValidationError` if the user's password is wrong, or was wrong too often."""
    try:
        recorded = throttle.record_try(*tries.of_check(user))
    except throttle.TooManyTriesError:
        raise forms.ValidationError(_("Too many wrong passwords. Wait a quarter of an hour.")) from None
    if not user.check_password(password):
        trail.record_of_account(Action.PASSWORD_REFUSED, user)
        raise forms.ValidationError(_("The password is incorrect."))
    throttle.forgive(recorded)
