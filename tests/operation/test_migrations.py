"""Expand, then contract: no migration breaks the code of the version before, unless it says why it may."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from tests import migration_safety

# Migrations of before the first installation; from here on both codes run during an update.
BEFORE_ANY_INSTALLATION = ("0001_", "0002_")
SQL_THAT_ADDS = """
    CREATE TABLE later (id bigint NOT NULL); -- RENAME is only said here
    ALTER TABLE kingsync_syncrun ADD COLUMN later integer NOT NULL DEFAULT 0;
    DROP TRIGGER IF EXISTS later ON kingsync_syncrun; DROP INDEX IF EXISTS later;
"""


def _state() -> ProjectState:
    state = ProjectState()
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("error", models.TextField(null=True)),
    ]
    state.add_model(ModelState("kingsync", "SyncRun", fields))
    return state


def _problems(*operations: Operation, contract: str = "") -> list[str]:
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations), "contract": contract})
    return migration_safety.problems(migration("0099_later", "kingsync"), _state())


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("syncrun", "later", models.TextField(null=True)),
        migrations.AddField("syncrun", "later", models.IntegerField(default=0, db_default=0)),
        migrations.AlterField("syncrun", "error", models.CharField(max_length=9, null=True)),
        migrations.AddIndex("syncrun", models.Index(fields=["error"], name="later")),
        migrations.RunSQL(SQL_THAT_ADDS, "DROP TABLE later"),
        migrations.RunSQL([("ALTER TABLE kingsync_syncrun ADD COLUMN later text NULL", None)]),
    ],
    ids=str,
)
def test_a_migration_that_only_adds_passes(operation: Operation) -> None:
    assert _problems(operation) == []


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (migrations.AddField("syncrun", "later", models.IntegerField(default=0)), "no default for it"),
        (migrations.RemoveField("syncrun", "error"), "older code still uses it"),
        (migrations.RenameField("syncrun", "error", "why"), "older code still uses it"),
        (migrations.RenameModel("SyncRun", "Pass"), "older code still uses it"),
        (migrations.DeleteModel("SyncRun"), "older code still uses it"),
        (migrations.AlterModelTable("syncrun", "later"), "older code still uses it"),
        (migrations.AlterField("syncrun", "error", models.TextField()), "may still write an empty value"),
        (migrations.RunSQL("ALTER TABLE kingsync_syncrun DROP COLUMN error"), "drops what older code uses"),
        (migrations.RunSQL("alter table kingsync_syncrun rename to later"), "renames"),
        (migrations.RunSQL(["ALTER TABLE a ALTER COLUMN b SET NOT NULL"]), "demands a value"),
        (migrations.RunSQL([("ALTER TABLE a ADD COLUMN b integer NOT NULL", None)]), "demands a value"),
        (migrations.RunSQL("ALTER TABLE a ALTER b TYPE bigint"), "changes a type"),
        (
            migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("syncrun", "error")]),
            "older code still uses it",
        ),
    ],
    ids=str,
)
def test_a_migration_that_breaks_older_code_is_refused_unless_it_is_marked(operation: Operation, why: str) -> None:
    [problem] = _problems(operation)

    assert why in problem
    assert _problems(operation, contract="syncrun.error: unused since 0.2.0") == []


def test_what_a_migration_makes_itself_may_demand_values() -> None:
    made = migrations.CreateModel("Later", [("id", models.BigAutoField(primary_key=True))])

    assert _problems(made, migrations.AddField("later", "must", models.TextField())) == []


def test_no_migration_breaks_the_code_of_the_version_before() -> None:
    loader = MigrationLoader(None)
    names = sorted(name for app, name in loader.graph.nodes if app == "kingsync")
    later = [name for name in names if not name.startswith(BEFORE_ANY_INSTALLATION)]
    found = {
        name: migration_safety.problems(
            loader.get_migration("kingsync", name), loader.project_state(("kingsync", name), at_end=False)
        )
        for name in later
    }

    assert later
    assert {name: problems for name, problems in found.items() if problems} == {}
