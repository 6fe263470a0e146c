"""The tenant's name and language; part of the settings page, but not of the settings' versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Tenant


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name and language. A form sent without them leaves them unchanged."""

    prefix = "company"
    instance: Tenant

    class Meta:
        model = Tenant
        fields = ["name", "language"]
        help_texts = {
            "name": _("The name of your company on these pages and in e-mails."),
            "language": _("The language of e-mails. For the pages everyone chooses their own."),
        }

    def __init__(self, data: Any = None, *, instance: Tenant, is_read_only: bool = False) -> None:
        is_sent = data is not None and f"{self.prefix}-name" in data
        super().__init__(data if is_sent else None, instance=instance, use_required_attribute=False)
        for field in self.fields.values():
            field.disabled = is_read_only
            field.show_hidden_initial = False

    def is_right(self) -> bool:
        """Return whether nothing was sent, or what was sent is valid."""
        return not self.is_bound or self.is_valid()

    def store(self) -> bool:
        """Save what was changed; return False when nothing was."""
        if not (self.is_bound and self.has_changed()):
            return False
        self.instance.save(update_fields=["name", "language"])
        return True
