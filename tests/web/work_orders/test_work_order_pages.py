"""The work order pages as users see them."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kingsync.models import tenants
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.order_links import OrderLink
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, OrderLine, Text, WorkOrder
from kingsync.web.shared import paging
from kingsync.web.work_orders import work_order_list
from kingsync.web.work_orders.order_page import history
from tests import factories
from tests.scenario import material, period
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"


def numbers(client: Client, **query: str) -> list[str]:
    return [row.order_number for row in client.get(LEDGER, query).context["page"].rows]


# --- The list ---------------------------------------------------------------------------------------------------------


def test_list_of_one_state(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="A", state=LedgerState.DONE)
    factories.work_order(tenant, order_number="B", state=LedgerState.REJECTED)
    factories.work_order(tenant, order_number="C", state=LedgerState.HELD)

    assert numbers(editor, state="held") == ["C"]
    assert numbers(editor, state="person") == ["C", "B"]
    assert numbers(editor, state="nonsense") == ["C", "B", "A"]


@pytest.mark.parametrize(
    "search", ["WB7", "wb7", "B77", "mulder", "MUL", "lder", "4711", "71", "6099", " WB7 ", "mu", "4"]
)
def test_search_finds_any_part_of_a_number_or_a_name_and_beginnings_by_less_than_three_letters(
    editor: Client, tenant: Tenant, search: str
) -> None:
    factories.work_order(
        tenant, order_number="WB777", customer_name="Mulder", outsmart_id="4711", king_order_number="26099"
    )
    factories.work_order(tenant, order_number="WB888", customer_name="Visser", outsmart_id="5000")

    assert numbers(editor, q=search) == ([] if search == "71" else ["WB777"])


@pytest.mark.parametrize("search", ["100%", "A_C", "x\\y"])
def test_signs_of_patterns_are_searched_for_as_they_are(editor: Client, tenant: Tenant, search: str) -> None:
    factories.work_order(tenant, order_number="HIT", customer_name=f"Firma {search} B.V.")
    factories.work_order(tenant, order_number="MISS", customer_name="Firma 1000 ABC xzy")

    assert numbers(editor, q=search) == ["HIT"]


def test_search_never_finds_work_orders_of_others(editor: Client, tenant: Tenant) -> None:
    factories.work_order(factories.tenant(), customer_name="Mulder")

    assert numbers(editor, q="mulder") == []


def test_search_is_answered_by_its_index(tenant: Tenant) -> None:
    """Behind the wall between tenants too, and letter for letter the expression of the index."""
    searching = Text("mulder").keys()
    with tenants.scope(tenant), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off; SET LOCAL enable_indexscan TO off")
        cursor.execute(f"EXPLAIN {searching.sql}", searching.params)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Bitmap Index Scan on work_orders_by_text" in plan


def test_search_does_not_read_the_table_twice_as_one(tenant: Tenant) -> None:
    """One scan for the table and the view would be behind the wall, where the index is of no use."""
    with tenants.scope(tenant):
        plan = work_order_list.Wanted(search="mulder").rows().explain()

    assert plan.count(" on kingsync_workorder ") == 2


def test_a_king_order_that_a_work_order_has_left_finds_it_too(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, order_number="A", king_order_number="26099")
    OrderLink(tenant=tenant, work_order=row, king_order_number="26011", left_at=timezone.now()).save()
    factories.work_order(tenant, order_number="B", king_order_number="26011")

    assert numbers(editor, q="26011") == ["B", "A"]
    assert numbers(editor, q="26099") == ["A"]


def test_the_page_names_the_other_work_orders_on_the_king_order_with_their_lines(
    editor: Client, tenant: Tenant
) -> None:
    row = exported(tenant)
    other = factories.work_order(tenant, order_number="WB-ANDER", king_order_number="26011", state="held")
    sent = {"kind": "ART", "article": "KNIE"}
    factories.order_line(other, source="KNIE", king_line_id="777", reference="9-M1", sent=sent)

    shown = editor.get(f"{LEDGER}{row.pk}/")

    assert "Also on King order 26011" in text(shown)
    assert "WB-ANDER held KNIE King line 777 · 9-M1" in text(shown)
    assert f'href="{LEDGER}{other.pk}/"' in html(shown)
    assert [pair.line.source for pair in shown.context["pair"].lines if pair.line] == ["BUIS", "MONT 10-11-2025 08:00"]


def test_filters_narrow_the_list_together(editor: Client, tenant: Tenant) -> None:
    day, now = datetime.date(2025, 11, 10), timezone.now()
    for name, finished, king_number, changed in (
        ("A", day, "1", now),
        ("B", day - datetime.timedelta(days=1), "2", now),
        ("C", day, None, now - datetime.timedelta(days=3)),
        ("D", day + datetime.timedelta(days=5), "4", now),
    ):
        factories.work_order(
            tenant, order_number=name, work_date=finished, king_order_number=king_number, changed_at=changed
        )

    assert numbers(editor, since="2025-11-10") == ["D", "C", "A"]
    assert numbers(editor, since="2025-11-10", until="2025-11-12") == ["C", "A"]
    assert numbers(editor, until="2025-11-10", king="yes") == ["A", "B"]
    assert numbers(editor, king="no") == ["C"]
    assert numbers(editor, changed="1") == ["D", "B", "A"]
    assert numbers(editor, changed="7", king="no") == ["C"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"since": "2025-02-31"}, "Enter a valid date."),
        ({"since": "2025-11-02", "until": "2025-11-01"}, "This is before the first date."),
        ({"king": "perhaps"}, "perhaps is not one of the available choices."),
        ({"changed": "-1"}, "-1 is not one of the available choices."),
        ({"state": "nonsense"}, "nonsense is not one of the available choices."),
        ({"q": "x" * 101}, "Ensure this value has at most 100 characters"),
    ],
)
def test_filter_that_cannot_be_read_is_told_at_its_field(
    editor: Client, tenant: Tenant, query: dict[str, str], told: str
) -> None:
    factories.work_order(tenant, order_number="WB1", work_date=datetime.date(2025, 12, 1))

    answer = editor.get(LEDGER, query)

    assert told in text(answer)
    assert [row.order_number for row in answer.context["page"].rows] == ["WB1"]


def test_chips_count_all_states_by_one_query(editor: Client, tenant: Tenant) -> None:
    for state in ("done", "done", "held", "rejected"):
        factories.work_order(tenant, state=state)
    factories.work_order(factories.tenant(), state="done")

    page = text(editor.get(LEDGER, {"state": "held"}))

    assert "All 4 Need attention 2 Rejected 1 Held 1 Done 2" in page


@pytest.mark.parametrize(
    ("query", "count", "amount"),
    [
        ({"since": "2026-03-03"}, 2, "5.00"),
        ({"until": "2026-03-03"}, 3, "7.00"),
        ({"since": "2026-03-03", "until": "2026-03-03"}, 1, "2.00"),
        ({"since": "2026-03-02", "state": "done"}, 2, "4.00"),
    ],
)
def test_dates_and_states_are_added_up_by_the_database_beforehand(
    tenant: Tenant, editor: Client, query: dict[str, str], count: int, amount: str
) -> None:
    for number, (day, state) in enumerate(
        [("2026-03-02", "done"), ("2026-03-02", "held"), ("2026-03-03", "held"), ("2026-03-04", "done"), (None, "done")]
    ):
        factories.work_order(tenant, work_date=day, state=state, amount=Decimal([1, 4, 2, 3, 100][number]))

    with CaptureQueriesContext(connection) as asked:
        answer = editor.get(LEDGER, query)

    assert (answer.context["sum"].count, answer.context["sum"].amount) == (count, Decimal(amount))
    assert len(answer.context["page"].rows) == count
    assert not [each for each in asked.captured_queries if 'SUM("kingsync_workorder"' in each["sql"]]


def test_list_takes_as_many_queries_for_many_work_orders_as_for_one(
    editor: Client, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(paging.PAGE_SIZE + 5):
        factories.work_order(tenant, state="held", reasons=[{"code": "no_debtor", "params": {}}])

    with django_assert_num_queries(BASE + 6):  # former administrations, keys, their rows, counts, sum, saved views
        answer = editor.get(LEDGER, {"state": "held", "q": "boer", "king": "no"})

    assert answer.status_code == 200


# The session, the person, the tenant with the role; and the runs that failed, for the title.
BASE = 3 + 1


@pytest.mark.parametrize("query", [{}, {"since": "2020-01-01"}, {"changed": "30"}, {"q": "smit", "state": "done"}])
def test_pages_follow_each_other_without_a_gap_and_keep_what_was_asked(
    editor: Client, tenant: Tenant, query: dict[str, str]
) -> None:
    now = timezone.now()
    made = [
        factories.work_order(
            tenant,
            state=LedgerState.DONE,
            customer_name="Smit",
            work_date=datetime.date(2025, 1, 1 + number % 3),
            changed_at=now - datetime.timedelta(minutes=number % 7),
        ).order_number
        for number in range(2 * paging.PAGE_SIZE + 1)
    ]

    first = editor.get(LEDGER, query)
    second = editor.get(LEDGER, {**query, "before": str(first.context["page"].older)})
    third = editor.get(LEDGER, {**query, "before": str(second.context["page"].older)})

    pages = [[row.order_number for row in each.context["page"].rows] for each in (first, second, third)]
    assert [len(page) for page in pages] == [50, 50, 1]
    assert sorted(number for page in pages for number in page) == sorted(made)
    assert third.context["page"].older is None
    kept = "".join(f"{name}={value}&amp;" for name, value in query.items())
    assert f'href="?{kept}before=' in html(first)


def test_new_work_orders_do_not_shift_the_next_page(editor: Client, tenant: Tenant) -> None:
    for _ in range(paging.PAGE_SIZE + 1):
        factories.work_order(tenant)
    oldest = WorkOrder.across_tenants.filter(tenant=tenant).order_by("pk").first()
    older = editor.get(LEDGER).context["page"].older
    factories.work_order(tenant)

    assert [row.pk for row in editor.get(LEDGER, {"before": older}).context["page"].rows] == [
        oldest.pk if oldest else None
    ]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "2025-01-01~", "2025-13-01~4", "2025-01-01T00:00~4", "~", "²"])
@pytest.mark.parametrize("query", [{}, {"since": "2020-01-01"}, {"changed": "30"}])
def test_key_that_is_none_shows_the_first_page(
    editor: Client, tenant: Tenant, before: str, query: dict[str, str]
) -> None:
    factories.work_order(tenant, order_number="WB1", work_date=datetime.date(2025, 1, 1), changed_at=timezone.now())

    assert numbers(editor, before=before, **query) == ["WB1"]


def test_empty_ledger_and_a_search_without_finds_say_different_things(editor: Client, tenant: Tenant) -> None:
    nothing = text(editor.get(LEDGER))
    factories.work_order(tenant)

    assert "No work orders yet." in nothing
    assert "No work orders found. Show all" in text(editor.get(LEDGER, {"q": "quagga"}))


def test_viewer_sees_the_list_without_ticks_or_buttons(viewer: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="WB1")

    page = html(viewer.get(LEDGER))

    assert "WB1" in page
    assert 'type="checkbox"' not in page
    assert 'name="kind"' not in page


def test_names_from_outside_are_shown_as_text(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, customer_name="<script>alert(1)</script>")

    assert "<script>alert" not in editor.get(LEDGER).content.decode()


# --- One work order ---------------------------------------------------------------------------------------------------


def page_of(client: Client, row: WorkOrder) -> str:
    return text(client.get(f"{LEDGER}{row.pk}/"))


def source(**fields: Any) -> str:
    """Return a work order in OutSmart's format."""
    return json.dumps(
        {
            "id": "4711",
            "OrderNr": "WB1",
            "CustomerName": "Klant 10",
            "CustomerDebtorNr": "10",
            "CustomerDebtorNrInvoice": "11",
            "WorkDescription": "Ketel nagekeken\nen gevuld",
            "WorkDate": "10-11-2025",
            "WorkEndDate": "11-11-2025",
            "status": "Compleet",
            "WorkStatus": "1",
            "Materials": [material("BUIS", "2,5", MaterialUnit="m", MaterialWarehouseCode="2")],
            "Workperiods": [period("01:10", "MONT", Id="77", BeginTime="08:00", EndTime="09:10")],
        }
        | fields
    )


