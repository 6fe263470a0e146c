"""What a scope allows the ORM, a page and the search, with the wall in the database behind it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory

from kingsync.accounts.session_store import SessionStore
from kingsync.database.rows import ForeignScopeError
from kingsync.king_mirror import search_index
from kingsync.models import tenants
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import access
from tests import factories
from tests.tenant_rows import rows, seen

# --- The ORM ----------------------------------------------------------------------------------------------------------


def test_across_tenants_crosses_for_its_own_statement_only(mine: Tenant, theirs: Tenant) -> None:
    with tenants.scope(mine):
        assert {row.tenant_id for row in WorkOrder.across_tenants.all()} == {mine.pk, theirs.pk}
        assert seen() == {mine.pk}
    with tenants.across():
        assert seen() == {mine.pk, theirs.pk}
    with pytest.raises(TypeError, match=r"tenants\.across"):
        WorkOrder.across_tenants.iterator()


def test_saving_in_the_scope_of_another_tenant_is_refused(mine: Tenant, theirs: Tenant) -> None:
    foreign = WorkOrder.across_tenants.get(tenant=theirs)
    with tenants.scope(mine):
        own = WorkOrder.objects.get()
        new = LogEntry(tenant=theirs, level="info", event="x")
        for attempt in (
            foreign.save,
            foreign.delete,
            new.save,
            lambda: LogEntry.objects.bulk_create([new]),
            lambda: WorkOrder.objects.bulk_update([foreign], ["order_number"]),
            lambda: WorkOrder.objects.update(tenant=theirs),
            lambda: WorkOrder.objects.update(tenant_id=theirs.pk),
        ):
            with pytest.raises(ForeignScopeError, match=f"tenant {theirs.pk} .* scope of tenant {mine.pk}"):
                attempt()

    assert own.tenant_id == mine.pk
    assert not LogEntry.across_tenants.exists()
    assert WorkOrder.across_tenants.filter(tenant=theirs).count() == 1


def test_a_row_cannot_be_moved_to_another_tenant(mine: Tenant, theirs: Tenant) -> None:
    with tenants.scope(mine):
        row = WorkOrder.objects.get()
    row.tenant = theirs

    with pytest.raises(DatabaseError), transaction.atomic():
        row.save()

    assert WorkOrder.across_tenants.get(pk=row.pk).tenant_id == mine.pk


def test_a_row_in_hand_is_saved_in_its_own_scope(mine: Tenant) -> None:
    run = factories.run(mine)
    run.read_count = 7
    run.save()
    run.refresh_from_db()

    assert SyncRun.across_tenants.get().read_count == 7
    run.delete()
    assert not SyncRun.across_tenants.exists()


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_a_page_that_forgets_its_filter_shows_nothing_of_others(
    mine: Tenant, theirs: Tenant, rf: RequestFactory
) -> None:
    @access.members
    def careless(_request: access.TenantRequest) -> HttpResponse:
        return HttpResponse(str(sorted(seen())))

    for tenant in (mine, theirs):
        request = rf.get("/")
        request.user, request.session = factories.member(tenant), SessionStore()
        answer = careless(request, slug=tenant.slug)
        assert answer.content.decode() == str([tenant.pk])
        assert seen() == set()


def test_nothing_is_left_for_the_next_request_on_the_connection(mine: Tenant, theirs: Tenant, client: Client) -> None:
    client.force_login(factories.member(mine, Role.VIEWER))

    assert client.get(f"/t/{mine.slug}/work-orders/").status_code == 200

    assert seen() == set()
    assert client.get(f"/t/{theirs.slug}/work-orders/").status_code == 404


def test_the_view_of_the_search_keeps_to_the_tenant(mine: Tenant, theirs: Tenant) -> None:
    searching = "SELECT tenant_id FROM kingsync_searchedworkorder WHERE searched LIKE '%BOER%'"

    with tenants.scope(mine):
        assert rows(searching) == [(mine.pk,)]
    with tenants.across():
        assert {tenant for (tenant,) in rows(searching)} == {mine.pk, theirs.pk}
    assert rows(searching) == []


def test_the_view_of_the_search_over_master_data_keeps_to_the_tenant(mine: Tenant, theirs: Tenant) -> None:
    for owner in (mine, theirs):
        factories.record_link(owner, name="Boer")
    search_index.catch_up()
    for owner in (mine, theirs):
        factories.record_link(owner, name="Boer")  # not in the index yet
    searching = "SELECT tenant_id FROM kingsync_searchedrecord WHERE searched LIKE '%BOER%'"

    with tenants.scope(mine):
        assert rows(searching) == [(mine.pk,)] * 2
    with tenants.scope(theirs):
        assert rows(searching) == [(theirs.pk,)] * 2
    assert rows(searching) == []


def test_the_view_of_the_kinds_in_the_log_keeps_to_the_tenant(mine: Tenant, theirs: Tenant) -> None:
    for owner, event in ((mine, "order.created"), (mine, "order.moved"), (mine, "order.moved"), (theirs, "record.x")):
        factories.log_entry(factories.run(owner), event=event)
    asking = "SELECT tenant_id, event FROM kingsync_loggedkind ORDER BY event"

    with tenants.scope(mine):
        assert rows(asking) == [(mine.pk, "order.created"), (mine.pk, "order.moved")]
    with tenants.scope(theirs):
        assert rows(asking) == [(theirs.pk, "record.x")]
    assert rows(asking) == []
