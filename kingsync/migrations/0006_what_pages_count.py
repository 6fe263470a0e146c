"""Which kinds an import did not finish; and indexes that answer the figures without reading the work orders."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0005_next_runs"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="workorder",
            name="work_orders_by_export",
        ),
        migrations.RemoveIndex(
            model_name="workorder",
            name="work_orders_by_date",
        ),
        migrations.AddField(
            model_name="syncrun",
            name="kinds_left",
            field=models.JSONField(db_default=[], default=list, verbose_name="kinds not finished"),
        ),
        migrations.AddIndex(
            model_name="workorder",
            index=models.Index(
                fields=["tenant", "exported_at"],
                include=("administration", "amount", "is_amount_least"),
                name="work_orders_by_export",
            ),
        ),
        migrations.AddIndex(
            model_name="workorder",
            index=models.Index(
                fields=["tenant", "-work_date", "-id"],
                include=("administration", "state", "amount", "is_amount_least"),
                name="work_orders_by_date",
            ),
        ),
    ]
