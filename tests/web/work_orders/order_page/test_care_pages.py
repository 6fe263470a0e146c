"""The note on a work order, and to whom it is assigned: who may, what is kept, and where it is shown."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.models.audit.entries import AuditEntry
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text
from tests.web.work_orders.test_action_pages import worker_at_work

LEDGER = "/t/jansen/work-orders/"


@pytest.fixture
def row(tenant: Tenant) -> WorkOrder:
    return factories.work_order(tenant, state=LedgerState.HELD)


def change(client: Client, row: WorkOrder, **fields: str) -> str:
    return text(client.post(f"{LEDGER}{row.pk}/care/", fields, follow=True))


def test_a_note_is_shown_kept_in_the_history_and_in_the_audit_trail(editor: Client, row: WorkOrder) -> None:
    change(editor, row, note="Klant gebeld,\nwacht op bestelnummer")
    page = change(editor, row, note="Bestelnummer PO-7")

    first, second = page.index("eddy", page.index("Bestelnummer PO-7")), page.index("wacht op bestelnummer")
    assert first < second
    assert "note “Bestelnummer PO-7”" in page
    assert list(AuditEntry.across_tenants.order_by("pk").values_list("after__decision", "after__reason"))[-1] == (
        "note",
        "Bestelnummer PO-7",
    )
    assert WorkOrder.across_tenants.get(pk=row.pk).state == "held"


def test_an_empty_note_removes_it_and_the_same_note_changes_nothing(editor: Client, row: WorkOrder) -> None:
    change(editor, row, note="x")
    change(editor, row, note=" x ")
    page = change(editor, row, note="")

    assert "No note." in page
    assert "The note was removed." in page
    assert ManualAction.across_tenants.count() == 2


def test_a_note_that_is_too_long_is_refused(editor: Client, row: WorkOrder) -> None:
    assert "Enter a reason of at most 500 characters." in change(editor, row, note="x" * 501)
    assert not ManualAction.across_tenants.exists()


def test_a_work_order_is_taken_taken_over_and_left(
    editor: Client, client: Client, people: People, row: WorkOrder
) -> None:
    mine = change(editor, row, take="1")
    again = change(editor, row, take="1")
    client.force_login(people.owner)
    seen = text(client.get(f"{LEDGER}{row.pk}/"))
    theirs = change(client, row, take="1")
    left = change(client, row, leave="1")

    assert "Assigned to you." in mine
    assert again.count("assignment Assigned to eddy.") == 1
    assert "Assigned to eddy. Take over" in seen
    assert "Assigned to you." in theirs
    assert "Not assigned to anyone." in left
    assert [each.kind for each in ManualAction.across_tenants.order_by("id")] == ["take", "take", "leave"]


def test_notes_are_written_while_an_export_is_at_work(editor: Client, tenant: Tenant, row: WorkOrder) -> None:
    with worker_at_work(tenant):
        page = change(editor, row, note="nu")

    assert "“nu”" in page


def test_viewer_reads_the_note_and_changes_nothing(editor: Client, viewer: Client, row: WorkOrder) -> None:
    ManualAction(
        tenant_id=row.tenant_id, work_order=row, kind="note", reason="<b>Let op</b>", state_before="held",
        decided_by_name="eddy",
    ).save()  # fmt: skip

    page = html(viewer.get(f"{LEDGER}{row.pk}/"))

    assert "&lt;b&gt;Let op&lt;/b&gt;" in page
    assert "/care/" not in page
    assert viewer.post(f"{LEDGER}{row.pk}/care/", {"note": "x"}).status_code == 403


def test_another_companys_work_order_gets_no_note(editor: Client, row: WorkOrder) -> None:
    foreign = factories.work_order(factories.tenant())

    assert editor.post(f"{LEDGER}{foreign.pk}/care/", {"note": "x"}).status_code == 404
    assert editor.post(f"{LEDGER}{row.pk}/care/", {}).status_code == 400