def exported(tenant: Tenant, **fields: Any) -> WorkOrder:
    """Create a work order whose material and hour are in King."""
    defaults = {"source": source(), "settings_version": 1, "king_order_number": "26011", "is_created_by_us": True}
    row = factories.work_order(tenant, outsmart_id="4711", state=LedgerState.DONE, **(defaults | fields))
    factories.order_line(
        row,
        key="material|BUIS|2|#1",
        source="BUIS",
        position=1,
        state=OrderLine.State.SENT,
        king_line_id="901",
        quantity=Decimal("2.500"),
        sent={"kind": "ART", "article": "BUIS", "quantity": "2.5", "warehouse": "2"},
    )
    factories.order_line(
        row,
        key="hours|77#1",
        kind=OrderLine.Kind.HOURS,
        source="MONT 10-11-2025 08:00",
        position=2,
        state=OrderLine.State.SENT,
        king_line_id="902",
        quantity=Decimal("1.250"),
        registered_minutes=70,
        rounded_minutes=75,
        sent={"kind": "TAR", "article": "MONT", "quantity": "1.25"},
    )
    return row


def test_both_documents_stand_side_by_side_line_by_line(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant)

    page = page_of(editor, row)

    assert "Customer Klant 10 Debtor number 10" in page
    assert "King order 26011 Our reference OS-4711 Debtor number 11 Reference Werkbon WB1" in page
    assert "Order date 10 November 2025 Delivery date 11 November 2025 Approved no" in page
    assert "BUIS · Naam BUIS 2,5 m · warehouse 2 Article BUIS Naam BUIS × 2.5 warehouse 2 King line 901" in page
    assert "Hours MONT 10-11-2025 · 08:00–09:10 · time 01:10 Rate MONT × 1.25 registered 1:10" in page


