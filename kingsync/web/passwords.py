"""Asking for the password again before something that a thief of an open browser would like."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from kingsync.web import throttle


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
        try:
            booked = throttle.book(f"name {self.user.username}")
        except throttle.TooManyTriesError:
            raise forms.ValidationError(_("Too many wrong passwords. Wait a quarter of an hour.")) from None
        if not self.user.check_password(password):
            raise forms.ValidationError(_("That is not your password."))
        throttle.forgive(booked)
        return password
