"""A company moves to another installation: all of it or nothing, and no order of its own is ever created twice."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from pytest_django import Settings

from kingsync.models import tenants
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.connections import Connection, System
from kingsync.models.restores import Installation
from kingsync.models.runs import NextRun, RunStatus, SyncRun
from kingsync.models.statements.signed import SignedStatement
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import OrderLine, Step, WorkOrder
from kingsync.statements import digests
from kingsync.upkeep.tenant_data import deletion, importing, tables
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.upkeep.tenant_data import companies
from tests.upkeep.tenant_data.companies import MINE, THEIRS

pytestmark = pytest.mark.django_db(transaction=True)

Contents = dict[str, bytes]
# What the import writes itself: that the company was added.
ADDED = 1


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")
    return tmp_path / "export.zip"


def command(name: str, *words: object) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command(name, *map(str, words), stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def contents(path: Path) -> Contents:
    with zipfile.ZipFile(path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def rewrite(path: Path, change: Callable[[Contents], object]) -> None:
    found = contents(path)
    change(found)
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in found.items():
            zipped.writestr(name, content)


def moved(slug: str, file: Path) -> Tenant:
    """Export a company, delete it here, and import it: it comes back with other keys."""
    assert command("export_tenant", slug, file)[0] == 0
    assert command("delete_tenant", slug, "--yes")[0] == 0
    code, out = command("import_tenant", file)
    assert code == 0, out
    return Tenant.objects.get(slug=slug)


# --- Everything comes along -------------------------------------------------------------------------------------------


def test_every_row_comes_along_with_keys_of_its_own(file: Path, tmp_path: Path) -> None:
    other = companies.full(THEIRS)
    before = deletion.counts(other)
    old = companies.full(MINE)
    companies.king_file(old, f"<A>{MINE}</A>")
    counted = deletion.counts(old)

    tenant = moved("zilverberg", file)

    assert tenant.pk != old.pk
    left_out = {model._meta.db_table for model in importing.LEFT_OUT}
    expected = {name: number for name, number in counted.items() if name not in left_out}
    expected["kingsync_auditentry"] += ADDED
    expected["kingsync_ledgercount"] = 1  # of the work order that came in
    assert deletion.counts(tenant) == expected
    assert deletion.counts(other) == before
    again = tmp_path / "again.zip"
    assert command("export_tenant", "zilverberg", again)[0] == 0
    assert rows_of(again) == rows_of(file)


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a file by table, without keys and without what is another value after a move."""
    found = contents(path)
    every: list[tables.Model] = [Tenant, *tables.of_tenants()]
    return {
        model._meta.db_table: [
            {name: value for name, value in json.loads(line).items() if name not in changed(model)}
            for line in found[f"tables/{model._meta.model_name}.jsonl"].decode().splitlines()
            if '"company.created"' not in line
        ]
        for model in every
        if model not in importing.LEFT_OUT
    }


def changed(model: tables.Model) -> set[str]:
    keys = {each.column for each in model._meta.concrete_fields if isinstance(each, models.ForeignKey)}
    others: dict[tables.Model, set[str]] = {
        Connection: {"state", "paused_reason", "credentials"},
        SyncRun: {"options"},
        NextRun: {"is_stale"},
    }
    return {"id", "looked_at", "unseen", "once", *keys, *others.get(model, set())}


def test_what_belongs_together_still_does(file: Path) -> None:
    companies.full(THEIRS)
    companies.full(MINE)

    tenant = moved("zilverberg", file)

    with tenants.scope(tenant):
        line = OrderLine.objects.get()
        assert (line.tenant_id, line.work_order.customer_name) == (tenant.pk, MINE)
        assert line.work_order.administration == tenant.administration
        assert {each.tenant for each in SyncRun.objects.all()} == {tenant}
    membership = Membership.objects.get(tenant=tenant)
    assert (membership.user.email, membership.role) == ("owner@zilverberg.example", Role.OWNER)
    with tenants.across():
        assert not AuditEntry.across_tenants.filter(tenant=tenant, user_id__gt=0).exclude(
            user_id__in=User.objects.values("pk")
        )


