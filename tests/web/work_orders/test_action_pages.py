"""Manual actions on the pages: who may, what is confirmed first, what King says, and how refusals read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.test import Client
from django.utils import timezone

from kingsync import worker
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.web.shared.template_tags import when
from kingsync.web.work_orders import bulk_pages
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, processes, scenario
from tests.conftest import connect
from tests.web.conftest import People
from tests.web.pages import Answer, html, text

LEDGER = "/t/jansen/work-orders/"
OLD = [{"code": "before_from_date", "params": {"date": "2024-02-01", "from_date": "2025-01-01"}}]


@pytest.fixture
def tenant(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> Tenant:
    """Connect the tenant to both sandboxes, outside its scope as pages are."""
    with tenants.scope(tenant):
        Connection.objects.all().delete()
        connect(tenant, king, outsmart)
    scenario.stock(king)
    return tenant


def decide(client: Client, row: WorkOrder, kind: str, **fields: str) -> Answer:
    return client.post(f"{LEDGER}{row.pk}/decide/", {"kind": kind, **fields}, follow=True)


def act_on_many(client: Client, rows: list[WorkOrder], kind: str, **fields: str) -> Answer:
    data = {"kind": kind, "row": [str(row.pk) for row in rows], **fields}
    return client.post(f"{LEDGER}decide/", data, follow=True)


def state_of(row: WorkOrder) -> str:
    return WorkOrder.across_tenants.get(pk=row.pk).state


def decisions() -> list[tuple[str, str, str]]:
    """Return (kind, who, reason) of all decisions, oldest first."""
    rows = ManualAction.across_tenants.order_by("id").values_list("kind", "decided_by__name", "reason")
    return [(kind, who or "", why) for kind, who, why in rows]


def export(tenant: Tenant, **options: object) -> SyncRun:
    with tenants.scope(tenant):
        return scenario.export(**options)


def work(run: SyncRun) -> None:
    """Run a run as a worker would."""
    with tenants.scope(run.tenant_id):
        worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)


@contextmanager
def worker_at_work(tenant: Tenant) -> Iterator[None]:
    """Hold the lock of a living worker on this tenant's exports, on a separate connection."""
    with psycopg.connect(processes.database_url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x6B02, tenant.pk])
        yield


# --- One work order ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "kind", "fields", "after", "told"),
    [
        ("rejected", "retry", {}, "waiting", "This work order is ready for the next export. Automatic export is off."),
        ("held", "release", {}, "waiting", "Released: the next export sends this work order."),
        ("held", "exclude", {"reason": "al gefactureerd"}, "excluded", "Excluded: kingsync no longer sends this"),
        ("excluded", "restore", {}, "waiting", "Restored: the next export picks this work order up."),
    ],
)
def test_decision_is_made_and_kept_with_who_and_why(
    editor: Client, tenant: Tenant, before: str, kind: str, fields: dict[str, str], after: str, told: str
) -> None:
    row = factories.work_order(tenant, state=before, reasons=OLD)

    answer = decide(editor, row, kind, **fields)

    assert (state_of(row), decisions()) == (after, [(kind, "eddy", fields.get("reason", ""))])
    assert told in text(answer)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"schedule_enabled": True, "export_minutes": 15}, "ready for the export of {soon}. Export now"),
        ({"schedule_enabled": True, "export_minutes": 1}, "ready for the next export. Next run: within a minute."),
        ({"schedule_enabled": False}, "ready for the next export. Automatic export is off. Export now"),
    ],
)
def test_answer_names_the_export_that_takes_it_up(
    editor: Client, tenant: Tenant, schedule: dict[str, object], said: str
) -> None:
    row = factories.work_order(tenant, state="rejected", reasons=OLD)
    SyncSettings.across_tenants.filter(tenant=tenant).update(**schedule)
    before = timezone.now() - datetime.timedelta(minutes=2)
    SyncRun.across_tenants.filter(pk=factories.run(tenant).pk).update(queued_at=before)

    answer = decide(editor, row, "retry")

    soon = when(before + datetime.timedelta(minutes=15))
    assert said.format(soon=soon) in text(answer)
    assert f'action="{LEDGER}{row.pk}/export/"' in answer.content.decode()


