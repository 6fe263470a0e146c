"""A tenant's King administration: fixed once something is linked, and its numbers may be reused."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from kingsync import tenant_file
from kingsync.models import tenants
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
    assert "add the other administration as a separate company" in html(answer)
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
    """Switch to another administration, which no page can do yet."""
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

    tenant.delete()

    assert not Administration.objects.exists()
    assert not WorkOrder.across_tenants.exists()
