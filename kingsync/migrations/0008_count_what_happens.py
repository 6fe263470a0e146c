"""What runs, calls and pages counted: one row per series, added to by every process (decision 43)."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0007_saved_views_and_indexes")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sample", models.TextField()),
                ("labels", models.TextField()),
                ("value", models.FloatField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("sample", "labels"), name="one_tally_per_series")],
            },
        ),
    ]
