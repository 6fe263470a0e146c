"""How many work orders of a day are in a state, and their amounts: counted by the database itself as rows change."""

from __future__ import annotations

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import AdministrationOwned, Tenant, current_id
from kingsync.models.work_orders import LedgerState


class LedgerCount(AdministrationOwned):
    """A part of the count of one day and state: triggers add a row for each change, `merging` adds them up.

    Only the sum of all rows of a day and state means something; a part of it may be negative.
    """

    # Written with each work order that changes its state: the index below begins with it.
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("company"), db_index=False)
    work_date = models.DateField(_("date"), null=True)
    state = models.CharField(_("state"), max_length=12, choices=LedgerState.choices)
    number = models.IntegerField(_("work orders"))
    # Those whose amount is known, and those of which not all of it is: WorkOrder.AMOUNT_IS_LEAST.
    priced = models.IntegerField()
    partial = models.IntegerField()
    amount = models.DecimalField(_("amount"), max_digits=40, decimal_places=2)
    # A change that was not added up yet.
    is_change = models.BooleanField(default=True, db_default=True)

    class Meta:
        verbose_name = _("count of work orders")
        verbose_name_plural = _("counts of work orders")
        indexes = [
            models.Index(fields=["tenant", "administration", "work_date", "state"], name="ledger_counts_by_day"),
            # Whose changes a night adds up.
            models.Index(fields=["tenant"], name="ledger_counts_to_merge", condition=models.Q(is_change=True)),
        ]

    def __str__(self) -> str:
        return f"{self.work_date} {self.state}: {self.number}"


_MERGE = """
    WITH merged AS (
        DELETE FROM kingsync_ledgercount AS part USING (
            SELECT DISTINCT administration_id, work_date, state FROM kingsync_ledgercount
            WHERE tenant_id = %(tenant)s AND is_change
        ) AS changed
        WHERE part.tenant_id = %(tenant)s AND part.administration_id = changed.administration_id
        AND part.work_date IS NOT DISTINCT FROM changed.work_date AND part.state = changed.state
        RETURNING part.*
    )
    INSERT INTO kingsync_ledgercount
        (tenant_id, administration_id, work_date, state, number, priced, partial, amount, is_change)
    SELECT tenant_id, administration_id, work_date, state, sum(number), sum(priced), sum(partial), sum(amount), false
    FROM merged GROUP BY tenant_id, administration_id, work_date, state
    HAVING (sum(number), sum(priced), sum(partial), sum(amount)) IS DISTINCT FROM (0, 0, 0, 0)
"""


def merge() -> None:
    """Add up what changed of the current tenant: one row for each day and state that has work orders.

    Two at once, and changes meanwhile, lose nothing: each adds up the rows that it deletes itself, and no others.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MERGE, {"tenant": current_id()})
