"""Fields without effect, and pick lists from the two systems."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from integrations.king.records import Kind
from kingsync.king_mirror import mirror
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.links import WorkStatus
from kingsync.models.sync_settings import COLUMNS
from kingsync.models.tenants import Tenant
from kingsync.web.settings import settings_form
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest
from tests.web.pages import html
from tests.web.settings.settings_entries import ADDRESS, entries, stored

REFRESH = f"{ADDRESS}choices/"
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("customers_inactive", "customers_enabled"),
        ("orders_materials", "orders_enabled"),
        ("hour_rounding", "export_orders"),
        ("create_interim_order", "interim_updates"),
        ("approve_order", "create_new_order|create_interim_order"),
        ("import_minutes", "schedule_enabled"),
        ("notification_emails", "notification_mode"),
    ],
)
def test_field_tells_without_which_switch_it_means_nothing(editor: Client, name: str, needs: str) -> None:
    page = html(editor.get(ADDRESS))

    field = page.split(f'name="{name}"')[0].rpartition('<div class="field')[2]
    assert f'data-needs="{needs}"' in field


def test_every_switch_that_a_field_needs_is_itself_a_field() -> None:
    switches = {each for needs in settings_form.NEEDS.values() for part in needs.split() for each in part.split("|")}

    assert switches | settings_form.NEEDS.keys() <= set(COLUMNS.values())


def test_switched_off_choices_keep_their_values(editor: Client, tenant: Tenant) -> None:
    data = entries(editor) | {"order_update_status": "7", "create_interim_order": "on"}

    editor.post(ADDRESS, data)

    assert (stored(tenant).order_update_status, stored(tenant).create_interim_order) == ("7", True)


def test_warehouse_is_chosen_by_number_and_name(editor: Client, tenant: Tenant) -> None:
    with tenants.scope(tenant):
        mirror.store(Kind.WAREHOUSE, [b'{"MagazijnCode": "2", "Omschrijving": "Bus"}'])

    field = editor.get(ADDRESS).context["forms"].choices["default_warehouse"]

    assert dict(field.field.widget.choices) == {"": "none", "2": "2 - Bus", "1": "1"}
    assert field.value() == "1"


def test_choices_are_asked_of_both_systems_and_what_was_typed_stays(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    Connection.across_tenants.all().delete()
    conftest.connect(tenant, king, outsmart)
    king.store.put_record("warehouse", "2", {"Omschrijving": "Bus"})

    pressed = editor.post(REFRESH, entries(editor), headers=HTMX)
    [followed] = re.findall(r'hx-get="([^"]+)"', html(pressed))
    typed = {"success_status": "typed", "default_warehouse": "2"}
    answer = editor.get(followed, typed, headers=HTMX)

    page = html(answer)
    assert "King: 1 warehouse" in page
    assert f"OutSmart: {WorkStatus.across_tenants.count()} work order statuses" in page
    assert '<option value="typed" selected>typed</option>' in page
    assert '<option value="2" selected>2 - Bus</option>' in page
    assert page.count('hx-swap-oob="outerHTML"') == len(settings_form.CHOSEN_FROM_SYSTEMS)
    assert stored(tenant).default_warehouse == "1"


def test_system_that_does_not_answer_is_told_and_the_other_is_asked_all_the_same(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    Connection.across_tenants.all().delete()
    conftest.connect(tenant, king, outsmart)
    outsmart.faults.add(Fault(kind="html", times="forever"))

    page = html(editor.post(REFRESH, entries(editor), follow=True))

    assert "OutSmart answered with something other than data" in page
    assert "King: 0 warehouses" in page


def test_choices_without_connections_say_what_to_fill_in(editor: Client, tenant: Tenant) -> None:
    Connection.across_tenants.all().delete()

    page = html(editor.post(REFRESH, {}, follow=True))

    assert "There is no connection with OutSmart yet." in page
    assert "There is no connection with King yet." in page


def test_reviews_are_ticked_and_named_in_the_history(editor: Client, tenant: Tenant) -> None:
    editor.post(ADDRESS, entries(editor) | {"review": ["credit", "zero_price"], "travel_article": "KM"})

    assert (stored(tenant).review, stored(tenant).travel_article) == (["credit", "zero_price"], "KM")
    page = html(editor.get(ADDRESS))
    assert re.search(r'name="review" value="credit"[^>]* checked', page)
    assert 'role="group" aria-labelledby="id_review_label"' in page
    assert "a credit line, a line with a price of zero" in html(editor.get(f"{ADDRESS}versions/"))


def test_no_review_at_all_can_be_saved(editor: Client, tenant: Tenant) -> None:
    editor.post(ADDRESS, entries(editor) | {"review": ["credit"]})
    sent = entries(editor)
    del sent["review"]

    editor.post(ADDRESS, sent)

    assert stored(tenant).review == []
