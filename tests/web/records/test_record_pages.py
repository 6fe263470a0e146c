"""The list of records, one record, and the change limit: what users see, and what they may decide."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.shared.paging import PAGE_SIZE
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

RECORDS = "/t/jansen/records/"
State = RecordLink.State


def link(of: Tenant, king_id: str, kind: RecordKind = RecordKind.CUSTOMER, **fields: Any) -> RecordLink:
    return factories.record_link(of, **({"king_id": king_id, "outsmart_id": king_id, "kind": kind} | fields))


def trip(of: Tenant, **fields: Any) -> ChangeLimitTrip:
    records = [
        {"king_id": "10", "name": "De Boer", "action": "updated", "changes": {"city": ["Ede", "<b>Breda</b>"]}},
        {"king_id": "11", "name": "Visser", "action": "deactivated", "changes": {"active": ["1", "0"]}},
    ]
    return factories.trip(of, **({"records": records} | fields))


def numbers(client: Client, **query: str) -> list[str]:
    return [row.king_id for row in client.get(RECORDS, query).context["page"].rows]


# --- The list ---------------------------------------------------------------------------------------------------------


def test_what_could_not_be_sent_stands_first_with_its_reason(viewer: Client, tenant: Tenant) -> None:
    why = {"code": "missing_fields", "params": {"fields": "postal_code, city"}}
    link(tenant, "10311", name="Bakkerij Jongsma", reason=why)
    link(tenant, "10312", state=State.LINKED)

    page = viewer.get(RECORDS)

    assert [row.king_id for row in page.context["page"].rows] == ["10311"]
    assert "Could not be sent 1" in text(page)
    assert "King has no postal code, town for this record, and OutSmart requires it." in text(page)


def test_list_by_state_and_kind(viewer: Client, tenant: Tenant) -> None:
    link(tenant, "A", RecordKind.PRODUCT)
    link(tenant, "B", RecordKind.PRODUCT, state=State.SKIPPED)
    link(tenant, "C", RecordKind.HOUR_TYPE, state=State.SKIPPED)
    link(tenant, "D", state=State.DELETED)

    assert numbers(viewer, state="skipped") == ["B", "C"]
    assert numbers(viewer, state="skipped", kind="hour_type") == ["C"]
    assert numbers(viewer, state="deleted") == ["D"]
    assert numbers(viewer, state="all") == ["D", "A", "B", "C"]
    assert numbers(viewer, state="nonsense", kind="nonsense") == ["A"]


@pytest.mark.parametrize("search", ["103", "10311", "jongsma", " Jongsma ", "os-77"])
def test_search_finds_by_number_and_name_in_every_state(viewer: Client, tenant: Tenant, search: str) -> None:
    link(tenant, "10311", name="Bakkerij Jongsma", state=State.LINKED, outsmart_id="OS-77")
    link(tenant, "10450", name="Visser", state=State.LINKED)

    assert numbers(viewer, q=search) == ["10311"]


@pytest.mark.parametrize(
    ("query", "opened", "shown"),
    [({}, "linked", ["2001"]), ({"kind": "customer"}, "skipped", ["10"]), ({"kind": "warehouse"}, "rejected", [])],
)
def test_the_list_opens_where_records_are(
    viewer: Client, tenant: Tenant, query: dict[str, str], opened: str, shown: list[str]
) -> None:
    factories.record_link(tenant, kind="product", king_id="2001", state=RecordLink.State.LINKED)
    factories.record_link(tenant, kind="customer", king_id="10", state=RecordLink.State.SKIPPED)

    page = viewer.get(RECORDS, query).context

    assert (page["asked"].state, [row.king_id for row in page["page"].rows]) == (opened, shown)


def test_search_finds_names_without_accents(viewer: Client, tenant: Tenant) -> None:
    factories.record_link(tenant, king_id="7", name="Zoë Café")

    assert numbers(viewer, q="zoe cafe") == ["7"]


def test_search_stays_within_the_state_that_is_named(viewer: Client, tenant: Tenant) -> None:
    link(tenant, "10311", state=State.LINKED)

    assert numbers(viewer, q="103", state="rejected") == []


@pytest.mark.parametrize("query", [{"after": "customer"}, {"after": "nonsense:1"}])
def test_a_page_that_there_is_not_is_the_first(viewer: Client, tenant: Tenant, query: dict[str, str]) -> None:
    link(tenant, "1")

    assert numbers(viewer, **query) == ["1"]


def test_pages_go_on_behind_the_last_record_over_all_kinds(viewer: Client, tenant: Tenant) -> None:
    for number in range(PAGE_SIZE):
        link(tenant, f"C{number:03}")
        link(tenant, f"P{number:03}", RecordKind.PRODUCT)
    link(tenant, "W", RecordKind.WAREHOUSE)
    first = viewer.get(RECORDS, {"state": "all"}).context["page"]
    second = viewer.get(RECORDS, {"state": "all", "after": first.next_after}).context["page"]

    third = viewer.get(RECORDS, {"state": "all", "after": second.next_after}).context["page"]

    assert [row.king_id for row in first.rows] == [f"C{number:03}" for number in range(PAGE_SIZE)]
    assert [row.king_id for row in second.rows] == [f"P{number:03}" for number in range(PAGE_SIZE)]
    assert ([row.king_id for row in third.rows], third.next_after) == (["W"], "")


def test_the_link_to_the_next_page_keeps_what_was_asked(viewer: Client, tenant: Tenant) -> None:
    for number in range(PAGE_SIZE + 1):
        link(tenant, f"C{number:03}", state=State.LINKED, name="Smit")

    page = viewer.get(RECORDS, {"state": "linked", "q": "smit"})

    assert f'href="?state=linked&amp;q=smit&amp;after=customer%3AC{PAGE_SIZE - 1:03}"' in html(page)


def test_empty_lists_say_why(viewer: Client, tenant: Tenant) -> None:
    before = text(viewer.get(RECORDS))
    link(tenant, "1", state=State.LINKED)
    after, filtered = (text(viewer.get(RECORDS, {"state": state})) for state in ("rejected", "deleted"))

    assert "No master data yet. It appears after the first import." in before
    assert "Everything in King could be sent to OutSmart." in after
    assert "No records found." in filtered


def test_names_from_king_are_shown_as_text(viewer: Client, tenant: Tenant) -> None:
    link(tenant, "1", name="<script>alert(1)</script>")

    assert "<script>alert" not in html(viewer.get(RECORDS))


def test_the_number_of_statements_does_not_grow_with_the_list(viewer: Client, tenant: Tenant) -> None:
    link(tenant, "0")
    few = _statements(viewer)
    for number in range(1, PAGE_SIZE + 5):
        link(tenant, str(number), list(RecordKind)[number % 7], reason={"code": "skipped_inactive", "params": {}})

    many = _statements(viewer)

    assert [sql for sql in many if "recordlink" in sql] == [sql for sql in few if "recordlink" in sql]
    # Where the list opens, the counts, the rows.
    assert len([sql for sql in many if "recordlink" in sql]) == 3
    assert len(many) == len(few)


def _statements(client: Client) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        client.get(RECORDS)
    return [query["sql"] for query in seen.captured_queries]


# --- One record -------------------------------------------------------------------------------------------------------


def test_a_record_shows_the_row_as_sent_and_what_happened(viewer: Client, tenant: Tenant) -> None:
    sent = {"name": "De Boer", "kvk_number": "0123", "remark": "", "active": "0"}
    row = link(tenant, "10", name="De Boer", state=State.LINKED, sent=json.dumps(sent), is_active=False)
    run = factories.run(tenant, RunKind.IMPORT)
    factories.log_entry(run, event="record.rejected", outsmart_id="10", record_kind="customer")
    factories.log_entry(run, event="record.other", outsmart_id="10", record_kind="product")

    page = text(viewer.get(f"{RECORDS}{row.pk}/"))

    assert "inactive" in page
    assert "Chamber of Commerce number 0123" in page
    assert "Active no" in page
    assert "Remark" not in page
    assert "Record could not be sent" in page
    assert "record.other" not in page


def test_an_order_shows_its_materials_and_what_differs_in_king(viewer: Client, tenant: Tenant) -> None:
    sent = {"WorkorderNo": "500", "Materials": [{"MaterialCode": "BUIS", "MaterialNr": "4"}]}
    difference = [
        {"field": "line BUIS", "sent": "4", "king": "6"},
        {"field": "line BUIS: price", "sent": "1.00", "king": "2.00"},
        {"field": "delivery_date", "sent": "-", "king": "01-12-2025"},
    ]
    row = link(tenant, "500", RecordKind.ORDER, state=State.LINKED, sent=json.dumps(sent), difference=difference)

    page = text(viewer.get(f"{RECORDS}{row.pk}/"))

    assert "King order number 500" in page
    assert "product: BUIS · quantity: 4" in page
    assert "Line BUIS 4 6" in page
    assert "Line BUIS: price 1.00 2.00" in page
    assert "Delivery date - 01-12-2025" in page


def test_a_record_that_could_not_be_sent_says_when_it_leaves_the_list(viewer: Client, tenant: Tenant) -> None:
    why = {"code": "too_long", "params": {"field": "email", "length": "300", "limit": "255"}}
    row = link(tenant, "10", reason=why)

    page = text(viewer.get(f"{RECORDS}{row.pk}/"))

    assert "E-mail address: 300 characters is more than the 255 that OutSmart accepts." in page
    assert "The record leaves this list automatically" in page
    assert "Nothing has been sent yet." in page


# --- The change limit -------------------------------------------------------------------------------------------------


def decide(client: Client, row: ChangeLimitTrip, decision: str) -> HttpResponse:
    answer: HttpResponse = client.post(reverse("change_limit", args=["jansen", row.pk]), {"decision": decision})  # type: ignore[assignment]
    return answer


def state_of(row: ChangeLimitTrip) -> str:
    with tenants.scope(row.tenant_id):
        return ChangeLimitTrip.objects.get(pk=row.pk).state


def import_runs(of: Tenant) -> list[SyncRun]:
    with tenants.scope(of):
        return list(SyncRun.objects.filter(kind=RunKind.IMPORT))


def test_the_brake_shows_what_would_happen(viewer: Client, tenant: Tenant) -> None:
    row = trip(tenant)

    page = viewer.get(reverse("change_limit", args=["jansen", row.pk]))

    assert "Import of customers stopped" in text(page)
    assert "Records in OutSmart 400" in text(page)
    assert "Town: Ede → &lt;b&gt;Breda&lt;/b&gt;" in text(page)
    assert "Active: yes → no" in text(page)
    assert "And 67 more that are not shown." in text(page)


def test_a_viewer_sees_the_brake_and_may_not_decide(viewer: Client, tenant: Tenant) -> None:
    row = trip(tenant)

    page = viewer.get(reverse("change_limit", args=["jansen", row.pk]))
    answer = decide(viewer, row, "allow")

    assert "Yes, approve" not in text(page)
    assert answer.status_code == 403
    assert state_of(row) == ChangeLimitTrip.State.WAITING


def test_a_yes_starts_a_whole_import_of_that_kind(editor: Client, people: People, tenant: Tenant) -> None:
    row = trip(tenant)

    answer = decide(editor, row, "allow")

    (run,) = import_runs(tenant)
    assert answer.headers["Location"] == "/t/jansen/"
    assert (state_of(row), run.options) == (ChangeLimitTrip.State.ALLOWED, {"kinds": ["customers"], "full": True})
    assert run.requested_by == people.editor


def test_a_no_keeps_back_until_somebody_says_yes_after_all(editor: Client, tenant: Tenant) -> None:
    row = trip(tenant)
    decide(editor, row, "refuse")
    refused, page = state_of(row), text(editor.get(reverse("change_limit", args=["jansen", row.pk])))

    decide(editor, row, "allow")

    assert (refused, state_of(row)) == (ChangeLimitTrip.State.REFUSED, ChangeLimitTrip.State.ALLOWED)
    assert "Yes, approve" in page
    assert "No, hold" not in page


def test_a_decision_that_came_too_late_is_said(editor: Client, tenant: Tenant) -> None:
    row = trip(tenant, state=ChangeLimitTrip.State.OVER)

    answer = editor.post(reverse("change_limit", args=["jansen", row.pk]), {"decision": "allow"}, follow=True)

    assert "This has already been decided, or is no longer needed." in text(answer)
    assert import_runs(tenant) == []


def test_a_yes_during_an_import_is_kept_for_the_next_one(editor: Client, tenant: Tenant) -> None:
    row = trip(tenant)
    factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING)

    answer = editor.post(reverse("change_limit", args=["jansen", row.pk]), {"decision": "allow"}, follow=True)

    assert state_of(row) == ChangeLimitTrip.State.ALLOWED
    assert "the next one writes the changes" in text(answer)


@pytest.mark.parametrize("decision", ["", "nonsense"])
def test_what_is_no_decision_decides_nothing(editor: Client, tenant: Tenant, decision: str) -> None:
    row = trip(tenant)

    assert decide(editor, row, decision).status_code == 400
    assert state_of(row) == ChangeLimitTrip.State.WAITING


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "waiting",
            "The import of customers stopped before writing anything: of 400 records, 60 would change and 9 would be "
            "deactivated.",
        ),
        ("allowed", "Eddy approved the import of customers; the next import writes the changes."),
        ("refused", "Eddy put the import of customers on hold."),
    ],
)
def test_the_start_page_shows_what_is_kept_back(viewer: Client, tenant: Tenant, state: str, words: str) -> None:
    row = trip(tenant, state=state, decided_by_name="Eddy")

    page = viewer.get("/t/jansen/")

    assert words in text(page)
    assert reverse("change_limit", args=["jansen", row.pk]) in html(page)


# --- Strangers --------------------------------------------------------------------------------------------------------


def test_what_is_another_tenants_is_not_found(editor: Client, tenant: Tenant) -> None:
    foreign = factories.tenant()
    row, stopped = link(foreign, "1"), trip(foreign)

    seen = [
        editor.get(RECORDS + f"{row.pk}/").status_code,
        editor.get(reverse("change_limit", args=["jansen", stopped.pk])).status_code,
        decide(editor, stopped, "allow").status_code,
    ]

    assert seen == [404, 404, 404]
    assert numbers(editor, state="all") == []
    assert state_of(stopped) == ChangeLimitTrip.State.WAITING


def test_strangers_find_nothing(client: Client, people: People, tenant: Tenant) -> None:
    row, stopped = link(tenant, "1"), trip(tenant)
    client.force_login(people.stranger)

    seen = [client.get(address).status_code for address in (RECORDS, f"{RECORDS}{row.pk}/")]

    assert [*seen, decide(client, stopped, "allow").status_code] == [404, 404, 404]


# --- The admin --------------------------------------------------------------------------------------------------------


def test_staff_see_records_and_brakes_of_their_own_tenant_and_change_nothing(
    client: Client, people: People, tenant: Tenant
) -> None:
    people.viewer.is_staff = True
    people.viewer.save()
    client.force_login(people.viewer)
    own, foreign = trip(tenant), trip(factories.tenant())
    link(tenant, "OWN-1")
    link(foreign.tenant, "FOREIGN-1")

    seen = html(client.get(reverse("admin:kingsync_recordlink_changelist")))
    pages = [
        client.get(reverse("admin:kingsync_changelimittrip_change", args=[row.pk])).status_code
        for row in (own, foreign)
    ]

    assert "OWN-1" in seen
    assert "FOREIGN-1" not in seen
    assert pages == [200, 302]
    assert (
        client.post(reverse("admin:kingsync_changelimittrip_change", args=[own.pk]), {"state": "allowed"}).status_code
        == 403
    )
