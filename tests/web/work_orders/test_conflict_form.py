"""The table of a held work order in which users choose what applies."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import conflicts
from tests import factories
from tests.web.pages import html, text
from tests.web.work_orders.test_action_pages import LEDGER, decide, decisions, state_of, tenant

__all__ = ["tenant"]

QUANTITY = {"line": "BUIS", "reference": "1-M1", "field": "quantity", "before": "2", "ours": "3", "theirs": "5"}
DROPPED = {"line": "BOCHT", "reference": "1-M2", "fields": "price", "before": "3", "theirs": "4", "mark": "bb"}


@pytest.fixture
def held(tenant: Tenant) -> WorkOrder:
    reasons = [
        {"code": "line_conflict", "params": QUANTITY | {"mark": "aa"}},
        {"code": "line_dropped", "params": DROPPED},
    ]
    row = factories.work_order(tenant, state="held", step="confirmed", king_order_number="7", reasons=reasons)
    for reference in ("1-M1", "1-M2"):
        OrderLine(tenant=tenant, work_order=row, reference=reference, key=reference, kind="material").save()
    return row


def choices() -> list[dict[str, str]]:
    return [line.choices for line in OrderLine.across_tenants.order_by("reference")]


def test_the_table_shows_the_values_and_what_is_possible(editor: Client, held: WorkOrder) -> None:
    page = html(editor.get(f"{LEDGER}{held.pk}/"))

    assert "Changed in both King and OutSmart" in page
    assert all(f">{value}</td>" in page for value in ("BUIS", "quantity", "2", "5", "3", "BOCHT", "4", "removed"))
    assert "Sum of both changes: 6" in page
    assert page.count('<option value="sum">') == 1


def test_each_choice_is_kept_with_its_line(editor: Client, held: WorkOrder) -> None:
    answer = decide(editor, held, "solve", **{"choice-aa": "sum", "choice-bb": "king"})

    assert "Your choice is kept: the next export carries it out." in text(answer)
    assert state_of(held) == "sending"
    after_sum = conflicts.mark("1-M1", "quantity", "2", "3", "6")
    assert choices() == [{"aa": "sum", after_sum: "king"}, {"bb": "king", conflicts.GIVEN_UP: "king"}]
    ((kind, _, said),) = decisions()
    assert kind == "solve"
    assert "the sum 6 is written to King" in said


def test_one_button_chooses_for_all_lines(editor: Client, held: WorkOrder) -> None:
    decide(editor, held, "solve", all="outsmart", **{"choice-aa": "", "choice-bb": ""})

    assert choices() == [{"aa": "outsmart"}, {"bb": "outsmart"}]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"choice-aa": "king"}, "The work order changed while you were deciding."),
        ({"choice-aa": "king", "choice-cc": "king"}, "The work order changed while you were deciding."),
        ({"choice-aa": "", "choice-bb": "king"}, "Choose what applies to line “BUIS”."),
        ({"choice-aa": "king", "choice-bb": "sum"}, "Choose what applies to line “BOCHT”."),
    ],
)
def test_what_does_not_fit_the_present_values_is_refused(
    editor: Client, held: WorkOrder, fields: dict[str, str], told: str
) -> None:
    assert told in text(decide(editor, held, "solve", **fields))
    assert (state_of(held), choices(), decisions()) == ("held", [{}, {}], [])


def test_a_viewer_has_no_form(viewer: Client, held: WorkOrder) -> None:
    assert 'value="solve"' not in html(viewer.get(f"{LEDGER}{held.pk}/"))