def test_page_says_what_stays_as_king_has_it(editor: Client, tenant: Tenant) -> None:
    params = {"line": "MONT", "field": "price", "before": "58", "theirs": "40"}
    row = exported(tenant, notices=[{"code": "king_value_stays", "params": params}])

    page = page_of(editor, row)

    assert "Price of line “MONT” was changed in King from 58 to 40 and stays as it is." in page


def test_page_pairs_a_row_that_changed_its_warehouse_with_its_line(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant)
    changed = json.loads(row.source)
    changed["Materials"][0]["MaterialWarehouseCode"] = "1"
    row.source = json.dumps(changed)
    row.save()

    page = page_of(editor, row)

    assert "BUIS · Naam BUIS 2,5 m · warehouse 1 Article BUIS Naam BUIS × 2.5 warehouse 2 King line 901" in page
    assert "No longer on the work order." not in page


def test_rounding_is_explained_with_the_step_of_that_time(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant, minimum_hours="1.00", rounding_amount="15")
    current = SyncSettings.across_tenants.get(tenant=tenant)
    current.hour_rounding = 30
    current.store(by=None)

    page = page_of(editor, row)

    assert "registered 1:10, rounded up to 15 minutes: 1:15 = 1.25" in page
    assert "For the customer's signature OutSmart applied: at least 1.00 hours, rounded to 15 minutes." in page


