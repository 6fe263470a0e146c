"""Pick lists from OutSmart, for the settings, and the names that pages show."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.utils import timezone

from integrations import errors
from integrations.outsmart.client import Client
from kingsync.models import tenants
from kingsync.models.links import Employee, WorkStatus

# How old the names of employees may be before an import reads them again.
NAMES_KEPT = datetime.timedelta(days=1)


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


def refresh_old_employees(outsmart: Client) -> None:
    """Refresh the names of employees unless that was done within `NAMES_KEPT`."""
    if not Employee.objects.filter(read_at__gt=timezone.now() - NAMES_KEPT).exists():
        refresh_employees(outsmart)


def refresh_employees(outsmart: Client) -> None:
    """Replace the stored names by OutSmart's current ones. Without them pages show numbers, so a failure is ignored."""
    try:
        found = outsmart.list_employees()
    except errors.IntegrationError:
        return
    now = timezone.now()
    rows = {
        each.number: Employee(
            tenant_id=tenants.current_id(),
            number=each.number[:255],
            name=f"{each.first_name} {each.last_name}".strip()[:255],
            read_at=now,
        )
        for each in found
    }
    with transaction.atomic():
        Employee.objects.exclude(number__in=rows).delete()
        Employee.objects.bulk_create(
            rows.values(), update_conflicts=True, unique_fields=["tenant", "number"], update_fields=["name", "read_at"]
        )
