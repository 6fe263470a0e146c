"""Purge entries of the audit trail that are older than the deployment keeps them (AUDIT_YEARS)."""

from __future__ import annotations

import datetime

from django.conf import settings

from kingsync.models.audit import doors


def purge_old(*, now: datetime.datetime) -> int:
    """Purge the entries of all companies, and of none; return how many there were."""
    return doors.purge_older_than(now - datetime.timedelta(days=settings.AUDIT_YEARS * 366))
