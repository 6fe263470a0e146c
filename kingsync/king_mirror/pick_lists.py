"""Pick lists from OutSmart, for the settings."""

from __future__ import annotations

from django.db import transaction

from integrations.outsmart.client import Client
from kingsync.models import tenants
from kingsync.models.links import WorkStatus


def refresh_work_statuses(outsmart: Client) -> None:
    """Replace the stored work statuses by OutSmart's current ones; codes are compared as text."""
    rows = {
        status.code: WorkStatus(tenant_id=tenants.current_id(), code=status.code[:255], name=status.name[:255])
        for status in outsmart.list_work_statuses()
    }
    with transaction.atomic():
        WorkStatus.objects.exclude(code__in=rows).delete()
        WorkStatus.objects.bulk_create(
            rows.values(), update_conflicts=True, unique_fields=["tenant", "code"], update_fields=["name"]
        )
