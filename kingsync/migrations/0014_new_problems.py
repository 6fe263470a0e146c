"""What is new among the problems of a run, and since when a work order has its own."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0013_other_customers_and_locks")]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="new_problems_count",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="new problems"),
        ),
        migrations.AddField(
            model_name="workorder",
            name="problem_causes",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="workorder",
            name="problem_since",
            field=models.DateTimeField(null=True, verbose_name="needs a person since"),
        ),
        migrations.AddField(
            model_name="workorder",
            name="problem_count",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="runs that found it so"),
        ),
    ]