def test_reason_of_a_retried_work_order_stays_in_sight(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="rejected", reasons=[{"code": "no_debtor", "params": {}}])

    answer = decide(editor, row, "retry")

    assert state_of(row) == LedgerState.WAITING
    assert "The work order has no debtor number." in text(answer)
    assert "The work order has no debtor number." in text(editor.get(LEDGER))


def test_exporting_now_from_the_answer_about_many_starts_the_export(editor: Client, tenant: Tenant) -> None:
    rows = [factories.work_order(tenant, state="rejected") for _ in range(2)]

    answer = act_on_many(editor, rows, "retry")

    assert '<form class="in-line" method="post" action="/t/jansen/start/export/">' in answer.content.decode()


def test_no_export_is_offered_that_would_be_refused(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="rejected")
    SyncSettings.across_tenants.filter(tenant=tenant).update(export_orders=False)

    answer = decide(editor, row, "retry")

    assert "This work order is ready for the next export. “Orders” is off in the settings" in text(answer)
    assert 'class="in-line"' not in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "kind", "fields", "told"),
    [
        ("done", "retry", {}, "This is not possible for a work order with state “done”."),
        ("rejected", "release", {}, "A release only lifts a review, the start date"),
        ("held", "exclude", {"reason": "  "}, "Enter a reason of at most 500 characters."),
        ("held", "exclude", {"reason": "x" * 501}, "Enter a reason of at most 500 characters."),
        ("held", "restore", {}, "This is not possible for a work order with state “held”."),
        ("done", "reset", {"sure": "1"}, "This is not possible for a work order with state “done”."),
        ("held", "link", {"number": " "}, "Enter the number of the King order."),
    ],
)
def test_refused_decision_is_told_and_changes_nothing(
    editor: Client, tenant: Tenant, state: str, kind: str, fields: dict[str, str], told: str
) -> None:
    row = factories.work_order(tenant, state=state, reasons=[{"code": "no_debtor", "params": {}}])

    answer = decide(editor, row, kind, **fields)

    assert told in text(answer)
    assert (state_of(row), decisions()) == (state, [])


def test_nobody_decides_while_an_export_is_at_work(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="rejected")

    with worker_at_work(tenant):
        answer = decide(editor, row, "retry")

    assert "An export is in progress. Decide again when it has finished." in text(answer)
    assert state_of(row) == "rejected"


@pytest.mark.parametrize("kind", ManualAction.Kind.values)
def test_viewer_may_not_decide(viewer: Client, tenant: Tenant, kind: str) -> None:
    row = factories.work_order(tenant, state="held", reasons=OLD)

    one = viewer.post(f"{LEDGER}{row.pk}/decide/", {"kind": kind, "reason": "x", "number": "500", "sure": "1"})
    many = viewer.post(f"{LEDGER}decide/", {"kind": kind, "reason": "x", "row": [row.pk]})
    cause = viewer.post(f"{LEDGER}causes/decide/", {"kind": kind, "reason": "x", "cause": "before_from_date"})

    assert {one.status_code, many.status_code, cause.status_code} == {403}
    assert (state_of(row), decisions()) == ("held", [])


@pytest.mark.parametrize("kind", ManualAction.Kind.values)
def test_stranger_finds_no_work_order_to_decide_about(
    client: Client, people: People, tenant: Tenant, kind: str
) -> None:
    row = factories.work_order(tenant, state="held", reasons=OLD)
    client.force_login(people.stranger)

    answer = client.post(f"{LEDGER}{row.pk}/decide/", {"kind": kind, "reason": "x", "number": "500", "sure": "1"})

    assert (answer.status_code, state_of(row)) == (404, "held")


def test_work_orders_of_others_are_out_of_reach(editor: Client, tenant: Tenant) -> None:
    foreign = factories.work_order(factories.tenant(), state="held", reasons=OLD)

    one = editor.post(f"{LEDGER}{foreign.pk}/decide/", {"kind": "release"})
    many = act_on_many(editor, [foreign], "release")

    assert one.status_code == 404
    assert "This work order is unknown." in text(many)
    assert state_of(foreign) == "held"


