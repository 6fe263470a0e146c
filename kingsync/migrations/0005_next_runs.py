"""When the clock looks at a tenant's schedule again, and what makes it look sooner.

The database marks the rows itself: no page, command or bulk statement that changes what a run depends on can forget it. Only
what may make a run due sooner counts; when the clock looks too early it finds nothing and calculates again. The function
writes as its owner, since a licence, for example, is changed outside the tenant's scope.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

LOOK_AGAIN = """
CREATE FUNCTION kingsync_look_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_TABLE_NAME = 'kingsync_tenant' THEN
        UPDATE kingsync_nextrun SET is_stale = true WHERE tenant_id = NEW.id;
    ELSIF TG_TABLE_NAME = 'kingsync_syncrun' THEN
        UPDATE kingsync_nextrun SET is_stale = true WHERE tenant_id = NEW.tenant_id AND kind = NEW.kind;
    ELSE
        UPDATE kingsync_nextrun SET is_stale = true WHERE tenant_id = NEW.tenant_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER look_again_after_settings AFTER INSERT OR UPDATE ON kingsync_syncsettings
    FOR EACH ROW EXECUTE FUNCTION kingsync_look_again();
CREATE TRIGGER look_again_after_saving AFTER UPDATE OF saved_at ON kingsync_settingsversion
    FOR EACH ROW EXECUTE FUNCTION kingsync_look_again();
CREATE TRIGGER look_again_after_licence AFTER UPDATE OF is_licensed, licensed_until, closing_at ON kingsync_tenant
    FOR EACH ROW WHEN ((OLD.is_licensed, OLD.licensed_until, OLD.closing_at)
        IS DISTINCT FROM (NEW.is_licensed, NEW.licensed_until, NEW.closing_at))
    EXECUTE FUNCTION kingsync_look_again();
CREATE TRIGGER look_again_after_connecting AFTER INSERT ON kingsync_connection
    FOR EACH ROW EXECUTE FUNCTION kingsync_look_again();
CREATE TRIGGER look_again_after_connection AFTER UPDATE ON kingsync_connection
    FOR EACH ROW WHEN ((OLD.state, OLD.reader, OLD.base_url = '') IS DISTINCT FROM (NEW.state, NEW.reader, NEW.base_url = ''))
    EXECUTE FUNCTION kingsync_look_again();
CREATE TRIGGER look_again_after_run AFTER UPDATE OF status, queued_at ON kingsync_syncrun
    FOR EACH ROW WHEN (OLD.queued_at IS DISTINCT FROM NEW.queued_at
        OR (OLD.status IN ('queued', 'running') AND NEW.status NOT IN ('queued', 'running')))
    EXECUTE FUNCTION kingsync_look_again();
"""
FORGET = """
DROP TRIGGER look_again_after_run ON kingsync_syncrun;
DROP TRIGGER look_again_after_connection ON kingsync_connection;
DROP TRIGGER look_again_after_connecting ON kingsync_connection;
DROP TRIGGER look_again_after_licence ON kingsync_tenant;
DROP TRIGGER look_again_after_saving ON kingsync_settingsversion;
DROP TRIGGER look_again_after_settings ON kingsync_syncsettings;
DROP FUNCTION kingsync_look_again();
"""


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0004_search_work_orders")]

    operations = [
        migrations.CreateModel(
            name="NextRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("import", "import"), ("export", "export")], max_length=10, verbose_name="kind"
                    ),
                ),
                ("due_at", models.DateTimeField(null=True, verbose_name="due at")),
                ("counted_from", models.DateTimeField(null=True, verbose_name="counted from")),
                (
                    "is_stale",
                    models.BooleanField(db_default=True, default=True, verbose_name="to be calculated again"),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="kingsync.tenant",
                        verbose_name="company",
                    ),
                ),
            ],
            options={
                "verbose_name": "next run",
                "verbose_name_plural": "next runs",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["kind", "due_at"], name="next_runs_due"
                    ),
                    models.Index(condition=models.Q(("is_stale", True)), fields=["id"], name="next_runs_stale"),
                    models.Index(
                        condition=models.Q(("counted_from__isnull", False)),
                        fields=["counted_from"],
                        name="next_runs_ahead",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("tenant", "kind"), name="one_next_run_per_kind")],
            },
        ),
        migrations.RunSQL(LOOK_AGAIN, FORGET),
        migrations.AddIndex(
            model_name="syncrun",
            index=models.Index(
                condition=models.Q(("dry_run_examples", {}), _negated=True),
                fields=["tenant", "finished_at"],
                name="runs_with_examples",
            ),
        ),
    ]
