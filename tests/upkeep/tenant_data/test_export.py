"""An export holds everything of one tenant, nothing of another, and no secret."""

from __future__ import annotations

import errno
import json
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from kingsync.models import tenants
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.upkeep.tenant_data import deletion, export, tables
from tests import factories
from tests.upkeep.tenant_data import companies
from tests.upkeep.tenant_data.companies import MINE, THEIRS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(settings: Settings, tmp_path: Path) -> Tenant:
    """Make two companies that share one user, and return the first."""
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")
    made, other = companies.full(MINE), companies.full(THEIRS)
    shared = factories.member(made, name="Bob Both")
    Membership.objects.create(tenant=other, user=shared, role=Role.OWNER)
    companies.king_file(made, f"<A>{MINE}</A>")
    companies.king_file(other, f"<A>{THEIRS}</A>")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


def command(*words: object) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("export_tenant", *map(str, words), stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def rows(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_an_export_holds_every_row_of_the_company_and_names_no_other(tenant: Tenant, file: Path) -> None:
    assert command("zilverberg", file)[0] == 0

    found = contents(file)
    numbers = {name: len(rows(text)) for name, text in found.items() if name.startswith("tables/")}
    in_tables = {f"tables/{model._meta.model_name}.jsonl": model._meta.db_table for model in tables.of_tenants()}
    counted = deletion.counts(tenant)
    assert {name: numbers[name] for name in in_tables} == {name: counted[table] for name, table in in_tables.items()}
    assert json.loads(found["manifest.json"])["rows"] == numbers
    everything = "\n".join([*found, *found.values()]).lower()
    assert MINE.lower() in everything
    assert THEIRS.lower() not in everything


def test_an_export_holds_the_files_and_the_settings(tenant: Tenant, file: Path) -> None:
    command("zilverberg", file)

    found = contents(file)
    assert found["king-xml/uploads/artikelen.xml"] == f"<A>{MINE}</A>"
    assert len([name for name in found if name.startswith("journal/")]) == 1
    assert json.loads(found["tenant.json"])["king"]["access_code"] == "***"
    assert found["README.txt"].startswith("Nederlands")
    assert set(json.loads(found["manifest.json"])) == {"format", "version", "slug", "made_at", "rows", "files"}


def test_no_secret_is_in_it(tenant: Tenant, file: Path) -> None:
    command("zilverberg", file)

    everything = "\n".join(contents(file).values())
    secrets = [code for each in factories.SECRETS.values() for code in each.values() if isinstance(code, str)]
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM kingsync_connection UNION SELECT password FROM kingsync_user")
        secrets += [row[0] for row in cursor.fetchall()]
    assert len(secrets) > 8
    assert [secret for secret in [*secrets, f"hash-{MINE}", "code-1357"] if secret in everything] == []


def test_users_are_those_of_the_company_with_their_role_there(tenant: Tenant, file: Path) -> None:
    command("zilverberg", file)

    found = [(each["name"], each["role"]) for each in rows(contents(file)["tables/user.jsonl"])]
    assert sorted(found) == [("Bob Both", "viewer"), ("Zilverberg Owner", "owner")]


def test_rows_can_be_read_back_by_the_database(tenant: Tenant, file: Path) -> None:
    """What an import will do: every value survives the way into the file and back."""
    command("zilverberg", file)
    found = contents(file)

    for model in tables.of_tenants():
        for line in found[f"tables/{model._meta.model_name}.jsonl"].splitlines():
            assert is_a_row_of(model, line), model


def is_a_row_of(model: tables.Model, line: str) -> bool:
    """Return whether a table has a row of exactly these values, its secrets apart."""
    columns = [f'"{each.column}"' for each in model._meta.concrete_fields if not export.is_secret(each)]
    named, table = ", ".join(columns), model._meta.db_table
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {named} FROM json_populate_record(null::{table}, %s) INTERSECT SELECT {named} FROM {table}", [line]
        )
        return len(cursor.fetchall()) == 1


def test_the_export_is_of_one_moment(tenant: Tenant, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved while the export is being written is in none of its tables."""
    honest = export._write_rows

    def slow(zipped: zipfile.ZipFile, part: export.Part, tenant_id: int) -> int:
        if part.name == "tables/tenant.jsonl":
            companies.in_another_session("UPDATE kingsync_workorder SET customer_name = 'Later'")
        return honest(zipped, part, tenant_id)

    monkeypatch.setattr(export, "_write_rows", slow)
    command("zilverberg", file)

    assert "Later" not in contents(file)["tables/workorder.jsonl"]
    assert WorkOrder.across_tenants.filter(customer_name="Later").count() == 2


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_export_that_breaks_off_leaves_no_file(
    tenant: Tenant, file: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    def broken(*_: object) -> list[str]:
        raise fault

    monkeypatch.setattr(export, "_write_files", broken)
    if isinstance(fault, OSError):
        assert command("zilverberg", file) == (2, f"{file} cannot be written: {fault.strerror}. Nothing is left of it.")
    else:
        with pytest.raises(KeyboardInterrupt):
            command("zilverberg", file)

    assert [each.name for each in file.parent.iterdir() if "export" in each.name] == []


def test_a_file_that_exists_is_not_overwritten(tenant: Tenant, file: Path) -> None:
    file.write_text("mine")

    assert command("zilverberg", file) == (2, f"{file} exists already. Choose another name.")
    assert file.read_text() == "mine"


def test_only_its_owner_may_read_the_file(tenant: Tenant, file: Path) -> None:
    command("zilverberg", file)

    assert file.stat().st_mode & 0o777 == 0o600