@pytest.mark.parametrize("kind", ["", "nonsense", "delete"])
def test_unknown_decision_is_a_bad_request(editor: Client, tenant: Tenant, kind: str) -> None:
    row = factories.work_order(tenant, state="held")

    answers = [
        editor.post(f"{LEDGER}{row.pk}/decide/", {"kind": kind}),
        editor.post(f"{LEDGER}decide/", {"kind": kind, "row": [row.pk]}),
        editor.post(f"{LEDGER}causes/decide/", {"kind": kind, "cause": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]


# --- Link to order ----------------------------------------------------------------------------------------------------


def test_king_order_is_shown_before_it_is_attached_and_then_brought_up_to_date(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 11, "Referentie": "Trap"})
    row = _held_for_want_of_an_order(tenant, outsmart)

    asked = decide(editor, row, "link", number=" 00500 ")
    before = state_of(row)
    done = decide(editor, row, "link", number="500", sure="1")
    export(tenant)

    assert "Link to King order 500?" in text(asked)
    assert "Customer in King 11 Klant 11" in text(asked)
    assert "other_customer" not in asked.content.decode()
    assert (before, decisions()) == ("held", [("link", "eddy", "")])
    assert "Linked: the next export updates the King order." in text(done)
    assert state_of(row) == LedgerState.DONE
    (order,) = scenario.orders(king, ours=False)
    assert (order["OrderNummer"], len(order["OrderRegels"])) == (500, 4)


def test_order_of_another_customer_is_attached_only_after_an_explicit_yes(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("debtor", "12", {"Naam1": "Bakker", "Woonplaats": "Ede"})
    king.store.put_record("order", "500", {"DebiteurNummer": 12})
    row = _held_for_want_of_an_order(tenant, outsmart)

    asked = decide(editor, row, "link", number="500")
    refused = decide(editor, row, "link", number="500", sure="1")
    before = decisions()
    decide(editor, row, "link", number="500", sure="1", other_customer="1")
    export(tenant)

    both = "King order 500 belongs to customer 12 (Bakker), but the work order is for customer 10 (Klant 10)."
    assert both in text(asked)
    assert "Yes, this work belongs on the order of 12 Bakker" in text(asked)
    assert both in text(refused)
    assert (before, decisions()) == ([], [("link", "eddy", "")])
    assert state_of(row) == LedgerState.DONE
    (order,) = scenario.orders(king, ours=False)
    assert len(order["OrderRegels"]) == 4


def _held_for_want_of_an_order(tenant: Tenant, outsmart: OutSmartSandbox) -> WorkOrder:
    with tenants.scope(tenant):
        _settings(create_new_order=False)
        number = scenario.work_order(outsmart)
        scenario.export()
        return scenario.ledger(number)


def _settings(*, create_new_order: bool) -> None:
    row = SyncSettings.objects.get()
    row.create_new_order = create_new_order
    row.store(by=None)


def test_number_that_king_does_not_know_is_told_before_anything_is_asked(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="held")

    answer = decide(editor, row, "link", number="0777")

    assert "King has no open order 777 in this administration." in text(answer)


def test_the_other_work_orders_of_an_order_are_named_before_linking(
    editor: Client, tenant: Tenant, king: KingSandbox
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 11})
    factories.work_order(tenant, order_number="WB-ANDER", king_order_number="500", state="done")
    row = factories.work_order(tenant, state="held")

    asked = decide(editor, row, "link", number="500")

    assert "Other work orders on this King order; their lines stay as they are: WB-ANDER (done)" in text(asked)


def test_what_is_wrong_with_king_is_told_in_a_sentence(editor: Client, tenant: Tenant, king: KingSandbox) -> None:
    row = factories.work_order(tenant, state="held")

    king.faults.add(Fault(kind="html", times="forever"))
    no_data = text(decide(editor, row, "link", number="500"))
    king.faults.clear()
    king.access_code = "another"
    refused = text(decide(editor, row, "link", number="500"))

    assert "King answered with something other than data" in no_data
    assert "King refused our credentials" in refused
    assert decisions() == []


def test_missing_connection_is_told_in_a_sentence(editor: Client, tenant: Tenant) -> None:
    Connection.across_tenants.filter(tenant=tenant, system="king").delete()
    row = factories.work_order(tenant, state="held")

    assert "There is no connection with King yet." in text(decide(editor, row, "link", number="500"))


# --- Reset link -------------------------------------------------------------------------------------------------------


def test_starting_anew_is_asked_about_and_refused_as_long_as_king_holds_the_order(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = _incomplete(tenant, outsmart)

    asked = decide(editor, row, "reset")
    sure = decide(editor, row, "reset", sure="1")

    assert f"Reset the link of work order {row} to King?" in text(asked)
    assert f"King still has open order {row.king_order_number} with our reference." in text(sure)
    assert (state_of(row), decisions()) == ("incomplete", [])


def test_starting_anew_asks_what_became_of_an_order_that_is_not_open_any_more(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = _incomplete(tenant, outsmart)
    king.store.remove_record("order", row.king_order_number or "")

    doubted = decide(editor, row, "reset", sure="1", reason="in King verwijderd")
    before = state_of(row)
    done = decide(editor, row, "reset", sure="1", even_so="on", reason="in King verwijderd")

    assert "is no longer open: it was delivered, invoiced or removed." in text(doubted)
    assert 'name="even_so" required' in html(doubted)
    assert 'value="in King verwijderd"' in html(doubted)
    assert (before, state_of(row)) == ("incomplete", "waiting")
    assert decisions() == [("reset", "eddy", "in King verwijderd")]
    assert "the next export starts over." in text(done)


def _incomplete(tenant: Tenant, outsmart: OutSmartSandbox) -> WorkOrder:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("ONBEKEND")])
        scenario.export()
        return scenario.ledger(number)


# --- Dry run and export of one ----------------------------------------------------------------------------------------


def test_preview_shows_the_order_line_by_line_and_writes_nothing(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = _held_for_want_of_an_order(tenant, outsmart)
    with tenants.scope(tenant):
        _settings(create_new_order=True)

    asked = editor.post(f"{LEDGER}{row.pk}/preview/", headers={"HX-Request": "true"})
    run = SyncRun.across_tenants.order_by("-id")[0]
    work(run)
    shown = text(editor.get(f"{LEDGER}{row.pk}/run/{run.pk}/", headers={"HX-Request": "true"}))

    assert f'hx-get="{LEDGER}{row.pk}/run/{run.pk}/"' in html(asked)
    assert run.options == {"dry_run": True, "work_orders": [row.outsmart_id]}
    assert "A new King order would be created." in shown
    assert f"Debtor number 11 Our reference OS-{row.outsmart_id}" in shown
    assert "1 Material BUIS BUIS × 1 would be added 2 Hours" in shown
    assert "MONT × 1 registered 1:00 = 1 would be added 3 Text Work description Ketel nagekeken would be added" in shown
    assert (scenario.orders(king), state_of(row)) == ([], "held")


def test_preview_shows_what_would_change_in_king(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("KNIE", "2")])
        scenario.export()
        row = scenario.ledger(number)
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material(quantity="3")], "status": "Compleet"})

    shown = _previewed(editor, row)

    assert f"King order {row.king_order_number} would be changed." in shown
    assert "BUIS × 3 would be changed" in shown
    assert "Material KNIE would be removed" in shown


