"""The calls that verification may still make today; counted in the database, so that every process shares them."""

from __future__ import annotations

import functools

from django.db.models import F
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.verification import VerificationDay


class CallBudget:
    """The budget of the open scope's tenant; the day is Dutch."""

    @functools.cached_property
    def _limit(self) -> int:
        return Tenant.objects.values_list("verification_calls", flat=True).get(pk=tenants.current_id())

    def take(self) -> bool:
        """Count one call; return False, and count nothing, when today's are used up."""
        today = timezone.localdate()
        VerificationDay.objects.get_or_create(tenant_id=tenants.current_id(), defaults={"day": today})
        VerificationDay.objects.exclude(day=today).update(day=today, calls=0)
        return bool(VerificationDay.objects.filter(day=today, calls__lt=self._limit).update(calls=F("calls") + 1))
