"""Filters of the audit trail: kind of action, person, period."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.audit.actions import GROUPS
from kingsync.models.audit.entries import AuditEntry
from kingsync.web.shared import filters


class AuditFilter(filters.FilterForm):
    group = filters.choice(_("Kind"), GROUPS.items())
    person = filters.text(_("Person or subject"))
    since = filters.moment(_("From"))
    until = filters.moment(_("Up to"))

    def entries(self) -> QuerySet[AuditEntry]:
        """Return the filtered entries of the current tenant."""
        mine = AuditEntry.across_tenants.filter(tenant_id=tenants.current_id())
        found = mine.filter(**self.chosen(at__gte="since", at__lte="until"))
        if self.value("group"):
            found = found.filter(action__startswith=f"{self.value('group')}.")
        person = (self.value("person") or "").strip()
        return found.filter(Q(actor__icontains=person) | Q(subject__icontains=person)) if person else found