def test_preview_tells_what_stops_the_work_order(editor: Client, tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart, CustomerDebtorNr="", CustomerDebtorNrInvoice="")
        scenario.export()
        row = scenario.ledger(number)

    shown = _previewed(editor, row)

    assert "Nothing would be sent: the work order would be rejected." in shown
    assert "The work order has no debtor number." in shown


def _previewed(client: Client, row: WorkOrder) -> str:
    client.post(f"{LEDGER}{row.pk}/preview/")
    run = SyncRun.across_tenants.order_by("-id")[0]
    work(run)
    return text(client.get(f"{LEDGER}{row.pk}/run/{run.pk}/"))


def test_preview_of_what_king_holds_already_says_so(editor: Client, tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    row = _incomplete(tenant, outsmart)

    shown = _previewed(editor, row)

    assert f"King order {row.king_order_number} would stay as it is: there is nothing new to send." in shown
    assert "refused King does not know article ONBEKEND." in shown


def test_preview_that_failed_says_why(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = _incomplete(tenant, outsmart)
    outsmart.faults.add(Fault(kind="html", times="forever"))

    assert "OutSmart answered with something other than data" in _previewed(editor, row)


def test_preview_waits_for_an_export_that_is_going_on(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant)
    going_on = factories.run(tenant, RunKind.EXPORT, RunStatus.RUNNING)

    page = editor.post(f"{LEDGER}{row.pk}/preview/", follow=True)
    part = editor.post(f"{LEDGER}{row.pk}/preview/", headers={"HX-Request": "true"})

    for answer in (page, part):
        assert "An export is in progress. Try again when it has finished." in text(answer)
    assert f"/t/jansen/runs/{going_on.pk}/" in html(part)
    assert "hx-get" not in html(part)
    assert SyncRun.across_tenants.count() == 1


def test_second_press_follows_the_same_preview(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant)

    first, second = (editor.post(f"{LEDGER}{row.pk}/preview/").headers["Location"] for _ in range(2))

    assert first == second
    assert SyncRun.across_tenants.count() == 1


def test_export_of_one_work_order_takes_no_other_and_shows_it_as_it_is_then(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = _incomplete(tenant, outsmart)
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    other = scenario.work_order(outsmart)

    editor.post(f"{LEDGER}{row.pk}/export/", headers={"HX-Request": "true"})
    run = SyncRun.across_tenants.order_by("-id")[0]
    work(run)
    part = editor.get(f"{LEDGER}{row.pk}/run/{run.pk}/", headers={"HX-Request": "true"})

    assert run.requested_by is not None
    assert (run.requested_by.name, state_of(row)) == ("eddy", LedgerState.DONE)
    assert not WorkOrder.across_tenants.filter(outsmart_id=other).exists()
    assert part["HX-Redirect"] == f"{LEDGER}{row.pk}/"
    assert "All went well. 1 read, 1 updated." in text(editor.get(f"{LEDGER}{row.pk}/"))


def test_work_order_that_was_changed_afterwards_is_brought_up_to_date_by_exporting_it(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart)
        scenario.export()
        row = scenario.ledger(number)
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material(quantity="3")]})
    WorkOrder.across_tenants.filter(pk=row.pk).update(state=LedgerState.CHANGED)

    shown = _previewed(editor, row)
    editor.post(f"{LEDGER}{row.pk}/export/")
    work(SyncRun.across_tenants.order_by("-id")[0])

    (order,) = scenario.orders(king)
    assert "BUIS × 3 would be changed" in shown
    assert scenario.lines(order)[0] == ("ART", "BUIS", "3")
    assert (state_of(row), scenario.is_clean(king)) == (LedgerState.DONE, True)


