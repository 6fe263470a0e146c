"""Indexes for years of log and for the search over master data (docs/decisions/0053-years-of-data.md).

Built while runs go on writing. The view of the kinds of entries reads as its owner, since row-level security lets texts be compared by an index
only from PostgreSQL 18 on; it filters by the session's tenant itself. It takes one step in the index for each kind of
entry, however many entries there are. Drop it before the type of a column in it changes, and create it
again. That of the search does as the one of migration 0004, for records that its index has and those that it has not yet.
"""

from __future__ import annotations

import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Concat, Length, Upper
from django.db.models.lookups import Exact

# As kingsync.models.searched_text.folded has it.
ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0326\u0327\u0328"
LETTERS, PLAIN = "\u00d8\u0141\u0110\u2019\u2018", "OLD''"
SEARCHED = Concat("king_id", models.Value(" "), "outsmart_id", models.Value(" "), "name")
BYTES = models.Func(SEARCHED, function="octet_length", output_field=models.IntegerField())
DECOMPOSED = models.Func(Upper(SEARCHED), template="normalize(%(expressions)s, NFD)")
FOLDED = models.Case(
    models.When(Exact(BYTES, Length(SEARCHED)), then=Upper(SEARCHED)),
    default=models.Func(DECOMPOSED, models.Value(LETTERS + ACCENTS), models.Value(PLAIN), function="translate"),
)

CREATE = """
CREATE VIEW kingsync_loggedkind AS
WITH RECURSIVE session AS (
    SELECT NULLIF(NULLIF(current_setting('kingsync.tenant', true), 'all'), '')::bigint AS tenant_id
), kind AS (
    (
        SELECT entry.tenant_id, entry.event, entry.record_kind, entry.level
        FROM kingsync_logentry AS entry WHERE entry.tenant_id = (SELECT tenant_id FROM session)
        ORDER BY entry.tenant_id, entry.event, entry.record_kind, entry.level LIMIT 1
    )
    UNION ALL
    SELECT next.* FROM kind CROSS JOIN LATERAL (
        SELECT entry.tenant_id, entry.event, entry.record_kind, entry.level
        FROM kingsync_logentry AS entry WHERE entry.tenant_id = kind.tenant_id
        AND (entry.event, entry.record_kind, entry.level) > (kind.event, kind.record_kind, kind.level)
        ORDER BY entry.tenant_id, entry.event, entry.record_kind, entry.level LIMIT 1
    ) AS next
)
SELECT tenant_id, event, record_kind, level FROM kind
"""
DROP = "DROP VIEW kingsync_loggedkind"
CREATE_SEARCH = """
DO $migration$
BEGIN
    EXECUTE format($statement$
        CREATE VIEW kingsync_searchedrecord AS
        SELECT id, tenant_id, %1$s AS searched FROM kingsync_recordlink WHERE is_in_search
        AND tenant_id = NULLIF(NULLIF(current_setting('kingsync.tenant', true), 'all'), '')::bigint
        UNION ALL
        SELECT id, tenant_id, %1$s FROM kingsync_recordlink WHERE NOT is_in_search
        AND tenant_id = NULLIF(NULLIF(current_setting('kingsync.tenant', true), 'all'), '')::bigint
    $statement$, (SELECT pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indexrelid = 'records_by_text'::regclass));
END
$migration$
"""
DROP_SEARCH = "DROP VIEW kingsync_searchedrecord"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("kingsync", "0012_keep_what_an_export_listed")]

    operations = [
        AddIndexConcurrently(
            model_name="logentry",
            index=models.Index(
                condition=models.Q(("king_id", ""), _negated=True),
                fields=["tenant", "king_id"],
                name="log_of_a_king_number",
            ),
        ),
        AddIndexConcurrently(
            model_name="logentry",
            index=models.Index(fields=["tenant", "outsmart_id"], name="log_of_an_outsmart_number"),
        ),
        AddIndexConcurrently(
            model_name="logentry",
            index=models.Index(fields=["tenant", "event", "record_kind", "level", "at", "id"], name="log_by_event"),
        ),
        AddIndexConcurrently(
            model_name="logentry",
            index=models.Index(condition=models.Q(("run", None)), fields=["tenant", "at"], name="log_of_no_run"),
        ),
        RemoveIndexConcurrently(model_name="logentry", name="log_of_a_record"),
        RemoveIndexConcurrently(model_name="logentry", name="log_newest_first"),
        RemoveIndexConcurrently(model_name="logentry", name="log_by_age"),
        migrations.AlterField(
            model_name="logentry",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="kingsync.tenant",
                verbose_name="company",
            ),
        ),
        migrations.AlterField(
            model_name="logentry",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="entries",
                to="kingsync.syncrun",
                verbose_name="run",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.AddField(
            model_name="recordlink",
            name="is_in_search",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        AddIndexConcurrently(
            model_name="recordlink",
            index=GinIndex(
                OpClass(FOLDED, name="gin_trgm_ops"),
                condition=models.Q(("is_in_search", True)),
                name="records_by_text",
            ),
        ),
        AddIndexConcurrently(
            model_name="recordlink",
            index=models.Index(
                condition=models.Q(("is_in_search", False)), fields=["tenant"], name="records_not_in_search"
            ),
        ),
        migrations.RunSQL(CREATE_SEARCH, DROP_SEARCH),
    ]
