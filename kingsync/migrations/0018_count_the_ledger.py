"""Count the work orders that were there before the database counted them itself.

One statement, so of one moment: it replaces the changes that it sees, since their work orders are counted with the
others, and leaves those that are stored meanwhile. No work order waits for it.
"""

from __future__ import annotations

from django.db import migrations

COUNT = """
WITH counted AS (DELETE FROM kingsync_ledgercount)
INSERT INTO kingsync_ledgercount
    (tenant_id, administration_id, work_date, state, number, priced, partial, amount, is_change)
SELECT tenant_id, administration_id, work_date, state, count(*), count(amount),
    count(*) FILTER (WHERE amount IS NULL OR is_amount_least), coalesce(sum(amount), 0), false
FROM kingsync_workorder GROUP BY tenant_id, administration_id, work_date, state
"""


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0017_kept_ledger_counts")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