@pytest.mark.parametrize("action", ["preview", "export"])
def test_viewer_starts_nothing(viewer: Client, tenant: Tenant, action: str) -> None:
    row = factories.work_order(tenant)

    assert viewer.post(f"{LEDGER}{row.pk}/{action}/").status_code == 403
    assert not SyncRun.across_tenants.exists()


def test_run_about_another_work_order_shows_nothing_of_it_here(editor: Client, tenant: Tenant) -> None:
    row, other = factories.work_order(tenant), factories.work_order(tenant)
    entry = {"outsmart_id": other.outsmart_id, "action": "created", "reasons": []}
    run = factories.run(
        tenant,
        options={"dry_run": True, "work_orders": [other.outsmart_id]},
        dry_run_examples={"work_orders": [entry]},
    )

    shown = text(editor.get(f"{LEDGER}{row.pk}/run/{run.pk}/"))

    assert "A new King order would be created." not in shown


def test_run_of_another_tenant_is_not_found(editor: Client, tenant: Tenant) -> None:
    row, foreign = factories.work_order(tenant), factories.run(factories.tenant())

    assert editor.get(f"{LEDGER}{row.pk}/run/{foreign.pk}/").status_code == 404


# --- Many -------------------------------------------------------------------------------------------------------------


def test_ticked_work_orders_are_decided_together_and_those_that_cannot_are_named_with_why(
    editor: Client, tenant: Tenant
) -> None:
    good = [factories.work_order(tenant, state="rejected") for _ in range(3)]
    bad = [factories.work_order(tenant, state="done", order_number=name) for name in ("WB-A", "WB-B")]

    answer = act_on_many(editor, [*good, *bad], "retry")

    said = text(answer)
    assert "3 work orders are ready for the next export, 2 not: " in said
    assert "This is not possible for a work order with state “done”. (WB-A, WB-B)" in said
    assert {state_of(row) for row in good} == {"waiting"}
    assert {state_of(row) for row in bad} == {"done"}
    assert len(decisions()) == 3


