"""Which King orders a work order is, or was, on: any number of work orders may be on one order."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import AdministrationOwned
from kingsync.models.work_orders import WorkOrder


class OrderLink(AdministrationOwned):
    """One King order of a work order; a row of the past has `left_at`."""

    work_order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="order_links", verbose_name=_("work order"))
    # 1 = the order of the work order itself, 2 and further its supplementary orders.
    part = models.PositiveSmallIntegerField(_("part"), default=1)
    king_order_number = models.CharField(_("King order"), max_length=50)
    is_created_by_us = models.BooleanField(_("order created by us"), default=False)
    linked_at = models.DateTimeField(_("linked at"), auto_now_add=True)
    # The work order went to another order, or its link was reset.
    left_at = models.DateTimeField(_("left at"), null=True)
    # King no longer has the order open.
    closed_at = models.DateTimeField(_("closed in King at"), null=True)

    class Meta:
        verbose_name = _("King order of a work order")
        verbose_name_plural = _("King orders of work orders")
        constraints = [
            models.UniqueConstraint(
                fields=["work_order", "part"], name="one_order_per_part", condition=models.Q(left_at=None)
            )
        ]
        indexes = [
            # The work orders on an order, and the search for its number.
            models.Index(fields=["tenant", "administration", "king_order_number"], name="links_by_king_order"),
        ]

    def __str__(self) -> str:
        return self.king_order_number