def test_a_signed_month_is_still_whole(file: Path) -> None:
    companies.full(MINE)

    tenant = moved("zilverberg", file)

    with tenants.scope(tenant):
        assert SignedStatement.objects.exists()
        assert all(digests.is_intact(each) for each in SignedStatement.objects.all())


def test_files_and_journal_are_where_this_installation_looks(file: Path, settings: Settings) -> None:
    old = companies.full(MINE)
    companies.king_file(old, f"<A>{MINE}</A>")

    tenant = moved("zilverberg", file)

    path = Path(settings.KING_XML_FOLDER) / "zilverberg" / "uploads" / "artikelen.xml"
    assert path.read_text() == f"<A>{MINE}</A>"
    folder = Path(settings.JOURNAL_FOLDER) / str(Installation.objects.get().identity)
    [journal] = folder.glob(f"{tenant.pk}-*.jsonl")
    assert f"OS-{MINE}" in journal.read_text()
    assert journal.stat().st_mode & 0o777 == 0o600


def test_without_folders_the_rest_is_imported_and_it_is_said(file: Path, settings: Settings) -> None:
    old = companies.full(MINE)
    companies.king_file(old, MINE)
    command("export_tenant", "zilverberg", file)
    command("delete_tenant", "zilverberg", "--yes")
    settings.KING_XML_FOLDER = settings.JOURNAL_FOLDER = ""

    code, out = command("import_tenant", file, "--json")

    assert (code, json.loads(out)["files"], json.loads(out)["files_without_folder"]) == (0, 0, 2)


def test_accounts_are_found_by_their_address_and_new_ones_have_no_password(file: Path) -> None:
    tenant = companies.full(MINE)
    both = factories.member(tenant, name="Bob Both")
    Membership.objects.create(tenant=factories.tenant(), user=both, role=Role.OWNER)
    command("export_tenant", "zilverberg", file)
    command("delete_tenant", "zilverberg", "--yes")

    _code, out = command("import_tenant", file, "--json")

    accounts = {each["email"]: each["new_account"] for each in json.loads(out)["accounts"]}
    assert accounts == {"owner@zilverberg.example": True, both.email: False}
    owner = User.objects.get(email="owner@zilverberg.example")
    assert (owner.name, owner.has_usable_password(), owner.is_staff) == ("Zilverberg Owner", False, False)
    assert User.objects.get(pk=both.pk).password == both.password
    assert json.loads(command("create_owner", "zilverberg", owner.email, "--json")[1])["link"]


def test_no_secret_comes_along_and_nothing_runs_before_they_are_filled_in(file: Path) -> None:
    companies.full(MINE)

    tenant = moved("zilverberg", file)

    with tenants.scope(tenant):
        for each in Connection.objects.all():
            assert (each.credentials, each.state) == ({}, Connection.State.PAUSED)
            assert each.paused_reason["code"] == "no_connection"


def test_a_run_that_went_on_there_is_over_here(file: Path) -> None:
    tenant = companies.full(MINE)
    run = factories.run(tenant, status=RunStatus.RUNNING, options={"files": [4711]})
    command("export_tenant", "zilverberg", file)
    with tenants.scope(tenant):
        SyncRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    command("delete_tenant", "zilverberg", "--yes")

    command("import_tenant", file)

    with tenants.scope(Tenant.objects.get(slug="zilverberg")):
        found = SyncRun.objects.get(number=run.number)
    assert (found.status, found.error["code"], found.options) == ("failed", "interrupted", {"files": []})


def test_a_company_that_was_to_be_deleted_there_is_not_deleted_here(file: Path) -> None:
    tenant = companies.full(MINE)
    Tenant.objects.filter(pk=tenant.pk).update(closing_at=tenant.created_at, closing_asked_by="Someone")

    assert moved("zilverberg", file).closing_at is None


# --- What is refused --------------------------------------------------------------------------------------------------