@pytest.mark.parametrize(
    ("kind", "before", "after", "said"),
    [
        ("release", "held", "waiting", "2 work orders are ready for the next export."),
        ("exclude", "held", "excluded", "2 work orders excluded."),
        ("restore", "excluded", "waiting", "2 work orders are ready for the next export."),
    ],
)
def test_every_decision_of_the_list_works_on_many(
    editor: Client, tenant: Tenant, kind: str, before: str, after: str, said: str
) -> None:
    rows = [factories.work_order(tenant, state=before, reasons=OLD) for _ in range(2)]

    answer = act_on_many(editor, rows, kind, reason="oud werk")

    assert said in text(answer)
    assert {state_of(row) for row in rows} == {after}


@pytest.mark.parametrize("kind", ["link", "reset"])
def test_what_needs_a_look_at_king_is_not_done_to_many(editor: Client, tenant: Tenant, kind: str) -> None:
    row = factories.work_order(tenant, state="held")

    assert editor.post(f"{LEDGER}decide/", {"kind": kind, "row": [row.pk]}).status_code == 400


@pytest.mark.parametrize("rows", [[], ["x"], ["-1"], ["9" * 30]])
def test_nothing_ticked_is_told(editor: Client, tenant: Tenant, rows: list[str]) -> None:
    answer = editor.post(f"{LEDGER}decide/", {"kind": "retry", "row": rows}, follow=True)

    assert "Select work orders first." in text(answer)


def test_list_is_shown_again_as_it_was_asked_for(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state="held", customer_name="Smit & Zn")
    asked = "state=held&q=smit+%26&before=99999999"
    page = html(editor.get(f"{LEDGER}?{asked}"))

    answer = editor.post(f"{LEDGER}decide/", {"kind": "retry", "row": [row.pk], "asked": asked})

    assert 'name="asked" value="state=held&amp;q=smit+%26&amp;before=99999999"' in page
    assert answer.headers["Location"] == f"{LEDGER}?{asked}"


@pytest.mark.parametrize(
    "asked", ["//evil.example/", "https://evil.example/?a=b", "\r\nLocation: https://evil.example"]
)
def test_nobody_is_led_away_from_the_list(editor: Client, tenant: Tenant, asked: str) -> None:
    answer = editor.post(f"{LEDGER}decide/", {"kind": "retry", "asked": asked})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{LEDGER}?")


# --- Causes -----------------------------------------------------------------------------------------------------------


def stopped(tenant: Tenant, code: str, state: str = "rejected", **params: str) -> WorkOrder:
    return factories.work_order(tenant, state=state, reasons=[{"code": code, "params": params}])


def test_causes_say_what_to_repair_by_whom_and_list_their_work_orders(viewer: Client, tenant: Tenant) -> None:
    rows = [stopped(tenant, "unknown_article", article="NIEUW") for _ in range(2)]
    stopped(tenant, "no_hour_type")
    stopped(tenant, "no_warehouse", material="X")

    page = text(viewer.get(f"{LEDGER}causes/"))

    assert "2 King does not know article NIEUW. Create article NIEUW in King, or correct the article number" in page
    assert "To be fixed in King, by the person who maintains articles" in page
    assert all(row.order_number in page for row in rows)
    assert "1 The work period has no hour type. Choose an hour type for the hours in OutSmart." in page
    assert "To be fixed in OutSmart" in page
    assert "Or change this setting for all work orders: Default warehouse To be fixed in the settings" in page
    assert "Try all again" not in page


def test_one_button_tries_all_of_a_cause_again(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    rows = [_incomplete(tenant, outsmart) for _ in range(2)]
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})

    data = {"kind": "retry", "cause": "unknown_article:ONBEKEND"}
    answer = editor.post(f"{LEDGER}causes/decide/", data, follow=True)
    export(tenant)

    assert "2 work orders are ready for the next export." in text(answer)
    assert {state_of(row) for row in rows} == {LedgerState.DONE}
    assert "No work orders need attention" in text(editor.get(f"{LEDGER}causes/"))


