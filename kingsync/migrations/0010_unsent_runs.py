"""Runs whose message the broker did not take."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0009_background_calls")]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="is_unsent",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="waits for the background service"
            ),
        ),
    ]
