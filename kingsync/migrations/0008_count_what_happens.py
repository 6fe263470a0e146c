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
                ("sample", models.CharField(max_length=100, verbose_name="sample")),
                ("labels", models.CharField(max_length=300, verbose_name="labels")),
                ("value", models.FloatField(default=0, verbose_name="value")),
            ],
            options={
                "verbose_name": "tally",
                "verbose_name_plural": "tallies",
                "constraints": [models.UniqueConstraint(fields=("sample", "labels"), name="one_tally_per_series")],
            },
        ),
    ]