def test_text_lines_show_the_filled_in_text_under_the_name_of_their_setting(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant)
    factories.order_line(
        row,
        key="text|work_description",
        kind=OrderLine.Kind.TEXT,
        source="work_description",
        state=OrderLine.State.SENT,
        sent={"kind": "TEKST", "text": "Ketel nagekeken\nen gevuld"},
    )

    page = page_of(editor, row)

    assert "Text Work description Ketel nagekeken en gevuld Text line Ketel nagekeken en gevuld" in page


def test_refused_line_tells_its_reason_and_an_unseen_one_that_no_run_looked_at_it(
    editor: Client, tenant: Tenant
) -> None:
    row = factories.work_order(
        tenant,
        state=LedgerState.INCOMPLETE,
        reasons=[{"code": "line_refused", "params": {"code": "no_hour_type", "line": "08:00"}}],
        source=source(),
    )
    factories.order_line(
        row,
        key="material|BUIS|2|#1",
        state=OrderLine.State.REFUSED,
        reasons=[{"code": "unknown_article", "params": {"article": "BUIS"}}],
    )

    page = page_of(editor, row)

    assert "Hours 08:00 have no hour type." in page
    assert "refused King does not know article BUIS (Naam BUIS)." in page
    assert "time 01:10 not checked yet" in page
    assert "There is no King order yet." in page


