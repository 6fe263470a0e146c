"""A tenant's King administration: only a switch changes it once something is linked; its numbers may be reused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from kingsync import tenant_file
from kingsync.models import tenants
from kingsync.models.administrations import AdministrationSwitch
from kingsync.models.audit import doors
from kingsync.models.connections import Connection, System
from kingsync.models.links import KingRecord, ReadState, RecordLink
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Administration, Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.web.pages import html
from tests.web.settings.settings_entries import ADDRESS, entries

pytestmark = pytest.mark.usefixtures("stocked")


def administration() -> str:
    return Connection.objects.get(system=System.KING).administration


# Another destination: stored secrets are not sent there, so the file gives them again.
SECRETS = {"access_code": "again", "access_codes": {"Order_Toevoegen": "again"}}


def apply_other(name: str = "ANDERE") -> dict[str, str]:
    """Apply a file with another administration; return path → sentence if it is refused."""
    try:
        tenant_file.apply(json.dumps({"slug": "jansen", "king": {"administration": name} | SECRETS}).encode())
    except tenant_file.TenantFileError as error:
        return error.problems
    return {}


@pytest.fixture
def editor(client: Client, tenant: Tenant) -> Client:
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, Role.EDITOR))
    return client


def test_the_tenant_file_may_name_another_administration_while_nothing_is_linked() -> None:
    assert apply_other() == {}
    assert administration() == "ANDERE"


def test_the_tenant_file_is_refused_once_an_order_is_linked(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    problems = apply_other()

    assert list(problems) == ["king.administration"]
    assert king.administration in problems["king.administration"]
    assert administration() == king.administration


def test_the_administration_cannot_be_emptied_first_either(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    assert list(apply_other("")) == ["king.administration"]


def test_imported_master_data_is_linked_too(king: KingSandbox) -> None:
    scenario.load("products")

    assert list(apply_other()) == ["king.administration"]


def test_an_order_in_doubt_counts_as_linked(tenant: Tenant) -> None:
    factories.work_order(tenant, step="pending", state=LedgerState.SENDING)

    assert list(apply_other()) == ["king.administration"]


def test_the_same_file_and_another_address_are_still_taken(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    tenant_file.apply(json.dumps({"slug": "jansen", "king": {"administration": king.administration}}).encode())
    moved = {"base_url": king.base_url + "/", "access_code": king.access_code}
    tenant_file.apply(json.dumps({"slug": "jansen", "king": moved}).encode())

    assert Connection.objects.get(system=System.KING).base_url == king.base_url + "/"


def test_the_settings_page_refuses_too(editor: Client, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    answer = editor.post(ADDRESS, entries(editor) | {"king-administration": "ANDERE"})

    assert answer.status_code == 422
    assert f'href="{ADDRESS}administration/?name=ANDERE"' in html(answer)
    assert administration() == king.administration


def test_links_of_another_tenant_do_not_count(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    other = factories.tenant(slug="visser")
    with tenants.scope(other):
        factories.connection(other, administration="EEN")

    tenant_file.apply(json.dumps({"slug": "visser", "king": {"administration": "TWEE"} | SECRETS}).encode())

    with tenants.scope(other):
        assert administration() == "TWEE"


# --- With the flag ----------------------------------------------------------------------------------------------------


def test_the_command_switches_with_the_flag_and_lists_what_is_open(
    king: KingSandbox, outsmart: OutSmartSandbox, tmp_path: Path
) -> None:
    first = scenario.work_order(outsmart)
    scenario.work_order(outsmart, OrderNr="OPEN-1", CustomerDebtorNr="99", CustomerDebtorNrInvoice="99")
    scenario.export()
    number = scenario.ledger(first).king_order_number
    file = tmp_path / "jansen.json"
    file.write_text(json.dumps({"slug": "jansen", "king": {"administration": "ANDERE"} | SECRETS}))
    errors = io.StringIO()

    call_command("apply_tenant", str(file), switch_administration=True, stderr=errors)
    call_command("apply_tenant", str(file), switch_administration=True)  # idempotent

    assert "1 rejected" in errors.getvalue()
    assert "OPEN-1" in errors.getvalue()
    assert (administration(), AdministrationSwitch.objects.count()) == ("ANDERE", 1)
    assert ledger() == []
    former = ledger(administration=king.administration.lower())
    assert [each["king_order_number"] for each in former] == [number, None]
    assert {each["administration"] for each in former} == {king.administration}


def test_without_the_secrets_the_file_does_not_switch(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    with pytest.raises(tenant_file.TenantFileError, match=r"king\.access_code"):
        tenant_file.apply_and_switch(json.dumps({"slug": "jansen", "king": {"administration": "ANDERE"}}).encode())

    assert AdministrationSwitch.objects.count() == 0


def test_the_refusal_names_the_flag_and_the_page(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    (problem,) = apply_other().values()

    assert "--switch-administration" in problem
    assert "Switch administration" in problem


def test_the_name_of_a_former_administration_is_no_new_name_for_the_present_one(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    tenant_file.apply_and_switch(json.dumps({"slug": "jansen", "king": {"administration": "LEEG"} | SECRETS}).encode())

    with tenants.scope(tenant.pk):
        assert list(apply_other(king.administration)) == ["king.administration"]
        assert administration() == "LEEG"


def test_another_spelling_is_the_same_administration(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    assert apply_other(king.administration.lower()) == {}
    assert Administration.objects.count() == 1


def test_an_unknown_administration_is_refused_with_the_known_ones(king: KingSandbox) -> None:
    errors = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("ledger", "jansen", administration="NIETS", stderr=errors)

    assert ended.value.code == 2
    assert king.administration in errors.getvalue()


def ledger(**options: str) -> list[dict[str, Any]]:
    output = io.StringIO()
    call_command("ledger", "jansen", json=True, stdout=output, **options)
    found: list[dict[str, Any]] = json.loads(output.getvalue())
    return found


# --- Numbers that King reuses -----------------------------------------------------------------------------------------


def set_up_again(king: KingSandbox) -> None:
    """Empty the administration, as a supplier does to set it up again: its numbers start over."""
    king.reset({})
    scenario.stock(king)


def test_an_order_with_a_number_of_before_is_whole_and_alone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    first = scenario.work_order(outsmart)
    scenario.export()
    set_up_again(king)
    second = scenario.work_order(outsmart)

    runs = [scenario.export() for _ in range(2)]

    assert [run.status for run in runs] == ["succeeded", "succeeded"]
    (order,) = scenario.orders(king)
    assert (order["ExternOrderNummer"], len(scenario.lines(order))) == (f"OS-{second}", 4)
    assert scenario.ledger(second).king_order_number == scenario.ledger(first).king_order_number
    assert scenario.ledger(second).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_the_earlier_owner_of_a_number_never_writes_to_the_order_of_the_later_one(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    first = scenario.work_order(outsmart)
    scenario.export()
    set_up_again(king)
    second = scenario.work_order(outsmart)
    scenario.export()
    (before,) = scenario.orders(king)
    outsmart.store.edit_work_order(
        first, {"status": "Compleet", "WorkStatus": "1", "Materials": [scenario.material(quantity="9")]}
    )

    seen = scenario.export(dry_run=True)
    scenario.export()

    assert scenario.orders(king) == [before]
    assert scenario.ledger(first).state == LedgerState.HELD
    assert scenario.ledger(first).reasons[0]["code"] == "order_of_another"
    assert scenario.ledger(first).reasons[0]["params"]["other"] == f"OS-{second}"
    assert seen.dry_run_examples["work_orders"][0]["reasons"][0]["code"] == "order_of_another"


# --- What belongs to an administration --------------------------------------------------------------------------------


def go_over(tenant: Tenant) -> None:
    """Point to another administration, and nothing else."""
    tenant.administration = tenant.administrations.create(name="NIEUW", key="nieuw")
    tenant.save(update_fields=["administration"])


def test_all_that_runs_write_belongs_to_the_present_administration(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.load("products")
    scenario.work_order(outsmart)
    scenario.export()

    for model in (RecordLink, KingRecord, ReadState, WorkOrder, SyncRun):
        found = set(model.across_tenants.values_list("administration", flat=True))
        assert found == {tenant.administration_id}, model
    assert str(tenant.administrations.get()) == king.administration


def test_another_administration_begins_empty_and_going_back_finds_everything(tenant: Tenant) -> None:
    old = tenant.administration
    row = factories.work_order(tenant, outsmart_id="7", king_order_number="500", state=LedgerState.DONE)
    link = factories.record_link(tenant, king_id="12")

    go_over(tenant)
    with tenants.scope(tenant):
        before = WorkOrder.objects.exists(), RecordLink.objects.exists()
        again = factories.work_order(tenant, outsmart_id="7", king_order_number="500")
        factories.record_link(tenant, king_id="12")
        kept = set(WorkOrder.across_administrations.values_list("pk", flat=True))
    tenant.administration = old
    with tenants.scope(tenant):
        found = WorkOrder.objects.get().pk, RecordLink.objects.get().pk

    assert before == (False, False)
    assert kept == {row.pk, again.pk}
    assert found == (row.pk, link.pk)


def test_a_tenant_is_deleted_with_its_administrations(tenant: Tenant) -> None:
    factories.work_order(tenant)
    go_over(tenant)

    with doors.deleting_tenant(tenant.pk, tenant.name):
        tenant.delete()

    assert not Administration.objects.exists()
    assert not WorkOrder.across_tenants.exists()