def test_a_short_name_that_is_taken_is_refused(file: Path) -> None:
    tenant = companies.full(MINE)
    command("export_tenant", "zilverberg", file)
    before = deletion.counts(tenant)

    code, said = command("import_tenant", file)

    assert code == 2
    assert "There is a tenant “zilverberg” here already" in said
    assert deletion.counts(tenant) == before


def _manifest(found: Contents, **values: object) -> None:
    found["manifest.json"] = json.dumps(json.loads(found["manifest.json"]) | values).encode()


def _of_another_version(found: Contents) -> None:
    _manifest(found, version=99)


def _with_a_table_more(found: Contents) -> None:
    _manifest(found, rows=json.loads(found["manifest.json"])["rows"] | {"tables/invoice.jsonl": 0})


def _with_a_column_more(found: Contents) -> None:
    found["tables/workorder.jsonl"] = found["tables/workorder.jsonl"].replace(b'"id":', b'"colour":1,"id":')


def _without_a_row(found: Contents) -> None:
    found["tables/orderline.jsonl"] = b""


def _with_a_dangling_row(found: Contents) -> None:
    row = json.loads(found["tables/orderline.jsonl"]) | {"work_order_id": 0}
    found["tables/orderline.jsonl"] = json.dumps(row).encode()


def _with_an_impossible_value(found: Contents) -> None:
    row = json.loads(found["tables/orderline.jsonl"]) | {"position": -5}
    found["tables/orderline.jsonl"] = json.dumps(row).encode()


def _that_climbs(found: Contents) -> None:
    found["king-xml/../../outside.xml"] = b"<A/>"


def _with_a_foreign_journal(found: Contents) -> None:
    found["journal/1-0123456789abcdef-exports.jsonl"] = b""


def _without_the_end(found: Contents) -> None:
    del found["manifest.json"]


DAMAGED: dict[Callable[[Contents], None], str] = {
    _of_another_version: "has format kingsync-tenant 99",
    _with_a_table_more: "has other tables than this version of kingsync (tables/invoice.jsonl)",
    _with_a_column_more: "tables/workorder.jsonl has other columns",
    _without_a_row: "tables/orderline.jsonl has 0 rows instead of 1",
    _with_a_dangling_row: "kingsync_orderline refers to one that is missing",
    _with_an_impossible_value: "The database refuses what is in the file (CheckViolation)",
    _that_climbs: "impossible name",
    _with_a_foreign_journal: "is no journal of this tenant",
    _without_the_end: "no file of export_tenant, or not a whole one",
}


def test_a_file_that_is_not_right_is_refused_and_leaves_nothing(file: Path, settings: Settings) -> None:
    other = companies.full(THEIRS)
    tenant = companies.full(MINE)
    companies.king_file(tenant, MINE)
    command("export_tenant", "zilverberg", file)
    command("delete_tenant", "zilverberg", "--yes")
    before = deletion.counts(other)

    for damage, sentence in DAMAGED.items():  # each finds what is there without the others
        damaged = file.with_name(f"{damage.__name__}.zip")
        shutil.copy(file, damaged)
        rewrite(damaged, damage)

        code, said = command("import_tenant", damaged)

        assert (code, said.endswith("Nothing was imported.")) == (2, True), damage.__name__
        assert sentence in said
        assert not Tenant.objects.filter(slug="zilverberg").exists(), damage.__name__
        assert not User.objects.filter(email="owner@zilverberg.example").exists(), damage.__name__
        assert deletion.counts(other) == before, damage.__name__
        assert files_of_others_than(other, settings) == [], damage.__name__
        assert not (Path(settings.KING_XML_FOLDER) / "zilverberg").exists(), damage.__name__


def files_of_others_than(tenant: Tenant, settings: Settings) -> list[Path]:
    """Return the files of King's and of the journal that are not this tenant's."""
    files = [path for folder in (settings.KING_XML_FOLDER, settings.JOURNAL_FOLDER) for path in Path(folder).rglob("*")]
    return [path for path in files if path.is_file() and not path.name.startswith(f"{tenant.pk}-")]


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_what_is_no_export_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    code, said = command("import_tenant", file)

    assert (code, "no file of export_tenant" in said) == (2, True)


