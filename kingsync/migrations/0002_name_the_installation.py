"""The identity of this database: before the first backup, so that every backup has it."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def name_the_installation(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("kingsync", "Installation").objects.create()


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0001_initial")]

    operations = [migrations.RunPython(name_the_installation, migrations.RunPython.noop)]
