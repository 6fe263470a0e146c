"""Versions of the settings in words, and restoring one of them."""

from __future__ import annotations

import datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kingsync.models import tenants
from kingsync.models.links import WorkStatus
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

ADDRESS = "/t/jansen/settings/versions/"


def stored(tenant: Tenant) -> SyncSettings:
    return SyncSettings.across_tenants.get(tenant=tenant)


def save(tenant: Tenant, by: People, **columns: object) -> None:
    with tenants.scope(tenant):
        row = stored(tenant)
        for name, value in columns.items():
            row._meta.get_field(name)
            setattr(row, name, value)
        row.store(by=by.owner)


def back_to(client: Client, version: int, *, current: int) -> str:
    return text(client.post(f"{ADDRESS}{version}/restore/", {"current": current}, follow=True))


def test_version_says_who_changed_what_in_words(editor: Client, tenant: Tenant, people: People) -> None:
    save(tenant, people, hour_rounding=30, send_prices=True, extra_text_line_2="Klant {customer_name}")

    page = text(editor.get(ADDRESS))

    assert "Version 2 in use today" in page
    assert "alice" in page
    assert "Exports › The order in King › Hour rounding round up to 15 minutes → round up to 30 minutes" in page
    assert "Send prices off → on" in page
    assert "Extra text line 2 empty → Klant {customer_name}" in page
    assert "Version 1" in page
    assert "The first version." in page


def test_values_are_told_as_people_know_them(editor: Client, tenant: Tenant, people: People) -> None:
    with tenants.scope(tenant):
        WorkStatus(code="4", name="Gefactureerd").save()
    day = datetime.date(2026, 3, 1)
    save(tenant, people, success_status="4", export_from_date=day, products_revenue_groups=["10", "20"])

    page = text(editor.get(ADDRESS))

    assert "Status after success empty → 4 - Gefactureerd" in page
    assert "Start date empty → March 1, 2026" in page
    assert "Only these revenue groups empty → 10, 20" in page


def test_going_back_makes_a_new_version_with_the_old_choices(editor: Client, tenant: Tenant, people: People) -> None:
    save(tenant, people, hour_rounding=30, extra_text_line_1="x", export_from_date=datetime.date(2026, 3, 1))

    page = back_to(editor, 1, current=2)

    now = stored(tenant)
    assert "The settings are those of version 1 again." in page
    assert (now.version, now.hour_rounding, now.extra_text_line_1) == (3, 15, "Werkbon {order_number}")
    assert now.export_from_date is None
    with tenants.scope(tenant):
        assert SettingsVersion.objects.get(version=3).saved_by == people.editor


def test_going_back_to_a_version_with_dates_and_lists_brings_them_back(
    editor: Client, tenant: Tenant, people: People
) -> None:
    day = datetime.date(2026, 3, 1)
    save(tenant, people, export_from_date=day, notification_emails=["a@b.example"])
    save(tenant, people, export_from_date=None, notification_emails=[])

    back_to(editor, 2, current=3)

    assert (stored(tenant).export_from_date, stored(tenant).notification_emails) == (day, ["a@b.example"])


def test_somebody_who_saved_meanwhile_is_not_overwritten(editor: Client, tenant: Tenant, people: People) -> None:
    save(tenant, people, hour_rounding=30)
    save(tenant, people, hour_rounding=5)

    page = back_to(editor, 1, current=2)

    assert "Someone else saved the settings in the meantime." in page
    assert (stored(tenant).version, stored(tenant).hour_rounding) == (3, 5)


def test_choice_that_is_newer_than_the_version_stays_as_it_is(editor: Client, tenant: Tenant, people: People) -> None:
    with tenants.scope(tenant):
        first = SettingsVersion.objects.get(version=1)
        del first.document["imports"]["brake_percent"]
        first.save()
    save(tenant, people, brake_percent=9, hour_rounding=30)

    back_to(editor, 1, current=2)

    assert (stored(tenant).brake_percent, stored(tenant).hour_rounding) == (9, 15)


@pytest.mark.parametrize(
    ("section", "broken"),
    [("exports", {"extra_text_lines": ["{gone}", "", "", ""]}), ("imports", {"brake_percent": 900})],
)
def test_version_that_todays_rules_refuse_is_not_used(
    editor: Client, tenant: Tenant, people: People, section: str, broken: dict[str, object]
) -> None:
    save(tenant, people, hour_rounding=30)
    with tenants.scope(tenant):
        first = SettingsVersion.objects.get(version=1)
        first.document[section] |= broken
        first.save()

    page = back_to(editor, 1, current=2)

    assert "Version 1 can no longer be used." in page
    assert (stored(tenant).version, stored(tenant).hour_rounding) == (2, 30)


def test_going_back_to_the_same_choices_saves_nothing(editor: Client, tenant: Tenant, people: People) -> None:
    save(tenant, people, hour_rounding=30)
    save(tenant, people, hour_rounding=15)

    page = back_to(editor, 1, current=3)

    assert "There was nothing to save." in page
    assert stored(tenant).version == 3


def test_version_of_another_tenant_is_not_found(editor: Client, tenant: Tenant, people: People) -> None:
    other = factories.tenant()
    factories.settings(other)
    with tenants.scope(other):
        theirs = SyncSettings.objects.get()
        theirs.hour_rounding = 5
        theirs.store(by=None)

    assert editor.post(f"{ADDRESS}2/restore/", {"current": 1}).status_code == 404


def test_viewer_sees_the_versions_without_a_way_back(viewer: Client, tenant: Tenant, people: People) -> None:
    save(tenant, people, hour_rounding=30)

    page = html(viewer.get(ADDRESS))

    assert "Version 2" in page
    assert "Go back to this version" not in page


def test_settings_page_leads_to_its_versions(editor: Client, tenant: Tenant) -> None:
    assert f'href="{ADDRESS}"' in html(editor.get("/t/jansen/settings/"))


def test_many_versions_are_shown_a_page_at_a_time_at_the_same_cost(
    editor: Client, tenant: Tenant, people: People, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in range(20, 45):
        save(tenant, people, import_minutes=minutes)

    with django_assert_num_queries(7 + 2):
        page = html(editor.get(ADDRESS))

    assert "Version 26" in page
    assert "Version 7<" in page
    assert "Version 6<" not in page
    assert "The first version." not in page