def test_line_that_the_work_order_dropped_is_shown_with_kings_side_only(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant, source=source(Materials=[]))

    page = page_of(editor, row)

    assert "Material No longer on the work order. Article BUIS × 2.5" in page


@pytest.mark.parametrize("kept", ["", "no json", '{"id": {}}'])
def test_lines_are_shown_although_the_source_is_not_kept_or_cannot_be_read(
    editor: Client, tenant: Tenant, kept: str
) -> None:
    row = exported(tenant, source=kept)

    page = page_of(editor, row)

    assert "The work order as OutSmart sent it is no longer stored" in page
    assert "Material BUIS Article BUIS × 2.5" in page


def test_header_of_an_order_that_king_made_is_not_claimed(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant, is_created_by_us=False)

    page = page_of(editor, row)

    assert "Maintained in King: in an order that kingsync did not create, it only changes lines." in page
    assert "Our reference" not in page


def test_amounts_stand_as_the_language_writes_them(client: Client, editor: Client, tenant: Tenant) -> None:
    row = exported(tenant)
    editor.cookies["django_language"] = "nl"

    assert "BUIS × 2,5" in page_of(editor, row)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"is_locked": True}, "King order 26000001 may still be locked for your staff"),
        ({"is_approval_left": True}, "King order 26000001 has a credit line, so it was not approved."),
    ],
)
def test_what_is_left_to_do_in_king_is_told_on_a_finished_work_order(
    editor: Client, tenant: Tenant, columns: dict[str, bool], told: str
) -> None:
    row = factories.work_order(tenant, state="done", king_order_number="26000001", **columns)
    plain = factories.work_order(tenant, state="done", king_order_number="26000002")

    assert told in page_of(editor, row)
    assert "26000002 may" not in page_of(editor, plain)
    assert "credit line" not in page_of(editor, plain)


def test_history_holds_runs_and_people_in_one_line_of_time(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant)
    run = factories.run(tenant)
    now = timezone.now()
    factories.log_entry(run, event="order.created", outsmart_id=row.outsmart_id, at=now - datetime.timedelta(hours=3))
    decision = ManualAction(
        tenant=tenant,
        work_order=row,
        kind=ManualAction.Kind.EXCLUDE,
        reason="met de hand",
        state_before="held",
        decided_by_name="Jan Jansen",
    )
    decision.save()
    factories.log_entry(run, event="order.updated", outsmart_id=row.outsmart_id, at=now + datetime.timedelta(hours=3))
    factories.log_entry(run, event="order.other", outsmart_id="another")

    page = page_of(editor, row)

    updated, made = page.index("updated in King"), page.index("The order was created in King.")
    assert updated < page.index("Reason: “met de hand”. Before: held.") < page.index("Jan Jansen") < made
    assert f"run {run.number}" in page
    assert "order.other" not in page


def test_long_history_says_that_it_is_cut(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant)
    run = factories.run(tenant)
    for _ in range(history.LATEST + 1):
        factories.log_entry(run, outsmart_id=row.outsmart_id)

    assert "Older entries are not shown here." in page_of(editor, row)


