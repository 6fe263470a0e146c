"""Text lines filled in while they are typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import texts
from kingsync.web.settings import settings_tags
from tests import factories
from tests.web.pages import html

ADDRESS = "/t/jansen/settings/text-preview/"
PERIODS = [{"TotalTime": "00:50", "HourType": "MONT"}, {"TotalTime": "01:01", "HourType": "MONT"}]


def work_order(tenant: Tenant, number: str, **fields: object) -> WorkOrder:
    raw = {"id": number, "OrderNr": f"WB{number}", "Workperiods": PERIODS} | fields
    return factories.work_order(tenant, outsmart_id=number, order_number=f"WB{number}", source=json.dumps(raw))


def answered(client: Client, template: str = "", **sent: object) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(ADDRESS, {"extra_text_line_1": template, **sent}).json()
    return answer


def shown(answer: dict[str, Any], name: str = "extra_text_line_1") -> str:
    return "".join(part["text"] for part in answer["lines"][name]["parts"])


def test_line_is_filled_in_from_the_newest_work_order(editor: Client, tenant: Tenant) -> None:
    work_order(tenant, "7001")
    newest = work_order(tenant, "7002", CustomerName="De Boer")

    answer = answered(editor, "Bon {order_number} van {customer_name}")

    assert shown(answer) == "Bon WB7002 van De Boer"
    assert answer["example"] == newest.pk


def test_another_work_order_can_be_chosen(editor: Client, tenant: Tenant) -> None:
    older = work_order(tenant, "7001")
    work_order(tenant, "7002")

    answer = answered(editor, "{order_number}", example=older.pk)

    assert shown(answer) == "WB7001"
    assert [each["label"] for each in answer["examples"]] == ["WB7002 · De Boer", "WB7001 · De Boer"]


def test_work_order_of_another_tenant_is_never_shown(editor: Client, tenant: Tenant) -> None:
    theirs = work_order(factories.tenant(), "9001", CustomerName="Geheim")
    mine = work_order(tenant, "7001")

    answer = answered(editor, "{customer_name}", example=theirs.pk)

    assert answer["example"] == mine.pk
    assert "Geheim" not in json.dumps(answer)


def test_without_work_orders_an_invented_one_is_shown(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant)  # never read, so its contents are not known

    answer = answered(editor, "{order_number} {total_hours}")

    assert shown(answer) == "WB2026.0123 2:00"
    assert (answer["example"], answer["examples"]) == (None, [])


@pytest.mark.parametrize(("rounding", "hours"), [("0", "1:51"), ("15", "2:15"), ("30", "2:30"), ("nonsense", "2:15")])
def test_hours_are_rounded_as_the_form_says(editor: Client, tenant: Tenant, rounding: str, hours: str) -> None:
    work_order(tenant, "7001")

    assert shown(answered(editor, "{total_hours}", hour_rounding=rounding)) == hours


def test_values_are_data_and_are_never_expanded_again(editor: Client, tenant: Tenant) -> None:
    work_order(tenant, "7001", CustomerName="{order_number} <b>{{x}}")

    answer = answered(editor, "{customer_name} {{letterlijk}}")

    assert shown(answer) == "{order_number} <b>{{x}} {letterlijk}"
    assert answer["lines"]["extra_text_line_1"]["problem"] == ""


@pytest.mark.parametrize(
    ("template", "unknown", "position"),
    [
        ("Bon {onbekend}!", "{onbekend}", 5),
        ("{order_number} }", "}", 16),
        ("{", "{", 1),
        ("{{ {Order_number}", "{Order_number}", 4),
    ],
)
def test_unknown_tag_is_marked_where_it_stands(
    editor: Client, tenant: Tenant, template: str, unknown: str, position: int
) -> None:
    line = answered(editor, template)["lines"]["extra_text_line_1"]

    assert [part["text"] for part in line["parts"] if part["unknown"]] == [unknown]
    assert line["position"] == position
    assert line["problem"] == f"“{unknown}” (position {position}) is not a known tag."


@pytest.mark.parametrize("template", ["", "  ", "{comment}", " {comment} {free_field_50}"])
def test_line_that_becomes_empty_is_said_to_be_left_out(editor: Client, tenant: Tenant, template: str) -> None:
    work_order(tenant, "7001")

    assert answered(editor, template)["lines"]["extra_text_line_1"]["is_empty"] is True


def test_number_of_the_king_order_is_the_linked_one_or_still_to_come(editor: Client, tenant: Tenant) -> None:
    linked = work_order(tenant, "7001")
    WorkOrder.across_tenants.filter(pk=linked.pk).update(king_order_number="20251")
    named = work_order(tenant, "7002", WorkorderNo="20252")
    new = work_order(tenant, "7003")

    seen = [shown(answered(editor, "{king_order_number}", example=row.pk)) for row in (linked, named, new)]

    assert seen == ["20251", "20252", "(the number that King assigns)"]


def test_every_tag_is_offered_with_its_meaning_and_an_example(editor: Client, tenant: Tenant) -> None:
    page = html(editor.get("/t/jansen/settings/"))

    assert [tag for tag in texts.TAGS if f'data-tag="{tag}"' not in page] == []
    assert all(meaning for _tag, meaning in settings_tags.meanings())
    assert answered(editor)["values"].keys() == set(texts.TAGS)


def test_rules_and_preview_fill_a_line_in_the_same(editor: Client, tenant: Tenant) -> None:
    template = "{{x}} {order_number}, {customer_city} {free_field_3}"
    work_order(tenant, "7001", CustomerCity="Ede", FreeFields={"val_value_3": "kelder"})

    answer = answered(editor, template)

    assert shown(answer) == texts.fill(template, answer["values"].__getitem__)


def test_preview_stores_nothing_and_costs_few_queries(
    editor: Client, tenant: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(7001, 7030):
        work_order(tenant, str(number))
    before = list(WorkOrder.across_tenants.order_by("pk").values())

    with django_assert_max_num_queries(6):
        answer = answered(editor, "{order_number}")

    assert len(answer["examples"]) == 20
    assert list(WorkOrder.across_tenants.order_by("pk").values()) == before


def test_viewer_sees_the_lines_filled_in_too(viewer: Client, tenant: Tenant) -> None:
    work_order(tenant, "7001")

    assert shown(answered(viewer, "{order_number}")) == "WB7001"
