"""What the text search of work orders reads: behind the wall between tenants its index could not be used.

Row-level security lets only operators that cannot leak values use an index before it has filtered, and LIKE is none. A view reads
as its owner, so it filters by the session's tenant itself. Its expression is copied from the index. Drop it before the type of a
column in it changes, and create it again.
"""

from __future__ import annotations

from django.db import migrations

CREATE = """
DO $migration$
BEGIN
    EXECUTE format($statement$
        CREATE VIEW kingsync_searchedworkorder AS
        SELECT id, tenant_id, %s AS searched FROM kingsync_workorder
        WHERE tenant_id = NULLIF(NULLIF(current_setting('kingsync.tenant', true), 'all'), '')::bigint
        OR current_setting('kingsync.tenant', true) = 'all'
    $statement$, (SELECT pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indexrelid = 'work_orders_by_text'::regclass));
END
$migration$
"""
DROP = "DROP VIEW kingsync_searchedworkorder"


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0003_audit_is_append_only")]

    operations = [migrations.RunSQL(CREATE, DROP)]
