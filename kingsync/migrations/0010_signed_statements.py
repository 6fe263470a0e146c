"""Signed statements, which the database refuses to change or delete (docs/decisions/0045-signed-statements.md).

Work orders are added to a statement only in the transaction that signs it: `signed_at` is that transaction's now(). Two doors, as
settings of a transaction: `kingsync.removing_statements` is the company whose statements go with it, and
`kingsync.importing_statements` the one whose statements come from another installation.
"""

from __future__ import annotations

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

REFUSE = """
CREATE FUNCTION kingsync_statements_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('kingsync.removing_statements', true) = OLD.tenant_id::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Signed statements are final: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION kingsync_statements_are_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added JOIN kingsync_signedstatement AS signed ON signed.id = added.statement_id
        WHERE signed.signed_at <> now()
        AND current_setting('kingsync.importing_statements', true) IS DISTINCT FROM signed.tenant_id::text
    ) THEN
        RAISE EXCEPTION 'Signed statements are final: INSERT is refused.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER statements_are_final BEFORE UPDATE OR DELETE ON kingsync_signedstatement
    FOR EACH ROW EXECUTE FUNCTION kingsync_statements_are_final();
CREATE TRIGGER statements_are_never_emptied BEFORE TRUNCATE ON kingsync_signedstatement
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_statements_are_final();
CREATE TRIGGER statements_are_final BEFORE UPDATE OR DELETE ON kingsync_signedworkorder
    FOR EACH ROW EXECUTE FUNCTION kingsync_statements_are_final();
CREATE TRIGGER statements_are_never_emptied BEFORE TRUNCATE ON kingsync_signedworkorder
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_statements_are_final();
CREATE TRIGGER statements_are_whole AFTER INSERT ON kingsync_signedworkorder REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_statements_are_whole();
"""
ALLOW = """
DROP TRIGGER statements_are_whole ON kingsync_signedworkorder;
DROP TRIGGER statements_are_never_emptied ON kingsync_signedworkorder;
DROP TRIGGER statements_are_final ON kingsync_signedworkorder;
DROP TRIGGER statements_are_never_emptied ON kingsync_signedstatement;
DROP TRIGGER statements_are_final ON kingsync_signedstatement;
DROP FUNCTION kingsync_statements_are_whole();
DROP FUNCTION kingsync_statements_are_final();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("kingsync", "0009_api_tokens_and_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name='SignedStatement',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('month', models.DateField(verbose_name='month')),
                ('version', models.PositiveSmallIntegerField(verbose_name='version')),
                ('is_preliminary', models.BooleanField(default=False, verbose_name='preliminary')),
                ('signed_at', models.DateTimeField(verbose_name='signed at')),
                ('signed_by_name', models.CharField(max_length=407, verbose_name='signed by')),
                ('remark', models.CharField(blank=True, max_length=500, verbose_name='remark')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='work orders')),
                ('open_count', models.PositiveIntegerField(default=0, verbose_name='open')),
                ('undated_count', models.PositiveIntegerField(default=0, verbose_name='without a date')),
                ('sums', models.JSONField(default=list, verbose_name='states')),
                ('agreement', models.JSONField(default=dict, verbose_name='agreement with OutSmart and King')),
                ('rows_digest', models.CharField(max_length=64)),
                ('previous_digest', models.CharField(blank=True, max_length=64)),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('administration', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.administration', verbose_name='administration')),
                ('signed_by', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='signed by')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.tenant', verbose_name='company')),
            ],
            options={
                'verbose_name': 'signed statement',
                'verbose_name_plural': 'signed statements',
            },
        ),
        migrations.CreateModel(
            name='SignedWorkOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outsmart_id', models.CharField(max_length=50, verbose_name='OutSmart number')),
                ('order_number', models.CharField(blank=True, max_length=255, verbose_name='work order')),
                ('customer_name', models.CharField(blank=True, max_length=255, verbose_name='customer')),
                ('work_date', models.DateField(verbose_name='date')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('sending', 'being sent'), ('interim', 'interim'), ('done', 'done'), ('unconfirmed', 'not reported yet'), ('incomplete', 'incomplete'), ('rejected', 'rejected'), ('uncertain', 'outcome unknown'), ('held', 'held'), ('excluded', 'excluded'), ('changed', 'changed afterwards')], max_length=12, verbose_name='state')),
                ('reasons', models.JSONField(default=list, verbose_name='reasons')),
                ('king_order_numbers', models.TextField(blank=True, verbose_name='King orders')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=30, null=True, verbose_name='amount')),
                ('is_amount_least', models.BooleanField(default=False, verbose_name='prices are missing')),
                ('decision', models.CharField(blank=True, choices=[('retry', 'try again'), ('release', 'release'), ('link', 'link to a King order'), ('reset', 'reset link to King'), ('exclude', 'exclude'), ('restore', 'restore'), ('supplement', 'supplementary order'), ('settle', 'settle by hand'), ('new_order', 'new order after all'), ('solve', 'solve differences'), ('note', 'note'), ('take', 'assign'), ('leave', 'remove assignment')], max_length=10, verbose_name='decision')),
                ('decided_by', models.CharField(blank=True, max_length=254, verbose_name='decided by')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('exported_at', models.DateTimeField(null=True, verbose_name='in King since')),
                ('confirmed_at', models.DateTimeField(null=True, verbose_name='reported at')),
                ('verified_at', models.DateTimeField(null=True, verbose_name='compared at')),
                ('king_checked_at', models.DateTimeField(null=True, verbose_name='King order checked at')),
                ('is_king_different', models.BooleanField(default=False, verbose_name='different in King')),
                ('settings_version', models.PositiveIntegerField(null=True, verbose_name='version of the settings')),
                ('source_fingerprint', models.CharField(blank=True, max_length=32)),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('statement', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='work_orders', to='kingsync.signedstatement', verbose_name='statement')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.tenant', verbose_name='company')),
                ('work_order', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='kingsync.workorder', verbose_name='work order')),
            ],
            options={
                'verbose_name': 'work order in a signed statement',
                'verbose_name_plural': 'work orders in signed statements',
            },
        ),
        migrations.AddIndex(
            model_name='signedstatement',
            index=models.Index(fields=['tenant', '-signed_at'], name='statements_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='signedstatement',
            constraint=models.UniqueConstraint(fields=('tenant', 'administration', 'month', 'version'), name='one_statement_per_version'),
        ),
        migrations.AddConstraint(
            model_name='signedworkorder',
            constraint=models.UniqueConstraint(fields=('statement', 'outsmart_id'), name='once_per_signed_statement'),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