def test_a_file_that_is_missing_is_refused(file: Path) -> None:
    assert command("import_tenant", file) == (2, f"{file}: No such file or directory. Nothing was imported.")


# --- Exactly once, over a move ----------------------------------------------------------------------------------------


@pytest.fixture
def company(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, file: Path) -> Tenant:
    scenario.stock(king)
    factories.settings(tenant)
    return tenant


def connected(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Fill in what the file has not: the credentials of both systems."""
    with tenants.scope(tenant):
        secrets = {
            System.OUTSMART: {"token": outsmart.token, "software_token": outsmart.software_token},
            System.KING: {"access_code": king.access_code},
        }
        for system, credentials in secrets.items():
            row = Connection.objects.get(system=system)
            row.credentials, row.state = credentials, Connection.State.ACTIVE
            row.save()


def ledger(slug: str) -> list[dict[str, Any]]:
    """Return the ledger as people script against it."""
    found: list[dict[str, Any]] = json.loads(command("ledger", slug, "--json")[1])
    return found


def at_the_trigger(outsmart: OutSmartSandbox, *outsmart_ids: str) -> None:
    for each in outsmart_ids:
        outsmart.store.edit_work_order(each, {"status": "Compleet", "WorkStatus": "1"})


def test_a_moved_company_exports_on_without_a_double(
    company: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, file: Path
) -> None:
    done, refused = scenario.work_order(outsmart), scenario.work_order(outsmart, Materials=[scenario.material("WEG")])
    scenario.export()
    before = ledger("jansen")

    tenant = moved("jansen", file)
    connected(tenant, king, outsmart)
    as_moved = ledger("jansen")
    at_the_trigger(outsmart, done)
    new = scenario.work_order(outsmart)
    with tenants.scope(tenant):
        counts = scenario.counts(scenario.export())

    assert as_moved == before
    assert {each["outsmart_id"] for each in before} == {done, refused}
    assert counts["created"] == 1
    assert counts["unchanged"] == 1
    references = sorted(each["ExternOrderNummer"] for each in scenario.orders(king))
    assert references == sorted(f"OS-{each}" for each in (done, refused, new))
    assert scenario.is_clean(king)


@pytest.mark.usefixtures("lost_answers_soon_settled")  # the guard against restores waits half a minute for late calls
def test_what_the_old_installation_still_sent_after_the_export_is_found_again(
    company: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, file: Path
) -> None:
    first = scenario.work_order(outsmart)
    scenario.export()
    command("export_tenant", "jansen", file)
    late = scenario.work_order(outsmart)
    scenario.export()
    command("delete_tenant", "jansen", "--yes")
    assert command("import_tenant", file)[0] == 0
    tenant = Tenant.objects.get(slug="jansen")
    connected(tenant, king, outsmart)
    at_the_trigger(outsmart, first, late)

    with tenants.scope(tenant):
        run = scenario.export()
        numbers = {each.outsmart_id: each.king_order_number for each in WorkOrder.objects.all()}

    assert "created" not in scenario.counts(run)
    assert len(scenario.orders(king)) == 2
    assert all(numbers[each] for each in (first, late))
    assert scenario.is_clean(king)


def test_an_order_that_was_being_created_during_the_export_is_looked_up_first(
    company: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, file: Path
) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    WorkOrder.objects.filter(outsmart_id=number).update(
        king_order_number=None, state="sending", step=Step.PENDING, source_fingerprint="", plan_fingerprint=""
    )
    OrderLine.objects.all().delete()
    tenant = moved("jansen", file)
    connected(tenant, king, outsmart)
    at_the_trigger(outsmart, number)

    with tenants.scope(tenant):
        scenario.export()
        row = scenario.ledger(number)

    assert [str(each["OrderNummer"]) for each in scenario.orders(king)] == [row.king_order_number]
    assert row.state == "done"
    assert scenario.is_clean(king)