def test_old_work_is_released_or_excluded_all_at_once(editor: Client, tenant: Tenant) -> None:
    rows = [stopped(tenant, "before_from_date", "held", date="2024-01-01", from_date="2025-01-01") for _ in range(2)]
    page = text(editor.get(f"{LEDGER}causes/"))

    data = {"kind": "exclude", "cause": "before_from_date", "reason": "oud werk"}
    editor.post(f"{LEDGER}causes/decide/", data)

    assert "Try all again Release all Reason to exclude Exclude all" in page
    assert {state_of(row) for row in rows} == {"excluded"}
    assert {why for _, _, why in decisions()} == {"oud werk"}


def test_what_no_retry_takes_up_has_no_button_for_it(editor: Client, tenant: Tenant) -> None:
    stopped(tenant, "changed_after_export", "changed", detail="x")

    page = text(editor.get(f"{LEDGER}causes/"))

    assert "The work order was changed in OutSmart after it was exported." in page
    assert "Try all again" not in page


def test_cause_that_was_repaired_meanwhile_is_told(editor: Client, tenant: Tenant) -> None:
    answer = editor.post(f"{LEDGER}causes/decide/", {"kind": "retry", "cause": "no_debtor"}, follow=True)

    assert "No work order has this cause at the moment." in text(answer)


def test_so_many_that_not_all_are_counted_is_said(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_pages, "CAUSES_OF_NEWEST", 1)
    for _ in range(2):
        stopped(tenant, "no_debtor")

    page = text(editor.get(f"{LEDGER}causes/"))

    assert "1 The work order has no debtor number." in page
    assert "Counted over the newest of them; the buttons apply to all." in page


# --- After King closed the order --------------------------------------------------------------------------------------


@pytest.fixture
def corrected(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> list[WorkOrder]:
    """Create two work orders that were corrected after King closed their orders."""
    with tenants.scope(tenant):
        numbers = [scenario.work_order(outsmart) for _ in range(2)]
        scenario.export()
        for number in numbers:
            king.store.edit_order(int(scenario.ledger(number).king_order_number or 0), Edit(close=True))
            more = [scenario.material(quantity="3")]
            outsmart.store.edit_work_order(number, {"status": "Compleet", "Materials": more})
        scenario.export()
        return [scenario.ledger(number) for number in numbers]


def test_a_supplementary_order_is_confirmed_with_its_lines(editor: Client, corrected: list[WorkOrder]) -> None:
    row, _other = corrected

    asked = text(decide(editor, row, "supplement"))

    assert "BUIS" in asked
    assert state_of(row) == LedgerState.CHANGED
    decide(editor, row, "supplement", sure="1")
    assert state_of(row) == LedgerState.WAITING


def test_supplementary_orders_are_created_for_all_that_are_ticked(
    editor: Client, tenant: Tenant, king: KingSandbox, corrected: list[WorkOrder]
) -> None:
    waiting = factories.work_order(tenant)

    answer = act_on_many(editor, [*corrected, waiting], "supplement")
    export(tenant)

    assert "2 work orders are ready for the next export, 1 not:" in text(answer)
    assert [state_of(row) for row in corrected] == ["done", "done"]
    references = [str(order["ExternOrderNummer"]) for order in scenario.orders(king)]
    assert [each for each in references if each.endswith("-2")] == [f"OS-{row.outsmart_id}-2" for row in corrected]


def test_what_is_ticked_is_settled_by_hand_with_one_reason(editor: Client, corrected: list[WorkOrder]) -> None:
    refused = text(act_on_many(editor, corrected, "settle"))
    answer = act_on_many(editor, corrected, "settle", reason="creditnota 17")

    assert "settled by hand" not in refused
    assert "2 work orders settled by hand." in text(answer)
    assert [state_of(row) for row in corrected] == ["done", "done"]
    assert {why for _, _, why in decisions()} == {"creditnota 17"}


def test_a_new_order_after_all_is_created_by_the_next_export(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart, WorkorderNo="404")
        scenario.export()
        row = scenario.ledger(number)
    page = text(editor.get(f"{LEDGER}{row.pk}/"))

    answer = decide(editor, row, "new_order")
    export(tenant)

    assert "New order after all" in page
    assert "The next export creates a new King order." in text(answer)
    assert state_of(row) == LedgerState.DONE
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{number}"]
