"""The search over everything of a tenant: its page, and its list for the palette."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kingsync.models.links import RecordLink
from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Tenant
from kingsync.web.search import ledger_search
from tests import factories
from tests.web.pages import html, text

SEARCH = "/t/jansen/search/"


def found(client: Client, asked: str) -> dict[str, list[str]]:
    groups = client.get(SEARCH, {"q": asked}).context["groups"]
    return {group.key: [hit.title for hit in group.hits] for group in groups}


def test_a_work_order_is_found_by_name_without_accents_and_leads_to_its_page(editor: Client, tenant: Tenant) -> None:
    row = factories.work_order(tenant, order_number="WB1", customer_name="Café Zoë", state="held")

    page = html(editor.get(SEARCH, {"q": "cafe zoe"}))

    assert f'<a href="/t/jansen/work-orders/{row.pk}/"><span class="hit"><b>WB1</b>' in page
    assert 'href="/t/jansen/work-orders/?q=cafe+zoe"' in page


def test_what_has_exactly_the_number_comes_first(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="100")
    for number in range(ledger_search.AT_MOST + 1):
        factories.work_order(tenant, order_number=f"100{number}")

    hits = found(editor, "100")["work-orders"]

    assert hits[0] == "100"
    assert len(hits) == len(set(hits)) == ledger_search.AT_MOST


@pytest.mark.parametrize("asked", ["2001", "pomp zwaar", "POMP ZWÄAR"])
def test_a_record_is_found_by_its_number_or_name(editor: Client, tenant: Tenant, asked: str) -> None:
    factories.record_link(tenant, kind="product", king_id="20017", name="Pomp zwaar", state=RecordLink.State.LINKED)
    factories.record_link(tenant, kind="product", king_id="30017", name="Pomp licht", state=RecordLink.State.LINKED)

    assert found(editor, asked)["records"] == ["20017 · Pomp zwaar"]


@pytest.mark.parametrize("asked", ["export failed", "Exp FAILED", "failed"])
def test_runs_are_found_by_kind_and_result(editor: Client, tenant: Tenant, asked: str) -> None:
    run = factories.run(tenant, RunKind.EXPORT, status=RunStatus.FAILED)
    factories.run(tenant, RunKind.EXPORT, status=RunStatus.SUCCEEDED)

    assert found(editor, asked)["runs"] == [f"Export {run.number}"]
    assert found(editor, f"#{run.number}")["runs"] == [f"Export {run.number}"]


def test_a_setting_is_found_by_its_label_and_leads_to_its_field(editor: Client, tenant: Tenant) -> None:
    page = html(editor.get(SEARCH, {"q": "hour roun"}))

    assert 'href="/t/jansen/settings/#id_hour_rounding"' in page
    assert 'id="id_hour_rounding"' in html(editor.get("/t/jansen/settings/"))
    assert "OutSmart" in found(editor, "token")["settings"]
    assert found(editor, "rounded up")["settings"] == found(editor, "hour rounding")["settings"]


def test_pages_are_found_by_name_and_shown_before_anything_is_typed(editor: Client, tenant: Tenant) -> None:
    assert found(editor, "audit")["pages"] == ["Audit trail"]
    assert list(found(editor, "")) == ["pages"]
    assert found(editor, "x") == {}
    assert "Enter at least two characters." in text(editor.get(SEARCH, {"q": "x"}))
    assert "No results." in text(editor.get(SEARCH, {"q": "quagga"}))


def test_the_palette_gets_options_for_a_listbox(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="WB1", customer_name="<b>Boer</b>")

    part = html(editor.get(SEARCH, {"q": "boer", "part": "palette"}))

    assert "<html" not in part
    assert '<a role="option" aria-selected="false" tabindex="-1" id="palette-work-orders-1"' in part
    assert '<div role="group" aria-labelledby="palette-work-orders">' in part
    assert 'data-count="1 result"' in part
    assert "<b>Boer" not in part


def test_nothing_of_another_tenant_is_found(editor: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(other, order_number="4711")
    factories.record_link(other, king_id="4711")
    run = factories.run(other)

    assert found(editor, "4711") == {}
    assert found(editor, str(run.pk).zfill(3)) == {}


def test_a_stranger_finds_no_search(client: Client, tenant: Tenant) -> None:
    client.force_login(factories.member(factories.tenant(slug="others")))

    assert client.get(SEARCH, {"q": "boer"}).status_code == 404


@pytest.mark.parametrize("asked", ["100%", "' OR 1=1", "\\", "9" * 90, "(", "[", "#", "² 12", "OS-"])
def test_odd_texts_find_nothing_and_break_nothing(editor: Client, tenant: Tenant, asked: str) -> None:
    factories.work_order(tenant)
    factories.record_link(tenant)

    assert found(editor, asked) == {}


def test_the_number_of_queries_does_not_grow(
    editor: Client, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        factories.work_order(tenant, order_number=f"77{number}")
        factories.record_link(tenant, king_id=f"77{number}")

    # the session, the person, the tenant and role; former administrations, the exact ones, King orders of the past,
    # keys, their rows, records, runs; what the title says is wrong, by two
    with django_assert_num_queries(3 + 7 + 2):
        page = editor.get(SEARCH, {"q": "77"})

    hits = {group.key: len(group.hits) for group in page.context["groups"]}
    assert (hits["work-orders"], hits["records"] > 1) == (ledger_search.AT_MOST, True)


def test_the_help_is_searched_too(editor: Client) -> None:
    hits = editor.get(SEARCH, {"q": "king web services"}).context["groups"]

    [group] = [group for group in hits if group.key == "help"]
    assert group.hits
    assert {hit.address.startswith("/help/") for hit in group.hits} == {True}
