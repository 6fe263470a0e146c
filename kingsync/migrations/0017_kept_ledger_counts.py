"""Counts of work orders by day and state, kept by the database itself (docs/decisions/0059-kept-counts.md).

No page, command or bulk statement that changes a work order can forget them, nor does code of the version before. A
change adds rows and waits for nobody's; a night adds them up. The functions write as their owner, since the roles of
tenants get their rights to a new table after the migrations. Work orders that go with their company, as the settings
of kingsync.models.audit.doors say, leave no counts behind.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

COUNT = """
CREATE FUNCTION kingsync_count_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO kingsync_ledgercount (tenant_id, administration_id, work_date, state, number, priced, partial, amount)
    SELECT tenant_id, administration_id, work_date, state, count(*), count(amount),
        count(*) FILTER (WHERE amount IS NULL OR is_amount_least), coalesce(sum(amount), 0)
    FROM added GROUP BY tenant_id, administration_id, work_date, state;
    RETURN NULL;
END
$$;
CREATE FUNCTION kingsync_count_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO kingsync_ledgercount (tenant_id, administration_id, work_date, state, number, priced, partial, amount)
    VALUES (OLD.tenant_id, OLD.administration_id, OLD.work_date, OLD.state, -1, -(OLD.amount IS NOT NULL)::integer,
        -(OLD.amount IS NULL OR OLD.is_amount_least)::integer, -coalesce(OLD.amount, 0)),
    (NEW.tenant_id, NEW.administration_id, NEW.work_date, NEW.state, 1, (NEW.amount IS NOT NULL)::integer,
        (NEW.amount IS NULL OR NEW.is_amount_least)::integer, coalesce(NEW.amount, 0));
    RETURN NULL;
END
$$;
CREATE FUNCTION kingsync_count_removed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO kingsync_ledgercount (tenant_id, administration_id, work_date, state, number, priced, partial, amount)
    SELECT tenant_id, administration_id, work_date, state, -count(*), -count(amount),
        -count(*) FILTER (WHERE amount IS NULL OR is_amount_least), -coalesce(sum(amount), 0)
    FROM removed WHERE tenant_id::text IS DISTINCT FROM current_setting('kingsync.removing_statements', true)
    AND tenant_id::text IS DISTINCT FROM current_setting('kingsync.deleting_tenant', true)
    GROUP BY tenant_id, administration_id, work_date, state;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_added AFTER INSERT ON kingsync_workorder REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_count_added();
CREATE TRIGGER count_changed AFTER UPDATE OF tenant_id, administration_id, work_date, state, amount, is_amount_least
    ON kingsync_workorder FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.administration_id, OLD.work_date, OLD.state, OLD.amount, OLD.is_amount_least)
        IS DISTINCT FROM
        (NEW.tenant_id, NEW.administration_id, NEW.work_date, NEW.state, NEW.amount, NEW.is_amount_least))
    EXECUTE FUNCTION kingsync_count_changed();
CREATE TRIGGER count_removed AFTER DELETE ON kingsync_workorder REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_count_removed();
"""
FORGET = """
DROP TRIGGER count_removed ON kingsync_workorder;
DROP TRIGGER count_changed ON kingsync_workorder;
DROP TRIGGER count_added ON kingsync_workorder;
DROP FUNCTION kingsync_count_removed();
DROP FUNCTION kingsync_count_changed();
DROP FUNCTION kingsync_count_added();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('kingsync', '0016_large_runs'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('work_date', models.DateField(null=True, verbose_name='date')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('sending', 'being sent'), ('interim', 'interim'), ('done', 'done'), ('unconfirmed', 'not reported yet'), ('incomplete', 'incomplete'), ('rejected', 'rejected'), ('uncertain', 'outcome unknown'), ('held', 'held'), ('excluded', 'excluded'), ('changed', 'changed afterwards')], max_length=12, verbose_name='state')),
                ('number', models.IntegerField(verbose_name='work orders')),
                ('priced', models.IntegerField()),
                ('partial', models.IntegerField()),
                ('amount', models.DecimalField(decimal_places=2, max_digits=40, verbose_name='amount')),
                ('is_change', models.BooleanField(db_default=True, default=True)),
                ('administration', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.administration', verbose_name='administration')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.tenant', verbose_name='company')),
            ],
            options={
                'verbose_name': 'count of work orders',
                'verbose_name_plural': 'counts of work orders',
                'indexes': [models.Index(fields=['tenant', 'administration', 'work_date', 'state'], name='ledger_counts_by_day'), models.Index(condition=models.Q(('is_change', True)), fields=['tenant'], name='ledger_counts_to_merge')],
            },
        ),
        migrations.RunSQL(COUNT, FORGET),
    ]