def test_difference_with_the_king_order_that_it_was_made_of_is_shown(editor: Client, tenant: Tenant) -> None:
    row = exported(tenant, is_created_by_us=False)
    RecordLink(
        tenant=tenant,
        kind=RecordKind.ORDER,
        king_id="26011",
        outsmart_id="4711",
        state=RecordLink.State.DELETED,
        difference=[{"field": "Reference", "sent": "oud", "king": "nieuw"}],
    ).save()

    page = page_of(editor, row)

    assert "no longer in King" in page
    assert "Reference oud nieuw" in page


def test_page_of_a_work_order_takes_as_many_queries_for_many_lines_as_for_one(
    editor: Client, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = exported(tenant)
    run = factories.run(tenant)
    for _ in range(20):
        factories.order_line(row)
        factories.log_entry(run, outsmart_id=row.outsmart_id)

    # the row, lines, settings version, employees, King's names, work order status, import link, care, other work
    # orders, log, decisions, settings, connections, neighbours
    with django_assert_num_queries(BASE + 15):
        answer = editor.get(f"{LEDGER}{row.pk}/")

    assert answer.status_code == 200


def test_viewer_sees_a_work_order_without_anything_to_press(viewer: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.REJECTED)

    page = html(viewer.get(f"{LEDGER}{row.pk}/"))

    assert "What you can do" not in page
    assert "/decide/" not in page


@pytest.mark.parametrize(
    ("state", "reasons", "offered"),
    [
        ("held", ["before_from_date"], {"retry", "release", "link", "reset", "exclude"}),
        ("held", ["not_linked"], {"retry", "link", "reset", "exclude"}),
        ("rejected", ["no_debtor"], {"retry", "link", "reset", "exclude"}),
        ("uncertain", ["not_looked_up"], {"retry", "link", "reset", "exclude"}),
        ("incomplete", ["line_refused"], {"retry", "reset", "exclude"}),
        ("waiting", [], {"exclude"}),
        ("changed", ["changed_after_export"], {"exclude"}),
        ("done", [], set()),
        ("excluded", ["excluded"], {"restore"}),
    ],
)
def test_only_what_the_state_allows_is_offered(
    editor: Client, tenant: Tenant, state: str, reasons: list[str], offered: set[str]
) -> None:
    row = factories.work_order(tenant, state=state, reasons=[{"code": code, "params": {}} for code in reasons])

    page = html(editor.get(f"{LEDGER}{row.pk}/"))

    assert {kind for kind in ManualAction.Kind.values if f'name="kind" value="{kind}"' in page} == offered
    assert ("Export this work order now" in page) == (state != "excluded")


@pytest.mark.parametrize(("state", "is_offered"), [("rejected", True), ("incomplete", True), ("done", False)])
def test_a_linked_work_order_that_needs_attention_may_go_to_another_order(
    editor: Client, tenant: Tenant, state: str, is_offered: bool
) -> None:
    row = factories.work_order(tenant, state=state, king_order_number="26011")

    assert ('value="link"' in html(editor.get(f"{LEDGER}{row.pk}/"))) == is_offered


def test_decisions_are_not_queried_one_by_one(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant)
    for _ in range(5):
        ManualAction(tenant=tenant, work_order=row, kind="retry", state_before="held", decided_by_name="Jan").save()

    with CaptureQueriesContext(connection) as asked:
        answer = editor.get(f"{LEDGER}{row.pk}/")

    assert answer.status_code == 200

    # The history, and the note with who looks after it.
    assert sum("kingsync_manualaction" in query["sql"] for query in asked.captured_queries) == 2


# --- Verification -----------------------------------------------------------------------------------------------------


def test_page_says_when_both_systems_were_last_checked(editor: Client, tenant: Tenant) -> None:
    now = timezone.now()
    row = exported(tenant, verified_at=now, king_checked_at=now - datetime.timedelta(days=3))

    page = text(editor.get(f"{LEDGER}{row.pk}/"))
    WorkOrder.across_tenants.update(king_closed_at=now)
    closed = text(editor.get(f"{LEDGER}{row.pk}/"))

    assert "Last checked" in page
    assert "King order no longer open since" not in page
    assert "King order no longer open since" in closed
