"""An index for previews: whether there was one was asked of all runs, on every start page of a company without any."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("kingsync", "0018_count_the_ledger")]

    operations = [
        AddIndexConcurrently(
            model_name="syncrun",
            index=models.Index(
                condition=models.Q(("options__contains", {"dry_run": True})),
                fields=["tenant", "kind", "-id"],
                name="previews_newest_first",
            ),
        ),
    ]
