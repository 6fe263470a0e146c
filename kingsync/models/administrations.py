"""The King administration that a tenant's links belong to: a number means another order in another administration."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext

from kingsync.models.links import ImportedLine, RecordLink
from kingsync.models.work_orders import Step, WorkOrder


def is_linked() -> bool:
    """Return whether the current tenant has anything linked to a record in its King administration."""
    begun = Q(king_order_number__isnull=False) | ~Q(step=Step.NEW)
    return (
        WorkOrder.objects.filter(begun).exists()
        or RecordLink.objects.filter(state__in=[RecordLink.State.LINKED, RecordLink.State.DELETED]).exists()
        or ImportedLine.objects.exists()
    )


def change_problem(before: str, wanted: str) -> str:
    """Return why the current tenant may not make this change of administration, "" if it may."""
    before, wanted = before.strip(), wanted.strip()
    if not before or before == wanted or not is_linked():
        return ""
    return gettext(
        "Work orders or master data are already linked to administration %(before)s, and their "
        "numbers mean something else in another administration. What to do: change it back to "
        "%(before)s, and add the other administration as a separate company."
    ) % {"before": before}
